"""The heap of a capture being written: bytes are received into a mapped ring, a thread moves them to disk.

The captured copy is the received copy: what recv() put into the ring is what send() takes and readers see.
Since the ring is a file too, a writer that is killed loses nothing that it had committed.
"""

import errno as errnos
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from socktui.journal import format
from socktui.journal.grow_map import allocate, private_file
from socktui.journal.page_cache import PageCache

RING_SIZE = 16 << 20
FLOOR = 256 << 20
BLOCK = 1 << 20
PRESSING = 1 << 20
RESERVE = 1 << 16
BATCH_SECONDS = 0.02
RETRY_SECONDS = 0.5


class Heap:
    """The bytes of a capture, appended.

    floor   bytes of free disk below which no more bytes are kept
    header  the header of `calls`, which readers watch
    """

    def __init__(self, folder: Path, header: mmap.mmap, *, ring_size: int = RING_SIZE, floor: int = FLOOR) -> None:
        self._header = header
        self._floor = floor
        self._size = ring_size
        self._ring_path = folder / format.RING
        self._fd = private_file(folder / format.HEAP)
        ring_fd = private_file(self._ring_path)
        try:
            allocate(ring_fd, 0, ring_size)
            self._map = mmap.mmap(ring_fd, ring_size)
        finally:
            os.close(ring_fd)
        self._ring = memoryview(self._map)
        self._written = PageCache(self._fd)
        self.head = 0
        self.drained = 0
        self._kept: deque[tuple[int, int]] = deque()
        self._hungry: deque[Callable[[], None]] = deque()
        self._closing = False
        self._failing_until = 0.0
        self._checked_at = -1.0
        self._checked_head = 0
        self._work = threading.Event()
        self._press = threading.Event()
        self._thread = threading.Thread(target=self._drain, name="socktui-heap", daemon=True)
        self._thread.start()

    def space(self, size: int, *, reserve: int = RESERVE) -> tuple[int, memoryview] | None:
        """Where the next `size` bytes go: their address and the memory. None while the disk is behind.

        The memory is the caller's until the next call of space(), and part of the heap once committed.
        """
        at = self.head
        position = at % self._size
        if position + size > self._size:
            at += self._size - position
            position = 0
        if at + size + reserve - self.drained > self._size:
            self._press.set()
            return None
        return at, self._ring[position : position + size]

    def commit(self, end: int) -> None:
        """Everything below `end` is whole."""
        self.head = end
        self._header[format.HEAD_AT : format.HEAD_END] = format.U64.pack(end)
        if not self._work.is_set():
            self._work.set()
        if end - self.drained > PRESSING and not self._press.is_set():
            self._press.set()

    def keep(self, data: bytes) -> int | None:
        """Append a few bytes that say what a call was; their address, or None where there was no room.

        They are kept even below the floor, as long as the disk takes anything at all.
        """
        found = self.space(len(data), reserve=0)
        if found is None:
            return None
        at, view = found
        view[:] = data
        self.commit_kept(at, at + len(data))
        return at

    def commit_kept(self, start: int, end: int) -> None:
        """Everything below `end` is whole, and what stands from `start` on says what a call was."""
        self._kept.append((start, end))
        self.commit(end)

    def appended(self, kept: list[tuple[int, int]]) -> None:
        """Take over what somebody else has put into the ring and committed; `kept` says what calls were."""
        self._kept.extend(kept)
        self.commit(format.U64.unpack_from(self._header, format.HEAD_AT)[0])

    def read(self, at: int, length: int) -> bytes:
        """Bytes that were kept, wherever they are now."""
        if at < self.drained:
            return os.pread(self._fd, length, at)
        return bytes(self._ring[at % self._size : at % self._size + length])

    @property
    def map(self) -> mmap.mmap:
        """The ring, which somebody else may append to."""
        return self._map

    def when_room(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once, by another thread, when the disk has caught up a little. Any number may wait."""
        self._hungry.append(tell)
        # It may have caught up since space() said None: then nothing else would wake the thread.
        self._work.set()
        self._press.set()

    def close(self) -> None:
        """Move the rest to the disk and take the ring away."""
        self._closing = True
        self._work.set()
        self._press.set()
        self._thread.join()
        self._written.close()
        self._ring.release()
        try:
            self._map.close()
        except BufferError:
            pass  # a connection being torn down still looks at it; the kernel frees it with the process
        os.close(self._fd)
        self._ring_path.unlink(missing_ok=True)

    def _drain(self) -> None:
        while not (self._closing and self.drained == self.head):
            self._work.wait()
            self._work.clear()
            if not self._closing and self.head - self.drained < PRESSING:
                self._press.wait(BATCH_SECONDS)
            self._press.clear()
            while self.drained < self.head:
                start = self.drained
                end = min(self.head, start + BLOCK, start - start % self._size + self._size)
                self._move(start, end)
                while self._kept and self._kept[0][1] <= end:
                    self._kept.popleft()
                self.drained = end
                format.put_u64(self._header, format.DRAINED_AT, end)
                self._written.up_to(end)
                self._tell()
            self._tell()
            if self._closing:
                self._work.set()

    def _tell(self) -> None:
        for _ in range(len(self._hungry)):
            self._hungry.popleft()()

    def _move(self, start: int, end: int) -> None:
        position = start
        try:
            if time.monotonic() >= self._failing_until:
                self._check_disk(start)
                while position < end:
                    where = position % self._size
                    position += os.pwrite(self._fd, self._ring[where : where + end - position], position)
                format.put_u32(self._header, format.DISK_ERRNO_AT, 0)
        except OSError as error:
            self._failing_until = time.monotonic() + RETRY_SECONDS
            format.put_u32(self._header, format.DISK_ERRNO_AT, error.errno or errnos.EIO)
        if position < end:
            self._rescue(position, end)
            self._lose(position, end)

    def _rescue(self, start: int, end: int) -> None:
        """Write what keep() put into a range whose other bytes are lost."""
        for at, stop in list(self._kept):
            if at >= end:
                break
            if stop > start:
                try:
                    os.pwrite(self._fd, self._ring[at % self._size : at % self._size + stop - at], at)
                except OSError:
                    break  # the disk takes nothing: the calls say it by having no arguments

    def _check_disk(self, head: int) -> None:
        """Raise OSError where the disk has less room than is to be left free."""
        now = time.monotonic()
        if head - self._checked_head < (16 << 20) and now - self._checked_at < 1:
            return
        disk = os.fstatvfs(self._fd)
        if disk.f_bavail * disk.f_frsize < self._floor:
            raise OSError(errnos.ENOSPC, "")
        self._checked_at, self._checked_head = now, head

    def _lose(self, start: int, end: int) -> None:
        """Note that a range was not kept; a range that goes on is made longer."""
        header = self._header
        (used,) = format.U32.unpack_from(header, format.LOST_AT)
        if used:
            at = format.RANGES_AT + (used - 1) * format.RANGE.size
            if format.RANGE.unpack_from(header, at)[1] == start or used == format.RANGES_MAX:
                format.put_u64(header, at + format.RANGE_END, end)
                return
        format.RANGE.pack_into(header, format.RANGES_AT + used * format.RANGE.size, start, end)
        format.put_u32(header, format.LOST_AT, used + 1)
