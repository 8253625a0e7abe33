"""A writer flat out, in a process of its own: `python -m tests.journal.flood CAPTURE MIB RING [STUCK]`.

The bytes of every call begin with their number and hold what is derived from it, so that a reader can check them.

STUCK  which write of whole pages to the disk, from 1, comes to no end: only the first half of them is written
"""

import mmap
import os
import sys
import threading
from hashlib import sha256
from pathlib import Path

from socktui.core.call import Call, Function
from socktui.journal.writer import Journal


def content(number: int) -> bytes:
    seed = sha256(number.to_bytes(8, "little")).digest()
    return (seed * 200)[: 32 + number * 37 % 6000]


def get_stuck(number: int) -> None:
    write, so_far = os.pwrite, iter(range(1, number + 1))

    def pwrite(fd: int, data: memoryview, at: int) -> int:
        if len(data) % mmap.PAGESIZE or next(so_far, 0) != number:
            return write(fd, data, at)
        write(fd, data[: len(data) // 2 // mmap.PAGESIZE * mmap.PAGESIZE], at)
        print("stuck", flush=True)
        threading.Event().wait()
        raise AssertionError

    os.pwrite = pwrite  # type: ignore[assignment]


def main() -> None:
    if len(sys.argv) > 4:
        get_stuck(int(sys.argv[4]))
    path, size, ring = Path(sys.argv[1]), int(sys.argv[2]) << 20, int(sys.argv[3])
    journal = Journal(path, ring_size=ring, floor=0)
    entries = [journal.entry(service="echo") for _ in range(5)]
    print("writing", flush=True)
    total = number = 0
    while total < size:
        data = content(number)
        entry = entries[number % 5]
        journal.append(entry, Call(0, number + 1, 1, 0, Function.RECV, len(data), size=number), data)
        if number % 50 == 0:
            journal.append(entry, Call(0, number, 0, 0, Function.SHUTDOWN, 0, args=("SHUT_WR",)))
        total += len(data)
        number += 1
    journal.close()


if __name__ == "__main__":
    main()
