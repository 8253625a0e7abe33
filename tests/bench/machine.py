"""What the machine takes to write down bytes, without any server: its disk, and the memory that is to hold them."""

import mmap
import os
import time
from pathlib import Path

from tests.bench.plan import MIB, table

BLOCK = 16 * MIB


def writing(folder: Path, size: int) -> str:
    """A table: MiB a second of a file of `size` bytes, past the kernel's cache, through it, and through it again."""
    path = folder / "written"
    block = mmap.mmap(-1, BLOCK)  # on a page's border, as O_DIRECT wants it
    block.write(os.urandom(BLOCK))
    ways = {
        "past the kernel's cache (O_DIRECT): the disk alone": os.O_DIRECT,
        "through the cache, in memory that is taken for it: as a capture is written": 0,
        "once more, in the memory that it has now: no disk, and nothing is taken": 0,
    }
    rows = []
    for number, (what, flag) in enumerate(ways.items()):
        try:
            rows.append([what, f"{_speed(path, flag, block, size):,.0f}"])
        except OSError as error:  # not every file system has O_DIRECT
            rows.append([what, f"– ({error.strerror})"])
        if number == 0:
            path.unlink(missing_ok=True)
    path.unlink()
    return table(["a file is written", "MiB/s"], rows)


def _speed(path: Path, flag: int, block: mmap.mmap, size: int) -> float:
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | flag, 0o600)
    try:
        began = time.perf_counter()
        for at in range(0, size, BLOCK):
            os.pwrite(fd, block, at)
        return size / MIB / (time.perf_counter() - began)
    finally:
        os.close(fd)
