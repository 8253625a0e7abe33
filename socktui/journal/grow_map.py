"""Making the files of a capture: nobody else's from the first moment, on blocks that the disk has given."""

import mmap
import os
from pathlib import Path


def private_file(path: Path) -> int:
    """A new file of mode 0600, as a descriptor. Raises FileExistsError rather than open what is there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def allocate(fd: int, at: int, size: int) -> None:
    """Give a file real blocks for [at, at + size), so that a mapped write cannot fail later (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, at, size)
    else:
        os.pwrite(fd, bytes(size), at)


class GrowMap:
    """A file that is written through one mapping, which grows by steps and stays small in memory.

    Growing takes no descriptor, so that a program that has run out of them can still record that.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.fd = private_file(path)
        self._step = step
        allocate(self.fd, 0, step)
        self.map = mmap.mmap(self.fd, step)
        self.size = step

    def grow(self) -> None:
        """Add a step. Raises OSError where the disk has no room for it."""
        allocate(self.fd, self.size, self._step)
        self.size += self._step
        self.map.resize(self.size)
        self.map.madvise(mmap.MADV_DONTNEED)

    def close(self, size: int) -> None:
        """Leave a file of `size` bytes."""
        self.map.close()
        os.ftruncate(self.fd, size)
        os.close(self.fd)
