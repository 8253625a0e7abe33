"""Many connections that are held and say nothing, beside uvloop; and a few among them that do."""

import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Load, told
from tests.bench.peers import UVLOOP, uvloop
from tests.bench.plan import Plan, median, table
from tests.bench.servers import Server
from tests.bench.targets import Section, Target

ACTIVE = 100
AT_ONCE = 100
"""How many connect at a time: fewer than any backlog, as a dropped SYN comes again only after a second."""
SPARE = 300
"""Descriptors that a server needs besides, and those of the active ones."""

OURS = "socktui"


@dataclass(frozen=True, slots=True)
class Held:
    """What a server did with the crowd: bytes of memory for a connection, and rates in a second."""

    memory: float
    accepts: float
    trips: float


def crowd(plan: Plan, load: Load, folder: Path) -> Section:
    """Ours and uvloop's in turn. Each server is one process that holds sockets: no more than its descriptors allow."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))  # for the servers, which are started with it
    count = min(plan.crowd, allowed - SPARE)
    found: dict[str, list[Held]] = {OURS: []}
    beside = uvloop()
    for _ in range(plan.heavy):
        with servers.ours(folder / "crowd") as server:
            found[OURS].append(_held(load, server, count, plan.round_trips))
        shutil.rmtree(folder / "crowd")
        if beside:
            with servers.other(beside.command) as server:
                found.setdefault(UVLOOP, []).append(_held(load, server, count, plan.round_trips))
    rows = [
        [
            name,
            f"{median([x.memory for x in held]):,.0f}",
            f"{median([x.accepts for x in held]):,.0f}",
            f"{median([x.trips for x in held]):,.0f}",
        ]
        for name, held in found.items()
    ]
    head = ["server", "bytes of memory each", "connected and echoed a second", f"round trips/s of {ACTIVE} more"]
    text = (
        f"{count:,} clients connect, {AT_ONCE} at a time, send 16 bytes each and stay; then {ACTIVE} more make round "
        f"trips. Ours keeps every byte and call, uvloop nothing. Medians of {plan.heavy}.\n\n" + table(head, rows)
    )
    return Section(text, _targets(f"{count:,} connections held", found))


def _held(load: Load, server: Server, count: int, trips: int) -> Held:
    before = server.resident
    with load.start("hold", server.port, count, -1, AT_ONCE) as running:
        held = told(running)
        if held["refused"] or held["wrong"]:
            raise RuntimeError(f"of {count} connections, {held['refused']} were refused, {held['wrong']} wrong")
        memory = (server.resident - before) / count
        rate = trips / load.run("pingpong", server.port, ACTIVE, trips, 64)["seconds"]
    return Held(memory, count / held["seconds"], rate)


def _targets(what: str, found: dict[str, list[Held]]) -> list[Target]:
    def to(measure: str, of: str, bound: float, most: bool = False) -> Target:
        ours, theirs = ([getattr(x, of) for x in found.get(name, [])] for name in (OURS, UVLOOP))
        return Target.of_pairs(f"{what}: {measure} / {UVLOOP}", ours, theirs, bound, most=most)

    return [
        to("memory of an idle one", "memory", 1.0, most=True),
        to("accepts a second", "accepts", 0.8),
        to(f"round trips of {ACTIVE} active", "trips", 0.8),
    ]
