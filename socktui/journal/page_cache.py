"""Leaving the memory of the machine to others: what is on the disk need not stay in the page cache as well."""

import os
import threading

CACHED = 256 << 20
STEP = 32 << 20
AGAIN = 16
"""So many steps are asked for once more: what was not on the disk yet stayed."""


class PageCache:
    """A file that is appended to, of which no more than its end stays in the page cache.

    A capture of 10 GiB would push out what those that are watched have there, and new memory costs a machine more
    than memory that it has just got back. A thread of its own asks for it, as it may have to wait for the disk.
    """

    def __init__(self, fd: int, *, cached: int = CACHED, step: int = STEP) -> None:
        self._fd = fd
        self._cached = cached
        self._step = step
        self._end = 0
        self._asked = 0
        self._closing = False
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._run, name="socktui-written", daemon=True)
        self._thread.start()

    def up_to(self, end: int) -> None:
        """The file is written up to `end`."""
        self._end = end
        if end - self._cached - self._asked >= self._step:
            self._more.set()

    def close(self) -> None:
        """Ask for nothing more; the file may be closed then."""
        self._closing = True
        self._more.set()
        self._thread.join()

    def _run(self) -> None:
        while self._more.wait() and not self._closing:
            self._more.clear()
            end = self._end - self._cached
            start = max(0, self._asked - AGAIN * self._step)
            self._asked = end
            # Pages that were not written yet are begun to be, and let go when they are asked for again.
            os.posix_fadvise(self._fd, start, end - start, os.POSIX_FADV_DONTNEED)
