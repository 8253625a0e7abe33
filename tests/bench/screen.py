"""The screen on a terminal of 120x40: how soon it is there, and how soon a key is answered."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from socktui.journal.reader import Reader
from tests.bench import captures, servers
from tests.bench.load import Load, line
from tests.bench.plan import MIB, Plan, median, ms, quantile, table
from tests.bench.servers import Server
from tests.bench.targets import Section
from tests.support import resident_mib, wait_until
from tests.terminal import Terminal

ROWS, COLS = 40, 120
LINE = 30
ENDLESS = 1 << 40

Seen = Callable[[Terminal], Any]
"""What of the screen shows that a key was answered."""


@contextmanager
def on_terminal(home: Path, *argv: str) -> Iterator[Terminal]:
    """`socktui` on a terminal; all its processes have ended when the block is left."""
    env = {"HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with Terminal([sys.executable, "-m", "socktui", *argv], ROWS, COLS, env) as terminal:
        try:
            yield terminal
        finally:
            pids = Server(0, terminal.pid).pids[1:]
            terminal.close()
            wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def answer(terminal: Terminal, key: str, seen: Seen, expected: Any = None) -> float:
    """Seconds from a key to the read that brought its effect: until `seen` is as expected, or else than before."""
    before = seen(terminal)
    began = time.perf_counter()
    terminal.press(key)
    if expected is None:
        terminal.wait(lambda t: seen(t) != before, what=f"an answer to {key!r}")
    else:
        terminal.wait(lambda t: seen(t) == expected, what=f"{expected!r} after {key!r}")
    return terminal.read_at - began


def opening(plan: Plan, capture: Path) -> Section:
    """From the command to the newest calls on the screen, and pages up from the end, the middle and the top."""
    text = captures.newest(plan.calls)
    times, most = [], 0.0
    pages: dict[str, list[float]] = {}
    for _ in range(plan.openings):
        began = time.perf_counter()
        with on_terminal(capture.parent, "open", str(capture)) as terminal:
            terminal.wait_for(text)
            times.append(terminal.read_at - began)
            terminal.settle()
            if not pages:
                pages = _pages(terminal, plan.pages)
            most = max(most, resident_mib(terminal.pid, "VmHWM"))
    base = median(pages["end"])
    rows = [
        [place, ms(median(values)), ms(quantile(values, 0.99)), f"{median(values) / base:.2f}"]
        for place, values in pages.items()
    ]
    return Section(
        f"`socktui open` of {plan.calls:,} calls: the newest are on the screen {ms(median(times))} after the command "
        f"(median of {plan.openings}, slowest {ms(max(times))}; {most:.0f} MiB resident at most). A page, from the "
        "key to the last row painted anew:\n\n" + table(["page up, page down", "median", "p99", "to the end's"], rows)
    )


def _pages(terminal: Terminal, turns: int) -> dict[str, list[float]]:
    """Page up and down in the log of bytes, at three places."""
    terminal.press("3")
    _, left = _at(terminal, "3 Bytes")
    found: dict[str, list[float]] = {}
    for place in ("end", "middle", "top"):
        if place == "middle":
            terminal.click(ROWS // 2, COLS - 2)  # on its scroll bar
        elif place == "top":
            terminal.press("g")
        terminal.settle()
        keys = ["pagedown", "pageup"] if place == "top" else ["pageup", "pagedown"]
        found[place] = []
        for turn in range(turns):
            found[place].append(_page(terminal, keys[turn % 2], left))
            terminal.rest(0.05)
    return found


def _page(terminal: Terminal, key: str, left: int) -> float:
    """Until the first and the last rows of bytes are others."""

    def rows(t: Terminal) -> tuple[str, str]:
        return t.lines[3][left:-2] + t.lines[4][left:-2], t.lines[-5][left:-2] + t.lines[-4][left:-2]

    before = rows(terminal)
    began = time.perf_counter()
    terminal.press(key)
    terminal.wait(lambda t: all(a != b for a, b in zip(rows(t), before, strict=True)), what=f"another page by {key}")
    return terminal.read_at - began


def _at(terminal: Terminal, text: str) -> tuple[int, int]:
    terminal.wait_for(text)
    found = terminal.find(text)
    assert found is not None
    return found


def keys(plan: Plan, load: Load, folder: Path) -> Section:
    """From a key to its cell, idle, under full load, and with many connections in the list."""
    rows = []
    for name in ("idle", "echo at full speed", f"{plan.connections} connections"):
        capture = folder / "keys"
        with on_terminal(folder, "echo", "tcp://127.0.0.1:0", "--capture", str(capture)) as terminal:
            terminal.wait_for("LISTEN")
            port = servers.port_in(capture)
            terminal.press("c")
            terminal.wait_for("Send to #")
            terminal.settle()
            began, waited = time.monotonic(), _waited(terminal.pid)
            if name == "idle":
                measured = _both(terminal, plan.keys)
            elif name == "echo at full speed":
                with load.start("bulk", port, ENDLESS):
                    measured = _both(terminal, plan.keys)
            else:
                with load.start("hold", port, plan.connections, -1) as running:
                    line(running.stdout)
                    measured = _both(terminal, plan.keys)
            waiting = (_waited(terminal.pid) - waited) / (time.monotonic() - began)
            memory = ", ".join(f"{resident_mib(pid, 'VmHWM'):.0f}" for pid in Server(0, terminal.pid).pids)
        with Reader(capture) as reader:
            moved = sum(reader.socket(number).received for number in range(1, reader.sockets + 1))
        _remove(capture)
        for what, values in measured.items():
            cells = [ms(quantile(values, part)) for part in (0.5, 0.99, 1)]
            rows.append([name, what, *cells, f"{waiting:.0%}", f"{moved / MIB:,.0f}", memory])
    head = ["meanwhile", "key", "median", "p99", "slowest", "no core free", "MiB echoed", "most MiB (screen, engine)"]
    return Section(
        f"{plan.keys} keys each, at moments that nothing else is tied to. The emulator that reads the screen is in it, "
        "and shares the cores. No core free: the part of the time in which the screen was ready to run and had to "
        "wait.\n\n" + table(head, rows)
    )


def _both(terminal: Terminal, count: int) -> dict[str, list[float]]:
    return {"a letter in the send box": _letters(terminal, count), "j, k in the list": _moves(terminal, count)}


def _letters(terminal: Terminal, count: int) -> list[float]:
    """The send box has the focus: until the letter stands in its cell."""
    row, col = _at(terminal, "type a message")
    times: list[float] = []
    while len(times) < count:
        for place in range(min(LINE, count - len(times))):
            letter = "abcdefghij"[place % 10]
            times.append(answer(terminal, letter, lambda t, at=col + place: t.cell(row, at).data, letter))  # type: ignore[misc]
            terminal.rest(random.uniform(0.02, 0.08))
        terminal.press(*["backspace"] * LINE)
        terminal.wait_for("type a message")
    return times


def _moves(terminal: Terminal, count: int) -> list[float]:
    """The list of connections has the focus: until another row is marked."""
    terminal.press("escape", "2")
    top, left = _at(terminal, "2 Connections")
    terminal.rest(0.5)

    def marked(t: Terminal) -> list[Any]:
        return [(t.cell(row, left + 2).bg, t.cell(row, left + 2).reverse) for row in range(top + 2, top + 8)]

    times = []
    for turn in range(count):
        times.append(answer(terminal, "jk"[turn % 2], marked))
        terminal.rest(random.uniform(0.02, 0.08))
    return times


def _waited(pid: int) -> float:
    """Seconds that a process was ready to run and had no core; 0 where the kernel does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def _remove(capture: Path) -> None:
    for file in capture.iterdir():
        file.unlink()
    capture.rmdir()
