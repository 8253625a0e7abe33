"""What it costs a round trip that somebody is looking."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import servers
from tests.bench.drained import Drained, socktui
from tests.bench.load import Load
from tests.bench.plan import Plan, median, table
from tests.bench.servers import Server
from tests.bench.targets import Section, Target

PAINTS = 5
"""As many times the round trips of other sections, so that some paints fall among them."""

LEAST = 1000
"""Bytes that a screen has surely written if it has painted what came."""


def latency(plan: Plan, load: Load, folder: Path) -> Section:
    """Round trips of 64 bytes over one connection, headless and with the screen open, in turn."""
    trips = plan.round_trips * PAINTS
    ways = {"headless": servers.ours, "the screen open and painting": _on_screen}
    p50: dict[str, list[float]] = {name: [] for name in ways}
    p99: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(plan.rounds):
        for name, start in ways.items():
            with start(folder / "latency") as server:
                found = load.run("pingpong", server.port, 1, trips, 64)
            shutil.rmtree(folder / "latency")
            p50[name].append(found["p50_us"])
            p99[name].append(found["p99_us"])
    rows = [[name, f"{median(p50[name]):.1f} µs", f"{median(p99[name]):.1f} µs"] for name in ways]
    headless, painting = p99.values()
    what = "added latency: 99th percentile of a round trip with the screen painting / headless"
    text = (
        f"{trips:,} round trips of 64 bytes, one at a time, over one connection; medians of {plan.rounds} "
        "rounds in turn. The screen is 120x40; what it paints is read and not drawn.\n\n"
    )
    return Section(
        text + table(["ours", "median round trip", "99th percentile"], rows),
        [Target.of_pairs(what, painting, headless, 1.2, most=True)],
    )


@contextmanager
def _on_screen(capture: Path) -> Iterator[Server]:
    argv = socktui("echo", "tcp://127.0.0.1:0", "--capture", capture)
    with Drained(argv, capture.parent, "LISTEN") as program:
        program.seconds()
        before = program.painted
        yield Server(servers.port_in(capture), program.pid)
        if program.painted - before < LEAST:
            raise RuntimeError("the screen painted nothing meanwhile")
