"""Captures that are written step by step, as hypothesis makes the steps up."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from socktui.core.call import Function
from socktui.journal import format
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import DETAILS_ROOM, Journal
from tests.journal.writing import RING

SCHEMES = ("tcp", "tcp", "udp", "wss")
NAMES = {
    "tcp": [Function.SEND, Function.RECV],
    "udp": [Function.SENDTO, Function.RECVFROM],
    "wss": [Function.SEND, Function.RECV, Function.SSL_READ, Function.SSL_WRITE, Function.WS_SEND],
}


@dataclass(frozen=True)
class Step:
    """A call: bytes, those that the socket received last sent back, or none."""

    socket: int
    way: int
    data: bytes
    echo: bool = False


DATA = st.text("abA", max_size=6).map(str.encode)
STEPS = st.lists(st.builds(Step, st.integers(0, len(SCHEMES) - 1), st.integers(0, 4), DATA, st.booleans()), max_size=40)
LOST = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20)), max_size=3)
"""Ranges of the heap: where each begins, and how long it is. None is empty: no writer notes such a range."""


class Writer:
    """Writes a capture step by step."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path, ring_size=RING, floor=0)
        self.entries = [self.journal.entry(scheme=scheme) for scheme in SCHEMES]
        self._last: dict[int, tuple[int, int]] = {}

    def step(self, step: Step) -> None:
        entry = self.entries[step.socket]
        names = NAMES[SCHEMES[step.socket]]
        name = names[step.way % len(names)]
        if step.echo and SCHEMES[step.socket] == "tcp" and step.socket in self._last:
            at, length = self._last[step.socket]
            self.journal.append_transfer(entry, Function.SEND, 1, 2, at, length, length)
        elif SCHEMES[step.socket] == "tcp":
            at = self.move(entry, name, step.data)
            if name is Function.RECV and step.data:
                self._last[step.socket] = at, len(step.data)
        else:
            self.carry(entry, name, step.data)

    def move(self, entry: Entry, name: Function, data: bytes) -> int:
        if not data:
            self.journal.append_call(entry, Function.SHUTDOWN, 1, 2, 0, args=("aba",))
            return 0
        at, view = self._space(len(data))
        view[:] = data
        self.journal.heap.commit(at + len(data))
        self.journal.append_transfer(entry, name, 1, 2, at, len(data), len(data))
        return at

    def carry(self, entry: Entry, name: Function, data: bytes) -> None:
        """With details in the heap that look like what may be searched for."""
        at, view = self._space(len(data) + DETAILS_ROOM)
        view[: len(data)] = data
        self.journal.append_message(entry, name, 1, 2, at, view, len(data), 9, args=("abaAb",))

    def _space(self, size: int) -> tuple[int, memoryview]:
        while (found := self.journal.heap.space(size)) is None:
            pass  # the disk is behind
        return found


def lose(path: Path, ranges: list[tuple[int, int]]) -> None:
    """As if these bytes of the heap had not been kept."""
    with (path / "calls").open("r+b") as file:
        for i, (start, size) in enumerate(sorted(ranges)):
            file.seek(format.RANGES_AT + i * format.RANGE.size)
            file.write(format.RANGE.pack(start, start + size))
        file.seek(format.LOST_AT)
        file.write(format.U32.pack(len(ranges)))


@contextmanager
def written(steps: list[Step], lost: list[tuple[int, int]] = []) -> Iterator[Reader]:  # noqa: B006
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.socktui"
        writer = Writer(path)
        for step in steps:
            writer.step(step)
        writer.journal.close()
        lose(path, lost)
        with Reader(path) as reader:
            yield reader
