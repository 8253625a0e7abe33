"""A capture of many calls: how long it takes to open it, and to look at any place of it."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from socktui.core.call import Name
from socktui.journal.reader import Reader
from socktui.journal.writer import Entry, Journal
from tests.bench.plan import Plan, median, ms, quantile, table
from tests.bench.targets import Section

SOCKETS = 1000
PAGE = 60
TURNS = 40


def write(path: Path, calls: int) -> float:
    """A capture of so many calls: a listener, 1000 connections, 16 bytes received and sent in turn; seconds it took."""
    began = time.monotonic()
    journal = Journal(path)
    entries = _accepted(journal)
    at = [0] * SOCKETS
    for seq in range(journal.count, calls):
        turn, number = divmod(seq, SOCKETS)
        now = time.monotonic_ns()
        if turn % 2:
            journal.moved(entries[number], Name.SEND, now, now + 5000, at[number], 16, 16)
            continue
        while (kept := journal.heap.keep(_text(seq))) is None:
            time.sleep(0.001)  # the disk is behind
        at[number] = kept
        journal.moved(entries[number], Name.RECV, now, now + 5000, kept, 16, 65536)
    journal.close()
    return time.monotonic() - began


def _accepted(journal: Journal) -> list[Entry]:
    now = time.monotonic_ns()
    listener = journal.entry(service="echo")
    journal.call(listener, Name.SOCKET, now, now, 3, args=("AF_INET", "SOCK_STREAM", 0))
    journal.call(listener, Name.BIND, now, now, 0, args=(["127.0.0.1", 5005],))
    journal.call(listener, Name.LISTEN, now, now, 0, args=(SOCKETS,))
    entries = []
    for number in range(SOCKETS):
        peer: list[str | int] = ["127.0.0.1", 40000 + number]
        made = journal.next_socket
        call = journal.call(listener, Name.ACCEPT, now, now, 4 + number, answer=peer, made=made)
        entries.append(journal.entry(listener, call))
    return entries


def _text(seq: int) -> bytes:
    return b"call %11d" % seq


def newest(calls: int) -> str:
    """What the bytes of the newest call say."""
    turn, number = divmod(calls - 1, SOCKETS)
    return _text((turn - turn % 2) * SOCKETS + number).decode()


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


def _next_page(reader: Reader, seq: int, step: int, turn: int) -> None:
    """Another page in every turn, so that none is found where the one before has left it."""
    page(reader, seq + step * turn * PAGE)


def _next_socket(reader: Reader, n: int, turn: int) -> None:
    socket_page(reader, 2 + turn * 23 % SOCKETS, n)


def _timed(work: Callable[[int], object]) -> list[float]:
    times = []
    for turn in range(TURNS):
        began = time.perf_counter()
        work(turn)
        times.append(time.perf_counter() - began)
    return times


def reading(plan: Plan, path: Path) -> Section:
    """How long reading takes, at the top, in the middle and at the end. `path` becomes the capture."""
    seconds = write(path, plan.calls)
    size = sum(os.stat(file).st_size for file in path.iterdir()) / 2**20
    start = median(_timed(lambda _: opened(path)))
    rows = []
    with Reader(path) as reader:
        assert reader.count == plan.calls
        last = reader.count - PAGE
        each = reader.socket(reader.sockets).calls
        places: dict[str, tuple[int, int]] = {
            "top": (0, 0),
            "middle": (last // 2, each // 2),
            "end": (last, max(0, each - PAGE)),
        }
        first: tuple[float, float] | None = None
        for name, (seq, n) in places.items():
            any_page = _timed(partial(_next_page, reader, seq, 1 if name == "top" else -1))
            of_one = _timed(partial(_next_socket, reader, n))
            here = (median(any_page), median(of_one))
            first = first or here
            rows.append(
                [
                    name,
                    ms(here[0]),
                    ms(quantile(any_page, 0.99)),
                    f"{here[0] / first[0]:.2f}",
                    ms(here[1]),
                    ms(quantile(of_one, 0.99)),
                    f"{here[1] / first[1]:.2f}",
                ]
            )
    of_one_head = f"page of one of {SOCKETS} sockets"
    head = ["place", f"page of {PAGE} calls", "p99", "to the top's", of_one_head, "p99", "to the top's"]
    return Section(
        f"A capture of {plan.calls:,} calls ({size:.0f} MiB), written in {seconds:.1f} s "
        f"({seconds / plan.calls * 1e6:.1f} µs a call). Opened, and the newest {PAGE} calls read with their bytes: "
        f"{ms(start)}.\n\n" + table(head, rows)
    )
