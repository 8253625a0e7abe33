"""Whether memory stays the same as bytes flow."""

import shutil
from pathlib import Path

from tests.bench import servers
from tests.bench.load import Load
from tests.bench.plan import MIB, Plan, in_bytes, table
from tests.bench.room import room
from tests.bench.targets import Section, Target

STEPS = 8


def memory(plan: Plan, load: Load, folder: Path) -> Section:
    """What is resident after a little and after much, of one server that goes on; looked at on the way too."""
    capture = folder / "memory"
    few, much = plan.flow
    room(folder, much)
    rows, most = [], []
    for turn in range(1, plan.heavy + 1):
        with servers.ours(capture) as server:
            load.run("bulk", server.port, few)
            seen = [server.memory()]
            for _ in range(STEPS):
                load.run("bulk", server.port, (much - few) // STEPS)
                seen.append(server.memory())
        shutil.rmtree(capture)
        most.append(seen[-1][0] / seen[0][0])
        for what, values in zip(("resident", "private"), zip(*seen, strict=True), strict=True):
            rows.append([f"{what}, server {turn}", *(f"{value / MIB:.1f}" for value in values)])
    head = ["MiB", *(in_bytes(few + (much - few) * step // STEPS) for step in range(STEPS + 1))]
    text = (
        "Memory of all the server's processes, after so many bytes through an echo. Resident is private memory and "
        f"pages of files: of the program, and of the capture, which is mapped. Servers, one after the other: "
        f"{plan.heavy}.\n\n"
    )
    goal = f"resident after {in_bytes(much)} of traffic / after {in_bytes(few)}"
    return Section(text + table(head, rows), [Target(goal, most, 1.1, most=True)])
