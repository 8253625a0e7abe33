"""A capture of many calls: how long it takes to open it, and to look at any place of it."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from socktui.core.call import Function
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.bench.plan import Plan, median, ms, table
from tests.bench.room import room
from tests.bench.targets import Section, Target

SOCKETS = 1000
PAGE = 60
TURNS = 40
A_CALL = 80
"""Bytes of the disk for each call, with what it carries and its part of a socket."""
ROUNDS = 5


def write(path: Path, calls: int, sockets: int = SOCKETS) -> float:
    """A capture of so many calls: a listener, its connections, 16 bytes received and sent in turn; seconds it took."""
    began = time.monotonic()
    journal = Journal(path)
    entries = _accepted(journal, sockets)
    at = [0] * sockets
    for seq in range(journal.count, calls):
        turn, number = divmod(seq, sockets)
        now = time.monotonic_ns()
        if turn % 2:
            journal.append_transfer(entries[number], Function.SEND, now, now + 5000, at[number], 16, 16)
            continue
        while (kept := journal.heap.keep(_text(seq))) is None:
            time.sleep(0.001)  # the disk is behind
        at[number] = kept
        journal.append_transfer(entries[number], Function.RECV, now, now + 5000, kept, 16, 65536)
    journal.close()
    return time.monotonic() - began


def _accepted(journal: Journal, sockets: int) -> list[Entry]:
    now = time.monotonic_ns()
    listener = journal.entry(service="echo")
    journal.append_call(listener, Function.SOCKET, now, now, 3, args=("AF_INET", "SOCK_STREAM", 0))
    journal.append_call(listener, Function.BIND, now, now, 0, args=(["127.0.0.1", 5005],))
    journal.append_call(listener, Function.LISTEN, now, now, 0, args=(sockets,))
    entries = []
    for number in range(sockets):
        peer: list[str | int] = ["127.0.0.1", 40000 + number]
        made = journal.next_socket
        call = journal.append_call(listener, Function.ACCEPT, now, now, 4 + number, answer=peer, made=made)
        entries.append(journal.entry(listener, call))
    return entries


def _text(seq: int) -> bytes:
    return b"call %11d" % seq


def newest(calls: int, sockets: int = SOCKETS) -> str:
    """What the bytes of the newest call say."""
    turn, number = divmod(calls - 1, sockets)
    return _text((turn - turn % 2) * sockets + number).decode()


def page(reader: Reader, first: int) -> None:
    """What a screen of calls takes: the calls, their bytes, and their sockets."""
    for seq in range(first, first + PAGE):
        call = reader.call(seq)
        if reader.data(call) is None:
            raise RuntimeError(f"call {seq}: its bytes are gone")
        reader.socket(call.socket)


def opened(path: Path) -> None:
    """What `open` reads before it can paint."""
    with Reader(path) as reader:
        page(reader, reader.count - PAGE)


def socket_page(reader: Reader, number: int, n: int) -> None:
    """The page of one socket's calls that begins with its n-th."""
    socket = reader.socket(number)
    for k in range(n, min(n + PAGE, socket.calls)):
        call = reader.call(reader.nth(socket, k))
        if call.socket != number or reader.rank(call.seq) != k:
            raise RuntimeError(f"call {call.seq} is not call {k} of socket {number}")


def _timed(work: Callable[[int], object]) -> list[float]:
    times = []
    for turn in range(TURNS):
        began = time.perf_counter()
        work(turn)
        times.append(time.perf_counter() - began)
    return times


def reading(plan: Plan, path: Path) -> Section:
    """How long reading takes, at the top, in the middle and at the end. `path` becomes the capture."""
    room(path.parent, plan.calls * A_CALL)
    seconds = write(path, plan.calls, plan.sockets)
    size = sum(os.stat(file).st_size for file in path.iterdir()) / 2**20
    start = median(_timed(lambda _: opened(path)))
    pages: dict[str, list[float]] = {place: [] for place in PLACES}
    of_one: dict[str, list[float]] = {place: [] for place in PLACES}
    with Reader(path) as reader:
        assert reader.count == plan.calls
        for turn in range(ROUNDS):
            for place in PLACES:
                pages[place].append(median(_timed(partial(_page_at, reader, place, turn))))
                of_one[place].append(median(_timed(partial(_socket_page_at, reader, place))))
    rows = [
        [place, *(cell for each in (pages, of_one) for cell in (ms(median(each[place])), ms(max(each[place]))))]
        for place in PLACES
    ]
    of_one_head = f"page of one of {plan.sockets:,} sockets"
    head = ["place", f"page of {PAGE} calls", "slowest round", of_one_head, "slowest round"]
    text = (
        f"A capture of {plan.calls:,} calls ({size:.0f} MiB), written in {seconds:.1f} s "
        f"({seconds / plan.calls * 1e6:.1f} µs a call). Opened, and the newest {PAGE} calls read with their bytes: "
        f"{ms(start)}. Medians of {ROUNDS} rounds, of {TURNS} pages each.\n\n"
    )
    targets = [
        Target.of_pairs(f"{what}, {place} / top", each[place], each["top"], 1.5, most=True)
        for what, each in (("reading a page", pages), (of_one_head, of_one))
        for place in ("middle", "end")
    ]
    return Section(text + table(head, rows), targets)


PLACES = {"top": 0.0, "middle": 0.5, "end": 1.0}


def _page_at(reader: Reader, place: str, round_: int, turn: int) -> None:
    """Another page in every turn, so that none is found where the one before has left it."""
    first = reader.sockets + 2  # what is before made the listener and its connections
    room = TURNS * ROUNDS * PAGE
    page(reader, first + int(PLACES[place] * (reader.count - first - room)) + (round_ * TURNS + turn) * PAGE)


def _socket_page_at(reader: Reader, place: str, turn: int) -> None:
    number = 2 + turn * 23 % (reader.sockets - 1)
    socket_page(reader, number, int(PLACES[place] * (reader.socket(number).calls - PAGE)))
