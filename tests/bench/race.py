"""Ours beside other echo servers, in turn."""

import math
import shutil
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Load
from tests.bench.peers import LIMIT, LIMIT_TO_FILE, NCAT, SOCAT, SOCAT_DUMP, UVLOOP, Peer, peers
from tests.bench.plan import GIB, MIB, Plan, median, table
from tests.bench.room import room
from tests.bench.servers import OURS, PURE, Server, Start, each_of_ours
from tests.bench.targets import Section, Target

PATIENCE = 20.0
CONNECTIONS = 100
TRIPS_A_SECOND = ("round trips/s, 1 connection", f"round trips/s, {CONNECTIONS} connections")
BULK = "echo with full capture, 64 KiB writes: throughput"
TRIPS = "echo with full capture, 64-byte round trips"


@dataclass(frozen=True, slots=True)
class Round:
    """What one server did: 0 where it came to no end.

    speed              MiB a second
    cpu                seconds a GiB, of all its processes
    one, many          round trips a second, of 1 and of 100 connections
    most_speed, most_trips   what the client could have done at the most, which took its own processor time
    """

    speed: float = 0.0
    cpu: float = 0.0
    one: float = 0.0
    many: float = 0.0
    most_speed: float = 0.0
    most_trips: float = 0.0


def race(plan: Plan, load: Load, folder: Path) -> Section:
    """Bulk and round trips of ours, which records everything, beside servers that record little or nothing."""
    room(folder, 2 * plan.race)
    results: dict[str, list[Round]] = {}
    mine = each_of_ours()
    with tempfile.TemporaryDirectory(dir=folder) as place:
        others = peers(Path(place))
        for _ in range(plan.rounds):
            for name, start in mine.items():
                results.setdefault(name, []).append(_ours(plan, load, start, Path(place)))
            for name, peer in others.items():
                results.setdefault(name, []).append(_other(plan, load, peer, Path(place)))
    told = f"Medians of {plan.rounds} rounds, in which each server has its turn. {_ceiling(results)}"
    stalls = [
        f"{name} in {n} of {plan.rounds}" for name, rounds in results.items() if (n := sum(map(_stalled, rounds)))
    ]
    if stalls:
        told += f" Rounds without an end within {plan.patience:g} s are left out: {', '.join(stalls)}."
    text = (
        "Bytes through one connection in writes of 64 KiB, then round trips of 64 bytes over 1 connection and over "
        f"{CONNECTIONS}. {told}\n\n{_speeds(results, others)}"
    )
    ratios = "\n\n".join(f"How many times as fast {name} is:\n\n{_ratios(name, results)}" for name in mine)
    return Section(f"{text}\n\n{ratios}", _targets(results))


def _ours(plan: Plan, load: Load, start: Start, folder: Path) -> Round:
    capture = folder / "capture"
    with start(capture) as server:
        found = _round(load, server, plan.race, plan.round_trips, PATIENCE)
    shutil.rmtree(capture)
    if _stalled(found):
        raise RuntimeError(f"our echo came to no end within {PATIENCE:g} s")
    return found


def _other(plan: Plan, load: Load, peer: Peer, folder: Path) -> Round:
    """A wrong echo of theirs, or none at all, is said, and is as if it had come to no end."""
    found = Round()
    try:
        with servers.other(peer.command) as server:
            size, trips = int(plan.race * peer.bulk), int(plan.round_trips * peer.trips)
            found = _round(load, server, size, trips, plan.patience)
    except (RuntimeError, AssertionError) as error:
        print(error, file=sys.stderr)
    (folder / "kept").unlink(missing_ok=True)
    return found


def _round(load: Load, server: Server, size: int, trips: int, patience: float) -> Round:
    """What did not end in time, as with a `cat` behind a full pipe, counts 0."""
    cpu = server.cpu
    bulk = _ran(load, patience, "bulk", server.port, size)
    cpu = (server.cpu - cpu) / (size / GIB)
    one, many = (_ran(load, patience, "pingpong", server.port, count, trips, 64) for count in (1, CONNECTIONS))
    return Round(
        size / MIB / bulk["seconds"],
        cpu if bulk["seconds"] < math.inf else 0.0,
        trips / one["seconds"],
        trips / many["seconds"],
        size / MIB / bulk["cpu"],
        trips / many["cpu"],
    )


def _ran(load: Load, patience: float, *args: object) -> dict[str, float]:
    """What the client tells of a run; one without an end took for ever."""
    try:
        return load.run(*args, seconds=patience)
    except TimeoutError:
        return {"seconds": math.inf, "cpu": math.inf}


def _speeds(results: dict[str, list[Round]], others: dict[str, Peer]) -> str:
    rows = []
    for name, rounds in results.items():
        middle = _middle(rounds)
        cells = [
            f"{value:{form}}" if value else "–"
            for value, form in (
                (middle.speed, ".3g" if middle.speed < 100 else ",.0f"),
                (middle.cpu, ".2f"),
                (middle.one, ",.0f"),
                (middle.many, ",.0f"),
            )
        ]
        rows.append([name, others[name].keeps if name in others else "every byte and call", *cells])
    return table(["server", "what it writes down", "MiB/s", "processor seconds a GiB", *TRIPS_A_SECOND], rows)


def _ratios(mine: str, results: dict[str, list[Round]]) -> str:
    """How many times as fast one of ours is."""
    ours, rows = _middle(results[mine]), []
    for name, rounds in results.items():
        it = _middle(rounds)
        pairs = ((ours.speed, it.speed), (ours.one, it.one), (ours.many, it.many))
        if name != mine:
            rows.append([name, *(f"{a / b:,.2f}" if b else "–" for a, b in pairs)])
    return table(["than", "MiB/s", *TRIPS_A_SECOND], rows)


def _stalled(found: Round) -> bool:
    return not (found.speed and found.one and found.many)


def _middle(rounds: list[Round]) -> Round:
    """Medians of what came to an end."""
    return Round(*(median([x for each in rounds if (x := getattr(each, f.name))] or [0.0]) for f in fields(Round)))


def _ceiling(results: dict[str, list[Round]]) -> str:
    """The client waits for the server most of the time: its own limit is what it does in the time that it does not."""
    every = [each for rounds in results.values() for each in rounds]
    speed, trips = max(x.most_speed for x in every), max(x.most_trips for x in every)
    return (
        "The client is not the limit: by the processor time that it took, it could have done "
        f"{speed:,.0f} MiB/s and {trips:,.0f} round trips a second."
    )


def _targets(results: dict[str, list[Round]]) -> list[Target]:
    def to(name: str, what: str, measure: str, bound: float, *, mine: str = OURS, most: bool = False) -> Target:
        ours, theirs = ([getattr(x, measure) for x in results.get(each, [])] for each in (mine, name))
        return Target.of_pairs(f"{what} / {name}", ours, theirs, bound, most=most)

    one, many = f"{TRIPS}, 1 connection", f"{TRIPS}, {CONNECTIONS} connections"
    return [
        to(UVLOOP, BULK, "speed", 0.8),
        to(SOCAT_DUMP, BULK, "speed", 1000),
        to(LIMIT_TO_FILE, BULK, "speed", 1.2),
        to(LIMIT, BULK.replace("throughput", "processor seconds a GiB"), "cpu", 1.5, most=True),
        to(UVLOOP, one, "one", 0.75),
        to(UVLOOP, many, "many", 1.0),
        *([to(UVLOOP, f"{PURE}: {many}", "many", 0.6, mine=PURE)] if PURE in results else []),
        *(to(name, what, each, 1.0) for name in (SOCAT, NCAT) for what, each in ((one, "one"), (many, "many"))),
    ]
