"""Many connections that are held and say nothing, beside uvloop; and a few among them that do."""

import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Load, told
from tests.bench.peers import UVLOOP, uvloop
from tests.bench.plan import Plan, median, table
from tests.bench.servers import OURS, PURE, Server, each_of_ours
from tests.bench.targets import Section, Target

ACTIVE = 100
AT_ONCE = 100
"""How many connect at a time: fewer than any backlog, as a dropped SYN comes again only after a second."""
WARM = 100
"""Clients that come and go before memory is looked at, for what a server makes once."""
SPARE = 300
"""Descriptors that a server needs besides, and those of the active ones."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a server did with the crowd.

    resident  bytes of memory that it has more for each connection, files' pages among them
    private   those of it that are no file's: they go to nobody else, and stay until they are freed
    accepts, trips   a second
    """

    resident: float
    private: float
    accepts: float
    trips: float

    @property
    def pages(self) -> float:
        """Of files: the kernel may take them back once they are on the disk."""
        return self.resident - self.private


def crowd(plan: Plan, load: Load, folder: Path) -> Section:
    """Ours and uvloop's in turn. Each server is one process that holds sockets: no more than its descriptors allow."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))  # for the servers, which are started with it
    count = min(plan.crowd, allowed - SPARE)
    found: dict[str, list[Held]] = {}
    mine, beside = each_of_ours(), uvloop()
    for _ in range(plan.heavy):
        for name, start in mine.items():
            with start(folder / "crowd") as server:
                found.setdefault(name, []).append(_held(load, server, count, plan.round_trips))
            shutil.rmtree(folder / "crowd")
        if beside:
            with servers.other(beside.command) as server:
                found.setdefault(UVLOOP, []).append(_held(load, server, count, plan.round_trips))
    theirs = found.get(UVLOOP, [])
    rows = []
    for name, held in found.items():
        row = [name]
        for what in ("private", "pages", "resident", "accepts", "trips"):
            value, beside_it = (median([getattr(x, what) for x in each] or [0.0]) for each in (held, theirs))
            row.append(
                f"{value:,.0f}" + (f" ({value / beside_it:.2f})" if beside_it > 1 and held is not theirs else "")
            )
        rows.append(row)
    head = [
        "server",
        "private bytes each",
        "files' pages, bytes each",
        "resident bytes each, both",
        "connected and echoed a second",
        f"round trips/s of {ACTIVE} more",
    ]
    text = (
        f"{count:,} clients connect, {AT_ONCE} at a time, send 16 bytes each and stay; then {ACTIVE} more make round "
        f"trips. Ours writes down every byte and call, uvloop nothing. Memory is that of all the server's processes, "
        f"as the kernel counts it page by page, less what they had when {WARM} clients had come and gone; of ours, "
        "the pages of files are those of the capture, which is mapped. Medians of "
        f"{plan.heavy}, and in brackets how many times uvloop's.\n\n" + table(head, rows)
    )
    return Section(text, _targets(f"{count:,} connections held", found))


def _held(load: Load, server: Server, count: int, trips: int) -> Held:
    load.run("hold", server.port, WARM, 0, AT_ONCE)
    before = server.memory()
    with load.start("hold", server.port, count, -1, AT_ONCE) as running:
        held = told(running)
        if held["refused"] or held["wrong"]:
            raise RuntimeError(f"of {count} connections, {held['refused']} were refused, {held['wrong']} wrong")
        after = server.memory()
        rate = trips / load.run("pingpong", server.port, ACTIVE, trips, 64)["seconds"]
    resident, private = ((b - a) / count for a, b in zip(before, after, strict=True))
    return Held(resident, private, count / held["seconds"], rate)


def _targets(what: str, found: dict[str, list[Held]]) -> list[Target]:
    def to(measure: str, of: str, bound: float, *, mine: str = OURS, most: bool = False) -> Target:
        ours, theirs = ([getattr(x, of) for x in found.get(name, [])] for name in (mine, UVLOOP))
        return Target.of_pairs(f"{what}: {measure} / {UVLOOP}", ours, theirs, bound, most=most)

    return [
        to("memory of an idle one, private and files' pages", "resident", 1.0, most=True),
        *([to(f"{PURE}, memory of an idle one", "resident", 2.0, mine=PURE, most=True)] if PURE in found else []),
        to("accepts a second", "accepts", 0.8),
        to(f"round trips of {ACTIVE} active", "trips", 0.8),
    ]
