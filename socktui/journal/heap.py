"""The heap of a capture being written: bytes are received into a mapped ring, a thread moves them to disk.

The captured copy is the received copy: what recv() put into the ring is what send() takes and readers see.
Since the ring is a file too, a writer that is killed loses nothing that it had committed.

The heap is the ring unrolled: byte `at` of the heap is at `at` modulo the ring's size, a multiple of the page size. So
the thread writes a block of the heap straight from the ring's mapping, past the page cache: open(2), O_DIRECT, which
wants memory and offset aligned (direct_io.py; where the file system refuses, by pwrite(2) as usual). While bytes come
fast it writes whole blocks, each of which ends at a multiple of its size. When no block has become full for
BATCH_SECONDS it writes what there is, which is less than a block, through the page cache, where it waits for no disk.

Two numbers say how far it is. Below `drained` the heap is on the disk, or noted as lost. Below `drained` of the header
the ring may be used again, and readers take the file. This one stays half a ring behind the head, so that they find
the newest bytes in memory, though these are in no page cache; where the writer needs the room, it catches up at once.
"""

import errno as errnos
import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from socktui.core.limits import DISK_FLOOR
from socktui.journal import format
from socktui.journal.direct_io import DirectFile
from socktui.journal.grow_map import allocate, private_file
from socktui.journal.page_cache import PageCache

RING_SIZE = 16 << 20
BLOCKS = 16
"""In a ring. Blocks smaller than 1 MiB cost more a byte; larger ones hold up the writer for longer on a slow disk."""

RESERVE = 1 << 16
_HEAD = slice(format.HEAD_AT, format.HEAD_END)
_pack_u64 = format.U64.pack
BATCH_SECONDS = 0.1
RETRY_SECONDS = 0.5


class Heap:
    """The bytes of a capture, appended.

    floor   bytes of free disk below which no more bytes are kept
    header  the header of `calls`, which readers watch
    """

    def __init__(self, folder: Path, header: mmap.mmap, *, ring_size: int = RING_SIZE, floor: int = DISK_FLOOR) -> None:
        self._header = header
        self._floor = floor
        self._size = ring_size
        self._block = max(1, ring_size // BLOCKS)
        self._ring_path = folder / format.RING
        ring_fd = private_file(self._ring_path)
        try:
            allocate(ring_fd, 0, ring_size)
            self._map = mmap.mmap(ring_fd, ring_size)
        finally:
            os.close(ring_fd)
        self._ring = memoryview(self._map)
        self._file = DirectFile(folder / format.HEAP, least=self._block)
        self._written = PageCache(self._file.fd)
        self.head = 0
        self.drained = 0
        self._released = 0
        self._releasing = threading.Lock()
        self._wanted = False
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
        at, ring_size = self.head, self._size
        position = at % ring_size
        end = position + size
        if end > ring_size:
            at += ring_size - position
            position, end = 0, size
        if at + size + reserve - self._released > ring_size:
            self._release(self.drained)
            if at + size + reserve - self._released > ring_size:
                self._wanted = True
                self._press.set()
                return None
        return at, self._ring[position:end]

    def commit(self, end: int) -> None:
        """Everything below `end` is whole."""
        self.head = end
        self._header[_HEAD] = _pack_u64(end)
        if not self._work.is_set():
            self._work.set()
        if end - self.drained > self._block and not self._press.is_set():
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
        drained = self.drained
        in_file = min(length, drained - at) if at < self._released else 0
        where = (at + in_file) % self._size
        ring = self._ring[where : where + length - in_file]
        return os.pread(self._file.fd, in_file, at) + ring if in_file else bytes(ring)

    @property
    def map(self) -> mmap.mmap:
        """The ring, which somebody else may append to."""
        return self._map

    def when_room(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once, by another thread, when the disk has caught up a little. Any number may wait."""
        self._hungry.append(tell)
        # It may have caught up since space() said None: then nothing else would wake the thread.
        self._wanted = True
        self._work.set()
        self._press.set()

    def close(self) -> None:
        """Move the rest to the disk and take the ring away."""
        self._closing = True
        self._work.set()
        self._press.set()
        self._thread.join()
        self._release(self.drained)
        self._written.close()
        self._ring.release()
        try:
            self._map.close()
        except BufferError:
            pass  # a connection being torn down still looks at it; the kernel frees it with the process
        self._file.close()
        self._ring_path.unlink(missing_ok=True)

    def _drain(self) -> None:
        while not (self._closing and self.drained == self.head):
            self._work.wait()
            self._work.clear()
            pressed = self._closing or self._press.wait(BATCH_SECONDS)
            self._press.clear()
            stop = self.head - self.head % self._block
            wanted, self._wanted = self._wanted, False
            if self._closing or not pressed or (wanted and stop <= self.drained):
                stop = self.head
            while self.drained < stop:
                start = self.drained
                next_block, ring_end = (start - start % size + size for size in (self._block, self._size))
                self._move(start, min(stop, next_block, ring_end))
                if not self._nearly_full():  # or it would be full again at once
                    self._tell()
            self._tell()
            if self._closing or self.drained < self.head:
                self._work.set()

    def _nearly_full(self) -> bool:
        return self.head - self.drained > self._size * 3 // 4

    def _release(self, end: int) -> None:
        """Let the ring be used again for what is below `end`. The thread and the writer both do."""
        with self._releasing:
            if end > self._released:
                format.put_u64(self._header, format.DRAINED_AT, end)
                self._released = end

    def _tell(self) -> None:
        for _ in range(len(self._hungry)):
            self._hungry.popleft()()

    def _move(self, start: int, end: int) -> None:
        """Write a range, or note that it is lost: then the ring is needed no more for it."""
        self._write(start, end)
        while self._kept and self._kept[0][1] <= end:
            self._kept.popleft()
        self.drained = end
        self._release(min(end, self.head - self._size // 2))
        self._written.up_to(end)

    def _write(self, start: int, end: int) -> None:
        position = start
        try:
            if time.monotonic() >= self._failing_until:
                self._check_disk(start)
                while position < end:
                    where = position % self._size
                    data = self._ring[where : where + end - position]
                    position += self._file.write(data, position, urgent=self._nearly_full())
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
                begin = max(at, start)  # the ring may be in use again for what is before
                where = begin % self._size
                try:
                    os.pwrite(self._file.fd, self._ring[where : where + stop - begin], begin)
                except OSError:
                    break  # the disk takes nothing: the calls say it by having no arguments

    def _check_disk(self, head: int) -> None:
        """Raise OSError where the disk has less room than is to be left free."""
        now = time.monotonic()
        if head - self._checked_head < (16 << 20) and now - self._checked_at < 1:
            return
        disk = os.fstatvfs(self._file.fd)
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
