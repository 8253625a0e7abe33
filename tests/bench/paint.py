"""What a paint of the byte log costs, beside painting the same strips made beforehand."""

import json
import sys
from pathlib import Path

from tests.bench import captures
from tests.bench.drained import Drained
from tests.bench.plan import Plan, median, ms, table
from tests.bench.targets import Section, Target

ROWS, COLS = 50, 200
CALLS = 50_000
MOVES = {"a line further": 1, "a page further": ROWS - 1}


def paint(plan: Plan, folder: Path) -> Section:
    """Processor time of a paint at 200x50, both ways in turn, after a small move and after a large one."""
    capture = folder / "paint.socktui"
    captures.write(capture, CALLS)
    rows, targets = [], []
    for move, lines in MOVES.items():
        times: dict[str, list[float]] = {"log": [], "strips": []}
        painted = {}
        for _ in range(plan.heavy):
            for what, each in times.items():
                seconds, painted[what] = _paint(plan, capture, what, lines)
                each.append(seconds)
        if abs(painted["log"] / painted["strips"] - 1) > 0.1:
            raise RuntimeError(f"they do not paint the same: {painted}")
        log, strips = times.values()
        rows.append([move, ms(median(log)), ms(median(strips)), f"{painted['log'] / plan.paints:,.0f}"])
        goal = f"a paint of the byte log, {move} / 50 prepared strips"
        targets.append(Target.of_pairs(goal, log, strips, 2.0, most=True))
    head = ["the log moves", "processor time a paint", "of prepared strips", "bytes painted"]
    text = (
        f"{plan.paints} paints at {COLS}x{ROWS}, medians of {plan.heavy} processes in turn. The prepared ones are what "
        "the log paints, by a Textual application that does nothing but hand them over: what Textual and the "
        "terminal take is in both.\n\n"
    )
    return Section(text + table(head, rows), targets)


def _paint(plan: Plan, capture: Path, what: str, lines: int) -> tuple[float, int]:
    """Seconds of a paint, and bytes of all."""
    result = capture.parent / "paint.json"
    argv = [sys.executable, "-m", "tests.bench.painter"]
    with Drained(
        [*argv, *map(str, (capture, what, lines, plan.paints, result))], capture.parent, "", ROWS, COLS
    ) as app:
        app.wait()
    seconds: float = json.loads(result.read_text())
    return seconds, app.painted
