"""From the command to the first painted screen, beside a Textual application that has nothing to start."""

import sys
from pathlib import Path

from tests.bench.drained import Drained, socktui
from tests.bench.plan import Plan, median, ms, quantile, table
from tests.bench.targets import Section, Target

EMPTY = Path(__file__).with_name("empty.py")


def starting(plan: Plan, folder: Path) -> Section:
    programs = {
        "socktui": (socktui(), "1 Listening"),
        "an empty Textual application": ([sys.executable, str(EMPTY)], "ready"),
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(1 + plan.starts):
        for name, (argv, text) in programs.items():
            with Drained(argv, folder, text) as program:
                seconds = program.seconds()
            if turn:
                times[name].append(seconds)
    rows = [[name, ms(median(each)), ms(quantile(each, 0.99))] for name, each in times.items()]
    ours, empty = times.values()
    text = (
        f"On a terminal of 120x40, {plan.starts} times in turn, from compiled bytecode, as a program that is installed "
        "has it: a first start that writes it is not counted. Python's own start and the imports are in both, the "
        "engine's process in ours. That an empty one has painted is seen by a word in it.\n\n"
    )
    return Section(
        text + table(["program", "median", "slowest"], rows),
        [
            Target.of_pairs(
                "start, to the first painted screen / an empty Textual application", ours, empty, 1.4, most=True
            )
        ],
    )
