"""A writer flat out, in a process of its own: `python -m tests.journal.flood CAPTURE MIB RING`.

The bytes of every call begin with their number and hold what is derived from it, so that a reader can check them.
"""

import sys
from hashlib import sha256
from pathlib import Path

from socktui.core.call import Function
from socktui.journal.writer import Journal


def content(number: int) -> bytes:
    seed = sha256(number.to_bytes(8, "little")).digest()
    return (seed * 200)[: 32 + number * 37 % 6000]


def main() -> None:
    path, size, ring = Path(sys.argv[1]), int(sys.argv[2]) << 20, int(sys.argv[3])
    journal = Journal(path, ring_size=ring, floor=0)
    entries = [journal.entry(service="echo") for _ in range(5)]
    print("writing", flush=True)
    total = number = 0
    while total < size:
        data = content(number)
        found = journal.heap.space(len(data))
        if found is None:
            continue
        at, view = found
        view[:] = data
        journal.heap.commit(at + len(data))
        journal.append_transfer(entries[number % 5], Function.RECV, number + 1, number + 2, at, len(data), number)
        if number % 50 == 0:
            journal.append_call(entries[number % 5], Function.SHUTDOWN, number, number, 0, args=("SHUT_WR",))
        total += len(data)
        number += 1
    journal.close()


if __name__ == "__main__":
    main()
