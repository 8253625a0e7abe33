"""Finding bytes in a capture, beside `grep` on the file that holds the same bytes."""

import os
import random
import subprocess
import time
from pathlib import Path

from socktui.core.call import Function
from socktui.journal.matching import Pattern
from socktui.journal.reader import Reader
from socktui.journal.search import Search
from socktui.journal.writer import Journal
from tests.bench.plan import MIB, Plan, median, ms, table
from tests.bench.targets import Section, Target

NEEDLE = b"needle in the haystack"
NEEDLES = 7
CALL, SMALL_CALL = 65536, 64
SMALL_SOCKETS = 100
ROUNDS = 5


def searching(plan: Plan, folder: Path) -> Section:
    """A capture of long calls of one connection, and one of short ones of many."""
    rows, targets = [], []
    for size, sockets, total in ((CALL, 1, plan.searched), (SMALL_CALL, SMALL_SOCKETS, plan.searched // 16)):
        capture = folder / f"search-{size}.socktui"
        calls = _write(capture, total, size, sockets)
        times = [_both(capture) for _ in range(ROUNDS)]
        ours, theirs = [one for one, _ in times], [other for _, other in times]
        each = f"{median(ours) / calls * 1e6:.2f} µs"
        mib = f"{total // MIB:,} MiB"
        rows.append([mib, f"{calls:,} of {size} bytes", ms(median(ours)), ms(median(theirs)), each])
        if size == CALL:
            goal = f"finding bytes in {mib} of {size >> 10} KiB calls / grep -c of the file"
            targets.append(Target.of_pairs(goal, ours, theirs, 3.0, most=True))
    head = ["bytes in the heap", "calls, each recv sent back", "all matches", "grep -c", "a call"]
    text = (
        f"{NEEDLES} places to be found, in what was received and in what was sent back; all of them were. Medians of "
        f"{ROUNDS} rounds in turn. `grep` (LC_ALL=C) is a process of its own and looks at the heap, where what was "
        "sent back stands once; it does not know of calls.\n\n"
    )
    return Section(text + table(head, rows), targets)


def _write(path: Path, total: int, size: int, sockets: int) -> int:
    """A capture as an echo server makes it, with a needle in some of the calls; how many calls."""
    journal = Journal(path)
    entries = [journal.entry(service="echo") for _ in range(sockets)]
    hay = random.Random(1).randbytes(size)
    many = total // size
    planted = {many * (2 * i + 1) // (2 * NEEDLES) for i in range(NEEDLES)}
    for number in range(many):
        while (found := journal.heap.space(size)) is None:
            time.sleep(0.001)  # the disk is behind
        at, view = found
        view[:] = hay
        if number in planted:
            view[9 : 9 + len(NEEDLE)] = NEEDLE
        journal.heap.commit(at + size)
        now = time.monotonic_ns()
        entry = entries[number % sockets]
        journal.append_transfer(entry, Function.RECV, now, now + 5000, at, size, CALL)
        journal.append_transfer(entry, Function.SEND, now, now + 5000, at, size, size)
    journal.close()
    return journal.count


def _both(capture: Path) -> tuple[float, float]:
    """Seconds of ours and of grep."""
    began = time.perf_counter()
    with Reader(capture) as reader:
        found = sum(1 for hit in Search(reader, Pattern(NEEDLE)).forward() if hit)
    ours = time.perf_counter() - began
    if found != 2 * NEEDLES:
        raise RuntimeError(f"{found} places found of {2 * NEEDLES}")
    began = time.perf_counter()
    argv = ["grep", "-c", NEEDLE.decode(), str(capture / "heap")]
    said = subprocess.run(argv, env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=True)
    theirs = time.perf_counter() - began
    if not 1 <= int(said.stdout) <= NEEDLES:  # it counts lines
        raise RuntimeError(f"grep found {said.stdout.strip()} lines")
    return ours, theirs
