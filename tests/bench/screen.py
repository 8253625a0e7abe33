"""The screen on a terminal of 120x40: how soon it is there, and how soon a key is answered."""

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socktui.journal.reader import Reader
from tests.bench import captures, servers
from tests.bench.drained import Drained, socktui
from tests.bench.load import Load, told
from tests.bench.plan import MIB, Plan, median, ms, quantile, table
from tests.bench.room import room
from tests.bench.servers import Server, ended
from tests.bench.targets import Section, Target
from tests.support import resident_mib, wait_until
from tests.terminal import Terminal

ROWS, COLS = 40, 120
LINE = 30
A_KEY = 80 << 20
"""Bytes that an echo at full speed writes down while a key of each kind is waited for."""
ENDLESS = 1 << 40

IDLE, FULL = "idle", "echo at full speed"
KEYS = LETTER, MOVE = "a letter in the send box", "j, k in the list"

LayerFilter = Callable[[Terminal], Any]
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
            wait_until(lambda: all(map(ended, pids)))


def answer(terminal: Terminal, key: str, seen: LayerFilter, expected: Any = None) -> float:
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
    """Of a large capture and a small one, in turn, to the newest calls on the screen; and pages of the large one."""
    room(capture.parent, (plan.calls + plan.few_calls) * captures.A_CALL)
    small = capture.with_name("few.socktui")
    captures.write(small, plan.few_calls, plan.sockets)
    if not capture.exists():
        captures.write(capture, plan.calls, plan.sockets)
    sizes = {capture: plan.calls, small: plan.few_calls}
    times: dict[Path, list[float]] = {path: [] for path in sizes}
    most = 0.0
    for _ in range(plan.openings):
        for path, calls in sizes.items():
            newest = captures.newest(calls, plan.sockets)
            with Drained(socktui("open", path), capture.parent, newest, ROWS, COLS) as program:
                times[path].append(program.seconds())
                most = max(most, resident_mib(program.pid, "VmHWM"))
    pages, jumps = _turned(plan, capture)
    rows = [
        [place, ms(median(pages[place])), ms(quantile(pages[place], 0.99)), ms(median(jumps[place]))] for place in pages
    ]
    large, little = times.values()
    text = (
        f"`socktui open` of {plan.calls:,} calls: the newest are on the screen {ms(median(large))} after the command; "
        f"of {plan.few_calls:,}, {ms(median(little))} (medians of {plan.openings} in turn; {most:.0f} MiB resident at "
        "most). A page in the large one, and a jump there, from the key or the click to the last row painted anew:\n\n"
    )
    return Section(
        text + table(["place", "page up, page down", "p99", "jump there"], rows),
        [
            Target.of_pairs(f"opening {plan.calls:,} calls / {plan.few_calls:,}", large, little, 2.0, most=True),
            *(_deep(f"a page, {place}", pages[place], pages["top"]) for place in ("middle", "end")),
            _deep("a jump to the middle", jumps["middle"], jumps["top"]),
        ],
    )


def _deep(what: str, deep: list[float], top: list[float]) -> Target:
    return Target.of_pairs(f"{what} / at the top", deep, top, 1.5, most=True)


def _turned(plan: Plan, capture: Path) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of pages up and down, and of jumps, in the log of bytes: by place, in turn."""
    places: dict[str, Callable[[Terminal], None]] = {
        "top": lambda t: t.press("g"),
        "middle": lambda t: t.click(ROWS // 2, COLS - 2),  # on its scroll bar
        "end": lambda t: t.press("G"),
    }
    pages: dict[str, list[float]] = {place: [] for place in places}
    jumps: dict[str, list[float]] = {place: [] for place in places}
    with on_terminal(capture.parent, "open", str(capture)) as terminal:
        terminal.wait_for(captures.newest(plan.calls, plan.sockets))
        terminal.press("3")
        _, left = _at(terminal, "3 Bytes")
        terminal.settle()
        for _ in range(plan.pages):
            for place, go in places.items():
                jumps[place].append(_changed(terminal, left, go))
                terminal.rest(0.05)
                keys = ["pagedown", "pageup"] if place == "top" else ["pageup", "pagedown"]
                for key in keys:
                    pages[place].append(_changed(terminal, left, lambda t, key=key: t.press(key)))  # type: ignore[misc]
                    terminal.rest(0.05)
    return pages, jumps


def _changed(terminal: Terminal, left: int, act: Callable[[Terminal], None]) -> float:
    """Seconds until the first and the last rows of bytes are others."""

    def rows(t: Terminal) -> tuple[str, str]:
        return t.lines[3][left:-2] + t.lines[4][left:-2], t.lines[-5][left:-2] + t.lines[-4][left:-2]

    before = rows(terminal)
    began = time.perf_counter()
    act(terminal)
    terminal.wait(lambda t: all(a != b for a, b in zip(rows(t), before, strict=True)), what="another page")
    return terminal.read_at - began


def _at(terminal: Terminal, text: str) -> tuple[int, int]:
    terminal.wait_for(text)
    found = terminal.find(text)
    assert found is not None
    return found


def keys(plan: Plan, load: Load, folder: Path) -> Section:
    """From a key to its cell, idle, under full load, and with many connections in the list, in turn."""
    meanwhile: dict[str, Callable[[int], AbstractContextManager[Any]]] = {
        IDLE: lambda port: nullcontext(),
        FULL: lambda port: load.start("bulk", port, ENDLESS),
        f"{plan.connections} connections": lambda port: _holding(load, port, plan.connections),
    }
    room(folder, plan.keys * A_KEY)
    found: dict[str, list[Pressed]] = {name: [] for name in meanwhile}
    for _ in range(plan.heavy):
        for name, busy in meanwhile.items():
            found[name].append(_pressed(plan, folder, busy))
    rows = []
    for name, rounds in found.items():
        for what in KEYS:
            times = [time for each in rounds for time in each.times[what]]
            cells = [ms(quantile(times, part)) for part in (0.5, 0.99, 1)]
            waiting = median([each.waiting for each in rounds])
            moved = median([each.moved for each in rounds])
            rows.append([name, what, *cells, f"{waiting:.0%}", f"{moved / MIB:,.0f}", rounds[-1].memory])
    head = ["meanwhile", "key", "median", "p99", "slowest", "no core free", "MiB echoed", "most MiB (screen, engine)"]
    text = (
        f"{plan.keys} keys each, {plan.heavy} times in turn, at moments that nothing else is tied to. The emulator "
        "that reads the screen is in it, and shares the cores. No core free: the part of the time in which the screen "
        "was ready to run and had to wait.\n\n"
    )
    return Section(text + table(head, rows), [target for what in KEYS for target in _answered(what, found)])


@dataclass(frozen=True, slots=True)
class Pressed:
    """Seconds from each key to its cell, the part of the time without a core, bytes echoed, and MiB at most."""

    times: dict[str, list[float]]
    waiting: float
    moved: int
    memory: str

    def p99(self, what: str) -> float:
        return quantile(self.times[what], 0.99)


def _answered(what: str, found: dict[str, list[Pressed]]) -> list[Target]:
    full, idle = ([each.p99(what) for each in found[name]] for name in (FULL, IDLE))
    name = f"key to painted cell ({what}) at full speed, 99th percentile"
    return [
        Target.of_pairs(f"{name} / idle", full, idle, 3.0, most=True),
        Target(name, [each * 1e3 for each in full], 100.0, most=True, unit=" ms"),
    ]


@contextmanager
def _holding(load: Load, port: int, connections: int) -> Iterator[None]:
    with load.start("hold", port, connections, -1) as running:
        told(running)
        yield


def _pressed(plan: Plan, folder: Path, busy: Callable[[int], AbstractContextManager[Any]]) -> Pressed:
    capture = folder / "keys"
    with on_terminal(folder, "echo", "tcp://127.0.0.1:0", "--capture", str(capture)) as terminal:
        terminal.wait_for("LISTEN")
        port = servers.port_in(capture)
        terminal.press("c")
        terminal.wait_for("Send to #")
        terminal.settle()
        began, waited = time.monotonic(), _waited(terminal.pid)
        with busy(port):
            times = {LETTER: _letters(terminal, plan.keys), MOVE: _moves(terminal, plan.keys)}
        waiting = (_waited(terminal.pid) - waited) / (time.monotonic() - began)
        memory = ", ".join(f"{resident_mib(pid, 'VmHWM'):.0f}" for pid in Server(0, terminal.pid).pids)
    with Reader(capture) as reader:
        moved = sum(reader.socket(number).received for number in range(1, reader.sockets + 1))
    shutil.rmtree(capture)
    return Pressed(times, waiting, moved, memory)


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
