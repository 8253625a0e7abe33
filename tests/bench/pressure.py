"""What the disk does while a server writes to it: how fast the server gets on, and what waits in memory."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from socktui.journal import format
from tests.bench.plan import MIB

PAUSE = 0.05
KIB_A_PAGE = 4


@dataclass
class Pressure:
    """Looks at it while the block runs. Sizes are in MiB.

    place   the folder into which the server writes
    most    of the machine's memory, that waited for the disk
    wrote   to the disk in a second, by the whole machine
    behind  what a capture in `place` had in its ring and not yet in its heap, at most
    pauses  how often it waited for its disk
    """

    place: Path
    most: float = 0.0
    wrote: float = 0.0
    behind: float = 0.0
    pauses: int = 0
    _seen: list[tuple[float, float]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._began, self._written = time.monotonic(), _pages("nr_written")
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()
        self._looking.join()
        self._note()
        self.wrote = (_pages("nr_written") - self._written) / (time.monotonic() - self._began)

    @property
    def size(self) -> float:
        """What is written down so far."""
        return self._seen[-1][1] if self._seen else 0.0

    def speed(self, start: float, end: float) -> float:
        """MiB a second of what was written down, from one part of the whole to another."""
        first, last = (next(seen for seen in self._seen if seen[1] >= self.size * part) for part in (start, end))
        return (last[1] - first[1]) / (last[0] - first[0]) if last > first else 0.0

    def _look(self) -> None:
        while not self._over.wait(PAUSE):
            self._note()

    def _note(self) -> None:
        size = sum(path.stat().st_blocks for path in self.place.rglob("*")) / (MIB / 512)
        self._seen.append((time.monotonic() - self._began, size))
        self.most = max(self.most, _pages("nr_dirty") + _pages("nr_writeback"))
        for calls in self.place.glob(f"*/{format.CALLS}"):
            with calls.open("rb") as file:
                header = file.read(format.HEADER_SIZE)
            head, drained, self.pauses = (
                format.U64.unpack_from(header, at)[0] for at in (format.HEAD_AT, format.DRAINED_AT, format.STALLS_AT)
            )
            self.behind = max(self.behind, (head - drained) / MIB)


def background() -> float:
    """MiB that wait in memory before the kernel writes to the disk on its own: see vm.dirty_background_ratio."""
    return _pages("nr_dirty_background_threshold")


def _pages(name: str) -> float:
    """MiB of what /proc/vmstat counts in pages."""
    rows = dict(row.split() for row in Path("/proc/vmstat").read_text().splitlines())
    return int(rows[name]) * KIB_A_PAGE / 1024
