"""A capture of many calls: how long it takes to open it, and to look at any place of it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from socktui.core.call import Name
from socktui.journal.reader import Reader
from socktui.journal.record import SUFFIX
from socktui.journal.writer import Journal
from tests.bench.plan import Plan, median, ms, quantile, table

SOCKETS = 1000
PAGE = 60
TURNS = 40


def write(path: Path, calls: int) -> float:
    """A capture of so many calls on 1000 sockets, 16 bytes each, received and sent in turn; seconds it took."""
    began = time.monotonic()
    journal = Journal(path)
    entries = [journal.entry(service="echo") for _ in range(SOCKETS)]
    at = 0
    for seq in range(calls):
        name = Name.SEND if seq // SOCKETS % 2 else Name.RECV
        if name is Name.RECV:
            while (kept := journal.heap.keep(b"call %11d" % seq)) is None:
                time.sleep(0.001)
            at = kept
        now = time.monotonic_ns()
        journal.moved(entries[seq % SOCKETS], name, now, now + 5000, at, 16, 65536)
    journal.close()
    return time.monotonic() - began


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


def reading(plan: Plan, path: Path) -> str:
    """How long reading takes, at the top, in the middle and at the end. `path` becomes the capture."""
    seconds = write(path, plan.calls)
    size = sum(os.stat(file).st_size for file in path.iterdir()) / 2**20
    start = median(_timed(lambda _: opened(path)))
    rows = []
    with Reader(path) as reader:
        assert reader.count == plan.calls
        last = reader.count - PAGE
        each = plan.calls // SOCKETS
        places: dict[str, tuple[int, int]] = {
            "top": (0, 0),
            "middle": (last // 2, each // 2),
            "end": (last, max(0, each - PAGE)),
        }
        first: tuple[float, float] | None = None
        for name, (seq, n) in places.items():
            # Other pages in every turn, so that none is found where the one before has left it.
            step = 1 if name == "top" else -1
            any_page = _timed(lambda turn, seq=seq, step=step: page(reader, seq + step * turn * PAGE))  # type: ignore[misc]
            of_one = _timed(lambda turn, n=n: socket_page(reader, 1 + turn * 23 % SOCKETS, n))  # type: ignore[misc]
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
    head = [
        "place", f"page of {PAGE} calls", "p99", "to the top's", f"page of one of {SOCKETS} sockets", "p99", "to the top's",
    ]  # fmt: skip
    return (
        f"A capture of {plan.calls:,} calls ({size:.0f} MiB), written in {seconds:.1f} s "
        f"({seconds / plan.calls * 1e6:.1f} µs a call). Opened, and the newest {PAGE} calls read with their bytes: "
        f"{ms(start)}.\n\n" + table(head, rows)
    )


def new_path(folder: Path) -> Path:
    return folder / f"many-calls{SUFFIX}"
