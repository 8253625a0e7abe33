"""Whether more of the same costs the same: time as work grows, without a disk and with one."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import native, servers
from tests.bench.load import Load
from tests.bench.machine import writing
from tests.bench.peers import LIMIT_TO_FILE
from tests.bench.plan import GIB, Plan, in_bytes, median, table
from tests.bench.pressure import Pressure, background
from tests.bench.room import SPARE, NoRoom, room
from tests.bench.servers import OURS, Server, Start, each_of_ours
from tests.bench.targets import Section, Target
from tests.bench.tidy import MEMORY_FOLDER, in_memory
from tests.bench.warm import warm

ONCE, MOST = 1, 100
FACTORS = (ONCE, 10, MOST)
REPEATED = {ONCE: 3, 10: 2, MOST: 1}
"""Servers in a round: what is over soon tells little by itself."""
CONNECTIONS = 100

MACHINE = "The same machine without any server: where the second is the slowest, it is memory that is waited for."

MEMORY, DISK, CALLS = "ns a byte, in memory", "ns a byte, on the disk", "µs a call, on the disk"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a byte or a call: time, and time of the processors, those of all the server's threads and processes."""

    time: float
    processors: float


@dataclass(frozen=True, slots=True)
class Work:
    """What a server does again and again, and what that took: a cost for each round, by how many times the work."""

    what: str
    server: str
    start: Start
    costs: dict[int, list[Cost]] = field(default_factory=lambda: {factor: [] for factor in FACTORS})
    pressed: list[Pressure] = field(default_factory=list)

    def growth(self, factor: int) -> list[float]:
        """How many times as much time it took as once, for the same, in each round."""
        return [much.time / once.time for much, once in zip(self.costs[factor], self.costs[ONCE], strict=True)]

    def row(self) -> list[str]:
        costs = self.costs.values()
        took = [f"{median([each.time for each in of]):.3g}" for of in costs]
        busy = [f"{median([each.processors for each in of]):.3g}" for of in costs]
        return [self.what, self.server, *took, f"{median(self.growth(MOST)):.2f}", *busy]


def growth(plan: Plan, load: Load, folder: Path) -> Section:
    """Time a byte, and time a call, at 1, 10 and 100 times the work: each with a new server."""
    room(folder, plan.little[0] * MOST)
    places = {MEMORY: in_memory(folder), DISK: folder, CALLS: folder}
    without = _no_memory(plan.little[0] * MOST)
    works = [work for work in _works(folder) if not (without and work.what == MEMORY)]
    for place in {places[work.what] for work in works}:
        place.mkdir(mode=0o700, exist_ok=True)
    for turn in range(plan.heavy):
        for factor in FACTORS:
            for work in works[:: 1 - turn % 2 * 2]:  # the disk is quicker for whoever comes first
                costs = [_cost(plan, load, work, places[work.what], factor) for _ in range(REPEATED[factor])]
                middle = Cost(median([each.time for each in costs]), median([each.processors for each in costs]))
                work.costs[factor].append(middle)
    written = writing(folder, min(plan.little[0] * MOST, 2 * GIB))
    return Section(f"{_text(plan, works, without)}\n\n{_disk(works)}\n\n{MACHINE}\n\n{written}", _targets(works))


def _works(folder: Path) -> Iterator[Work]:
    limit = str(native.built("limit", folder))

    def epoll(kept: Path) -> AbstractContextManager[Server]:
        return servers.other((limit, "{port}", str(kept)))

    mine, theirs = each_of_ours(), {LIMIT_TO_FILE: epoll}
    installed = {OURS: mine[OURS]}
    for what, which in ((MEMORY, mine | theirs), (DISK, installed | theirs), (CALLS, mine)):
        for name, start in which.items():
            yield Work(what, name, start)


def _no_memory(need: int) -> str:
    """Why nothing can be measured in memory, if so."""
    try:
        room(MEMORY_FOLDER, need)
    except (NoRoom, OSError) as error:
        return str(error)
    rows = dict(row.split(":") for row in Path("/proc/meminfo").read_text().splitlines())
    free = int(rows["MemAvailable"].split()[0]) << 10
    return (
        "" if free > need + SPARE else f"{in_bytes(free)} of memory are free, and {in_bytes(need + SPARE)} are needed"
    )


def _cost(plan: Plan, load: Load, work: Work, place: Path, factor: int) -> Cost:
    """Of what one server does that has done the work once before, with everything that it writes in `place`."""
    size, trips = plan.little
    with ExitStack() as stack:
        kept = Path(stack.enter_context(TemporaryDirectory(dir=place)))
        if work.what == DISK:
            os.sync()  # nothing is left to be written for those before it
        server = stack.enter_context(work.start(kept / "kept"))
        _load(load, work, server, plan, ONCE)
        if work.what == MEMORY:
            stack.enter_context(warm(kept, size * factor))
        if work.what == DISK and factor == MOST:
            work.pressed.append(stack.enter_context(Pressure(kept)))
        busy, seconds = server.cpu, _load(load, work, server, plan, factor)
        scale = 1e6 / (2 * trips * factor) if work.what == CALLS else 1e9 / (size * factor)
        return Cost(seconds * scale, (server.cpu - busy) * scale)


def _load(load: Load, work: Work, server: Server, plan: Plan, factor: int) -> float:
    """Seconds that so many times the work take."""
    size, trips = plan.little
    if work.what == CALLS:
        told = load.run("pingpong", server.port, CONNECTIONS, trips * factor, 64)
    else:
        told = load.run("bulk", server.port, size * factor)
    return float(told["seconds"])


def _targets(works: Iterable[Work]) -> list[Target]:
    found = {(work.what, work.server): work for work in works}

    def alone(what: str) -> list[Target]:
        work = found.get((what, OURS))
        return [
            Target(f"{what}, {factor} times the work / once", work.growth(factor) if work else (), 1.2, most=True)
            for factor in FACTORS[1:]
        ]

    ours, theirs = (found[DISK, name].growth(MOST) for name in (OURS, LIMIT_TO_FILE))
    what = f"{DISK}, {MOST} times the work / once: that growth / that of {LIMIT_TO_FILE}"
    return [*alone(MEMORY), Target.of_pairs(what, ours, theirs, 1.2, most=True), *alone(CALLS)]


def _text(plan: Plan, works: Sequence[Work], without: str) -> str:
    size, trips = plan.little
    costs = table(
        [
            "what",
            "server",
            *(f"{factor} times" if factor > 1 else "once" for factor in FACTORS),
            f"{MOST} times / once",
            *(f"of the processors, {factor} times" if factor > 1 else "of the processors, once" for factor in FACTORS),
        ],
        [work.row() for work in works],
    )
    told = (
        f"Once is {in_bytes(size)} through one connection, or {trips:,} round trips of 64 bytes over {CONNECTIONS}, "
        "which are two calls each. Each server is a new one that has done it once before, so that what it does only "
        f"once is in no figure. Medians of {plan.heavy} rounds, in turn. Of the processors: the time that all the "
        "server's threads and processes were busy.\n\n"
        "In memory: what is written down goes to a file system without a disk, and into memory that was in use a "
        "moment before. What grows there is the program's own. On the disk: for what is written down the kernel takes "
        "memory first, which a virtual machine may have to get from its host, and writes to the disk later. What "
        "grows besides is the machine's, so it is held against the growth of the server in C, which appends the same "
        f"bytes to a file.\n\n{costs}"
    )
    if without:
        told += f"\n\nNothing was measured in memory: {without}."
    return told


def _disk(works: Sequence[Work]) -> str:
    """What the disk did."""
    rows = [
        [
            work.server,
            turn,
            *(f"{speed:,.0f}" if speed else "–" for speed in (seen.speed(0, 0.1), seen.speed(0.5, 1))),
            f"{seen.wrote:,.0f}",
            f"{seen.most:,.0f}",
            f"{seen.behind:.1f}" if work.server == OURS else "–",
            f"{seen.pauses:,}" if work.server == OURS else "–",
        ]
        for work in works
        for turn, seen in enumerate(work.pressed, 1)
    ]
    head = [
        "server",
        "round",
        "MiB/s, first tenth",
        "MiB/s, last half",
        "the disk took, MiB/s",
        "waiting for the disk at most, MiB",
        "of the capture, behind at most, MiB",
        "pauses",
    ]
    return (
        f"What the machine did with {MOST} times the work on the disk. The kernel begins to write when "
        f"{background():,.0f} MiB wait for the disk; only with half as much more does it hold up whoever writes. A "
        "capture that is as far behind as its ring is large makes the server pause, which makes the peer wait: nothing "
        "is lost.\n\n" + table(head, rows)
    )
