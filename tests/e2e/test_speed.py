"""What the screen costs: counted in bytes and in shares of a core, never in seconds."""

import time
from pathlib import Path

from socktui.journal.reader import Reader
from tests.bench import captures
from tests.e2e.program import Program, echoed, flood
from tests.support import cpu_seconds

CALLS = 300_000
ROWS, COLS = 40, 120
PER_CELL = 12
"""Bytes that a cell may cost, colours and moves of the cursor included, when all are painted anew."""


def test_a_page_costs_the_same_at_any_depth(home: Path) -> None:
    capture = home / "many.socktui"
    captures.write(capture, CALLS)
    with Program(home, "open", capture, rows=ROWS, cols=COLS) as program:
        program.wait_for(captures.newest(CALLS))
        program.press("3")
        program.settle()
        pages = {"end": page(program, "pageup")}
        program.click(ROWS // 2, COLS - 2)  # half way down its scroll bar
        program.wait_gone(captures.newest(CALLS))
        program.settle()
        pages["middle"] = page(program, "pageup")
        program.press("g")
        program.wait_for("accept 127.0.0.1:40000 ")
        program.settle()
        program.press("pagedown")
        program.wait_gone("accept 127.0.0.1:40000 ")
        program.settle()
        pages["top"] = page(program, "pageup")
        assert max(pages.values()) < ROWS * COLS * PER_CELL, pages
        assert max(pages.values()) < 2 * min(pages.values()), pages
        assert program.quit() == 0


def page(program: Program, key: str) -> int:
    """How many bytes are written until another page stands there."""
    before, rows = len(program.output), program.lines[2:20]
    program.press(key)
    program.wait(lambda t: t.lines[2:20] != rows, what="another page")
    program.settle()
    return len(program.output) - before


def test_an_idle_screen_leaves_the_processor_alone(home: Path) -> None:
    with Program(home, "echo", ":0", rows=ROWS, cols=COLS) as program:
        program.listens()
        program.press("c")
        program.wait_for("Send to #2")
        program.settle()
        [engine] = program.engines
        before = cpu_seconds(engine)
        assert share(program, 2) < 0.2
        assert (cpu_seconds(engine) - before) / 2 < 0.1
        assert program.quit() == 0


def test_an_echo_at_full_speed_leaves_the_screen_time_for_keys(home: Path) -> None:
    with Program(home, "echo", ":0", rows=ROWS, cols=COLS) as program:
        port = program.listens()
        with Reader(program.capture) as reader, flood(port):
            program.wait(lambda _: echoed(reader) > 1 << 22)
            assert share(program, 1.5) < 0.8
            for view in ("hex", "text", "both", "hex"):
                program.press("v")
                program.wait_for(f" {view} · utf-8")
            program.press("space")
            program.wait_for("PAUSED")
            before = echoed(reader)
            program.wait(lambda _: echoed(reader) > before + (1 << 20))  # never the traffic
            program.press("space")
            program.wait_gone("PAUSED")
            program.press("3")
            program.wait_for("┏━ 3 Bytes")
            program.press("g")
            program.wait_for("─ listen")
            program.press("f")
            program.wait_gone("─ listen")
        assert program.quit() == 0


def share(program: Program, seconds: float) -> float:
    """Which part of one core the screen's process uses, while its terminal is read."""
    used, began = cpu_seconds(program.pid), time.monotonic()
    program.rest(seconds)
    return (cpu_seconds(program.pid) - used) / (time.monotonic() - began)
