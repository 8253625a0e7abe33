"""Whether more of the same costs the same: memory as bytes flow, and time as work grows."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import native, servers
from tests.bench.load import Load
from tests.bench.peers import LIMIT_TO_FILE
from tests.bench.plan import GIB, MIB, Plan, median, table
from tests.bench.servers import Server
from tests.bench.targets import Section, Target

FACTORS = (1, 10, 100)
CONNECTIONS = 100
STEPS = 8


def memory(plan: Plan, load: Load, folder: Path) -> Section:
    """What is resident after a little and after much, of one server that goes on; looked at on the way too."""
    capture = folder / "memory"
    few, much = plan.flow
    rows, most = [], []
    for _ in range(plan.heavy):
        with servers.ours(capture) as server:
            load.run("bulk", server.port, few)
            seen = [(server.resident, server.anonymous)]
            for _ in range(STEPS):
                load.run("bulk", server.port, (much - few) // STEPS)
                seen.append((server.resident, server.anonymous))
        shutil.rmtree(capture)
        most.append(seen[-1][0] / seen[0][0])
        for what, values in zip(("resident", "of it, no file's"), zip(*seen, strict=True), strict=True):
            rows.append([what, *(f"{value / MIB:.1f}" for value in values)])
    head = ["", _size(few), *(_size(few + (much - few) * step // STEPS) for step in range(1, STEPS + 1))]
    text = f"MiB resident, of all processes, after so many bytes through an echo. Servers, in turn: {plan.heavy}.\n\n"
    goal = f"resident after {_size(much)} of traffic / after {_size(few)}"
    return Section(text + table(head, rows), [Target(goal, most, 1.1, most=True)])


def growth(plan: Plan, load: Load, folder: Path) -> Section:
    """Time a byte, and time a call, at 1, 10 and 100 times the work: each with a server that has done nothing yet.

    What the disk has to do with it is seen by the server in C, which writes down the same bytes.
    """
    size, trips = plan.little
    limit = str(native.built("limit", folder))

    def a_byte(server: Server, factor: int) -> float:
        return float(load.run("bulk", server.port, size * factor)["seconds"]) / (size * factor) * 1e9

    def a_call(server: Server, factor: int) -> float:
        count = trips * factor
        return float(load.run("pingpong", server.port, CONNECTIONS, count, 64)["seconds"]) / count / 2 * 1e6

    def ours(place: Path) -> AbstractContextManager[Server]:
        return servers.ours(place / "capture")

    def epoll(place: Path) -> AbstractContextManager[Server]:
        return servers.other((limit, "{port}", str(place / "kept")))

    works = {"ns a byte": (ours, a_byte), "µs a call": (ours, a_call), f"ns a byte, {LIMIT_TO_FILE}": (epoll, a_byte)}
    found: dict[str, dict[int, list[float]]] = {what: {factor: [] for factor in FACTORS} for what in works}
    for _ in range(plan.heavy):
        for factor in FACTORS:
            for what, (start, work) in works.items():
                with TemporaryDirectory(dir=folder) as place, start(Path(place)) as server:
                    found[what][factor].append(work(server, factor))
    rows = [[what, *(f"{median(values):.3g}" for values in by.values())] for what, by in found.items()]
    targets = [
        Target.of_pairs(f"{what}, {factor} times the work / once", found[what][factor], found[what][1], 1.2, most=True)
        for what in ("ns a byte", "µs a call")
        for factor in FACTORS[1:]
    ]
    text = (
        f"Once is {_size(size)} through one connection, or {trips:,} round trips of 64 bytes over {CONNECTIONS}, which "
        f"are two calls each. Medians of {plan.heavy}, in turn.\n\n"
    )
    return Section(text + table(["", *(f"{factor} times" for factor in FACTORS)], rows), targets)


def _size(size: int) -> str:
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
