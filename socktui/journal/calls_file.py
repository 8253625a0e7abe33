"""The records of a capture: any of them by its number, and any call of a socket by following the links."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from socktui.journal import format
from socktui.journal.files import CaptureError

WINDOW = 1 << 20
WINDOWS = 16
STRETCH = 32
"""Calls of a socket that are found together."""


class CallsFile:
    """The file `calls` of a capture, as a descriptor that stays its owner's. Who asks for a record knows it is there.

    Raises CaptureError where it is not, for the file was cut off meanwhile.
    """

    def __init__(self, fd: int, capture: Path) -> None:
        self._fd = fd
        self._capture = capture
        self._maps: dict[int, mmap.mmap] = {}
        self._asked_for = -1
        self._stretch: tuple[int, dict[int, int]] = 0, {}

    def close(self) -> None:
        """Unmap what was mapped."""
        for mapped in self._maps.values():
            mapped.close()
        self._maps.clear()

    def record(self, seq: int) -> tuple[Any, ...]:
        """The fields of a record."""
        at = _place(seq)
        window, place = divmod(at, WINDOW)
        mapped = self._maps.get(window)
        if mapped is None or place + format.RECORD_SIZE > len(mapped):
            # To map a window is dearer than to read from it once, and the calls of a socket may be far apart.
            if window != self._asked_for:
                self._asked_for = window
                return format.RECORD.unpack(self._read(at, format.RECORD_SIZE))
            mapped = self._map(window)
        return format.RECORD.unpack_from(mapped, place)

    def function(self, seq: int) -> int:
        """The number of a record's function; 0 where it was never written."""
        return self._read(_place(seq) + format.FUNCTION_AT, 1)[0]

    def places(self, start: int, stop: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where the bytes of the calls [start, stop) begin in the heap, and how many they are."""
        found = format.places(stop - start).unpack(self._read(_place(start), format.RECORD_SIZE * (stop - start)))
        return found[::2], found[1::2]

    def links(self, seq: int) -> tuple[int, int, int]:
        """The numbers `prev`, `jump` and `nth` of a record."""
        return format.LINKS.unpack(self._read(_place(seq) + format.LINKS_AT, format.LINKS.size))

    def nth(self, number: int, last: int, n: int) -> int:
        """The n-th call of socket `number` (from 0), of which call `last` is one.

        Those that follow are found along with it, for they are mostly asked for next.
        """
        socket, found = self._stretch
        if socket != number or n not in found:
            found = dict(self._back_from(self._search(last, n + STRETCH - 1)))
            self._stretch = number, found
        return found[n] if n in found else self._search(last, n)

    def _search(self, seq: int, n: int) -> int:
        """The n-th call of a socket, from its call `seq` backwards; that one itself where the n-th is later."""
        prev, jump, nth = self.links(seq)
        while nth > n and prev < seq:
            if jump < seq and (far := self.links(jump))[2] >= n:
                seq, (prev, jump, nth) = jump, far
            else:
                seq, (prev, jump, nth) = prev, self.links(prev)
        return seq

    def _back_from(self, seq: int) -> Iterator[tuple[int, int]]:
        """Which of its socket's calls a call is, and its number: of call `seq` and of those before it."""
        for _ in range(STRETCH):
            prev, _, nth = self.links(seq)
            yield nth, seq
            if prev >= seq:
                break
            seq = prev

    def _read(self, at: int, size: int) -> bytes:
        data = os.pread(self._fd, size, at)
        if len(data) < size:
            raise self._cut_off()
        return data

    def _map(self, window: int) -> mmap.mmap:
        """Map a piece of the file, and let go of the oldest: memory does not grow with what was looked at."""
        old = self._maps.pop(window, None)
        if old:
            old.close()
        while len(self._maps) >= WINDOWS:
            self._maps.pop(next(iter(self._maps))).close()
        size = min(WINDOW, os.fstat(self._fd).st_size - window * WINDOW)
        if size < format.RECORD_SIZE:
            raise self._cut_off()
        mapped = mmap.mmap(self._fd, size, offset=window * WINDOW, access=mmap.ACCESS_READ)
        self._maps[window] = mapped
        return mapped

    def _cut_off(self) -> CaptureError:
        return CaptureError(f"{self._capture} was cut off while it was read")


def _place(seq: int) -> int:
    return format.HEADER_SIZE + seq * format.RECORD_SIZE
