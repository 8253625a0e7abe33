"""Direct I/O: writing a file past the page cache, where its file system takes that. open(2), O_DIRECT.

The copy into the page cache is what appending costs, most of all where the cache has to be given new memory: 0.3 to
1.4 processor seconds a GiB on ext4, against 0.1 with O_DIRECT in pieces of 1 MiB. (RWF_DONTCACHE of pwritev2(2) still
copies, and takes 0.3 to 0.4.) In small pieces it is the other way round, as every direct write waits for the disk; and
a slow disk is not to hold up a burst that the page cache has room for.
"""

import errno
import mmap
import os
import time
from pathlib import Path

from socktui.journal.grow_map import private_file

ALIGNMENT = mmap.PAGESIZE
"""What address, length and offset of a direct write are multiples of. Disks ask for 512 or 4096 bytes; with whole
pages no page of the cache has bytes that were written either way, which open(2) advises against."""

SLOW = 1 / (256 << 20)
"""Seconds a byte: a disk that takes longer for direct writes is slower than the copy into the page cache."""

CATCHING_UP = 64 << 20
"""So many bytes go into the page cache before a slow disk is tried again."""


class DirectFile:
    """A new file of mode 0600, written directly where that pays and through the page cache where it does not.

    fd     for all but direct writes; what is read from it is what was written, whichever way
    least  bytes from which on a write is direct: below some 256 KiB it takes more of the processor

    Raises FileExistsError rather than open what is there.
    """

    def __init__(self, path: Path, *, least: int) -> None:
        self.fd = private_file(path)
        self._direct = _open_direct(path)
        self._least = least
        self._pace = 0.0
        self._cached_until = 0

    def write(self, data: memoryview, at: int, *, urgent: bool = False) -> int:
        """Write the first of some bytes at an offset; how many. Raises OSError as pwrite(2) does.

        data    its address has to be the offset, modulo ALIGNMENT, or it goes through the page cache
        urgent  somebody is about to wait for it
        """
        if urgent and self._pace > SLOW:
            self._cached_until = at + CATCHING_UP
        if self._direct >= 0 and at >= self._cached_until:
            ahead = -at % ALIGNMENT
            whole = (len(data) - ahead) // ALIGNMENT * ALIGNMENT
            if whole >= self._least:
                return os.pwrite(self.fd, data[:ahead], at) if ahead else self._write_direct(data[:whole], at)
        return os.pwrite(self.fd, data, at)

    def close(self) -> None:
        """Close both descriptors."""
        self._close_direct()
        os.close(self.fd)

    def _write_direct(self, data: memoryview, at: int) -> int:
        began = time.monotonic()
        try:
            written = os.pwrite(self._direct, data, at)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._close_direct()  # it wants another alignment, or none of it after all
            return os.pwrite(self.fd, data, at)
        self._pace += ((time.monotonic() - began) / max(1, written) - self._pace) / 8
        return written

    def _close_direct(self) -> None:
        if self._direct >= 0:
            os.close(self._direct)
            self._direct = -1


def _open_direct(path: Path) -> int:
    """A second descriptor of a file, for direct writes; -1 where the system or the file system has no such thing."""
    if not hasattr(os, "O_DIRECT"):
        return -1
    try:
        return os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
