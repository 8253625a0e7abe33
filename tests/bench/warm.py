"""Memory that has been used a moment before, for what is to be measured without the machine it runs on.

A virtual machine hands memory back to its host when nobody uses it; to get it again takes longer than to fill it
(here: some 340 MiB/s beside 3 GiB/s). A server that fills a memory file system would be held up by that alone.
"""

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage

PIECE = 64 << 20
AHEAD = 4 * PIECE
PAUSE = 0.02


@contextmanager
def warm(place: Path, size: int) -> Iterator[None]:
    """Hold `size` bytes of memory, and let go of them as fast as the file system of `place` is filled, a little ahead.

    Raises OSError where there is not so much memory.
    """
    how = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    pieces = [mmap.mmap(-1, PIECE, flags=how) for _ in range(size // PIECE)]
    before, over = disk_usage(place).used, threading.Event()

    def let_go() -> None:
        while pieces and not over.wait(PAUSE):
            taken = disk_usage(place).used - before + AHEAD
            while pieces and len(pieces) * PIECE + taken > size:
                pieces.pop().close()

    letting_go = threading.Thread(target=let_go, daemon=True)
    letting_go.start()
    try:
        yield
    finally:
        over.set()
        letting_go.join()
        for piece in pieces:
            piece.close()
