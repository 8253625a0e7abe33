"""Ours beside other echo servers, in turn."""

import shutil
import socket
from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Load
from tests.bench.plan import GIB, MIB, Plan, median, table
from tests.bench.servers import Server

OURS = "socktui, all recorded"
PATIENCE = 20.0

Round = tuple[float, float, float, float]
"""MiB/s, CPU seconds a GiB, round trips a second of 1 and of 100 connections; 0 where there was no end to it."""


def race(plan: Plan, load: Load, folder: Path) -> str:
    """Bulk and round trips of ours, which records everything, beside servers that record nothing."""
    others = servers.others()
    results: dict[str, list[Round]] = {name: [] for name in (OURS, *others)}
    for _ in range(plan.rounds):
        for name, rounds in results.items():
            size = plan.race // 8 if name.startswith("ncat") else plan.race  # it is slow
            with _server(others.get(name), folder / "race") as server:
                rounds.append(_round(load, server, size, plan.round_trips))
            shutil.rmtree(folder / "race", ignore_errors=True)
    mine = _medians(results[OURS])
    rows = []
    for name, rounds in results.items():
        values = _medians(rounds)
        ratios = [f"{a / b:.2f}" if b else "–" for a, b in zip(mine, values, strict=True)]
        del ratios[1]
        stalls = sum(0 in (speed, one, many) for speed, _, one, many in rounds)
        told = [
            f"{value:{form}}" if value else "–"
            for value, form in zip(values, (".0f", ".2f", ",.0f", ",.0f"), strict=True)
        ]
        rows.append([name, *told, " · ".join(ratios), f"{stalls} of {len(rounds)}" if stalls else ""])
    head = ["server", "bulk MiB/s", "CPU s per GiB", "trips/s, 1", "trips/s, 100", "ours to it", "stalled"]
    return (
        f"Medians of {plan.rounds} rounds in turn; round trips of 64 bytes over 1 and over 100 connections. Ours keeps "
        "every byte and call, the others keep nothing. Ours to it: bulk, round trips of 1, of 100.\n\n"
        + table(head, rows)
    )


def _server(command: list[str] | None, capture: Path) -> AbstractContextManager[Server]:
    if command is None:
        return servers.ours(capture)
    port = _free_port()
    return servers.other([part.format(port=port) for part in command], port)


def _round(load: Load, server: Server, size: int, trips: int) -> Round:
    """What did not end in time, as with a `cat` behind a full pipe, counts 0."""
    try:
        cpu = server.cpu
        speed = size / MIB / load.run("bulk", server.port, size, seconds=PATIENCE)["seconds"]
        cpu = (server.cpu - cpu) / (size / GIB)
    except TimeoutError:
        return 0, 0, 0, 0
    rates = []
    for connections in (1, 100):
        try:
            result = load.run("pingpong", server.port, connections, trips, 64, seconds=PATIENCE)
            rates.append(trips / result["seconds"])
        except TimeoutError:
            rates.append(0.0)
    return speed, cpu, rates[0], rates[1]


def _medians(rounds: list[Round]) -> list[float]:
    """Of what came to an end."""
    return [median([value for value in column if value] or [0.0]) for column in zip(*rounds, strict=True)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
