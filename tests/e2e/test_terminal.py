"""Terminals of all kinds and sizes, those that stop reading, and none at all."""

import itertools
import re
import time
from pathlib import Path

import pytest

from socktui.journal.reader import Reader
from tests.e2e.program import Program, echoed, flood, headless
from tests.support import peer, read_exactly, resident_mib

STORM = [(1, 1), (2, 5), (5, 2), (24, 80), (200, 500), (3, 400), (200, 3), (60, 200)]
STALL_SECONDS = 3.0


def test_a_storm_of_sizes_under_full_traffic(home: Path) -> None:
    with Program(home, "echo", ":0") as program:
        port = program.listens()
        program.press("c")
        program.wait_for("Send to #2")
        program.press("escape")
        with flood(port), Reader(program.capture) as reader:
            for rows, cols in itertools.chain(STORM, STORM):
                before = echoed(reader)
                program.resize(rows, cols)
                program.wait(lambda t, least=before: echoed(reader) > least)  # type: ignore[misc]
                program.rest(0.05)
            program.resize(24, 80)
            program.wait_for("3 open of 3")
        program.wait_for("2 open of 3")
        program.settle()
        as_before(program)
        assert resident_mib(program.pid, "VmHWM") < 150
        assert program.quit() == 0
        assert program.restored
        assert "Traceback" not in program.painted


def as_before(program: Program) -> None:
    """The screen at 80x24: what is where, and the borders of five panes."""
    frame = program.frame()
    corners = sorted(sign for sign in frame.values() if sign in "╭╮╰╯")
    assert corners == sorted("╭╮╰╯" * 5)
    assert all(frame.get((row, col)) for row in range(1, 4) for col in (0, 35, 36, 79))
    for text in ("1 Listening", "2 Connections", "3 Bytes", "4 Calls", " Send"):
        assert program.find(text), program.text


def test_a_screen_that_was_one_cell_from_the_start(home: Path) -> None:
    with Program(home, "echo", ":0", rows=1, cols=1) as program:
        with Reader(program.capture):
            program.resize(24, 80)
        with peer(program.listens()) as python:
            python.sendall(b"small")
            assert read_exactly(python, 5) == b"small"
            program.wait_for("← received 5")
            program.settle()
            as_before(program)
        assert program.quit() == 0


@pytest.mark.parametrize(
    "env",
    [
        {"TERM": "vt100"},
        {"TERM": "nonsense"},
        {"TERM": "linux", "COLORTERM": ""},
        {"NO_COLOR": "1"},
        {"LANG": "C", "LC_ALL": "C"},
        {"LANG": "ru_RU.KOI8-R", "LC_ALL": "ru_RU.KOI8-R"},
    ],
    ids=lambda env: ",".join(f"{name}={value}" for name, value in env.items()),
)
def test_a_terminal_that_is_poorer_than_most(home: Path, env: dict[str, str]) -> None:
    with Program(home, env=env) as program:
        program.wait_for("start an echo server")
        program.press("e")
        program.listens()
        program.press("c")
        program.wait_for("Send to #2")
        program.message("Hello")
        program.wait_for("← received 5")
        program.settle()
        as_before(program)
        assert "NO_COLOR" not in env or not colours(program.painted)
        assert program.quit() == 0
        assert program.restored


def colours(painted: str) -> list[str]:
    """The colours that were asked for; black, white and what lies between are none."""
    found = re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", painted)
    return [";".join(each) for each in found if len(set(each)) > 1] + re.findall(r"[34]8;5;\d+", painted)


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_terminal_that_cannot_be_drawn_on_is_refused_in_one_line(home: Path, term: str | None) -> None:
    unset = ["env", "-u", "TERM"] if term is None else ()
    with Program(home, env={"TERM": term or ""}, before=unset) as program:
        assert program.exit_status() == 2
        [line] = bytes(program.output).decode().splitlines()
        assert "TERM is" in line
        assert "--headless" in line
    assert not program.captures


@pytest.mark.parametrize("words", [(), ("echo", ":0"), ("connect", ":1")])
def test_no_terminal_is_refused_in_one_line(home: Path, words: tuple[str, ...]) -> None:
    run = headless(home, *words)
    assert (run.returncode, run.stdout) == (2, "")
    [line] = run.stderr.splitlines()
    assert "needs a terminal" in line
    assert "--headless" in line


@pytest.mark.parametrize("which", ["</dev/null", ">/dev/null", "2>/dev/null", "2>err"])
def test_a_terminal_on_some_of_the_standard_files_is_not_enough(home: Path, which: str) -> None:
    """The screen is never drawn into a file, nor where nobody sees it."""
    with Program(home, "echo", ":0", before=["sh", "-c", f'cd "$HOME"; exec "$@" {which}', "sh"]) as program:
        assert program.exit_status() == 2
        assert b"\x1b" not in program.output
        if "2>" not in which:
            assert "needs a terminal" in bytes(program.output).decode()
    if which == "2>err":
        assert "needs a terminal" in (home / "err").read_text()


def test_a_terminal_that_stops_reading_slows_down_no_byte(home: Path) -> None:
    with Program(home, "echo", ":0", rows=40, cols=120) as program:
        port = program.listens()
        with Reader(program.capture) as reader, flood(port):
            program.wait(lambda t: echoed(reader) > 1 << 20)
            before = rate(reader, program, 1.0)
            painted = len(program.output)
            rate(reader, None, STALL_SECONDS / 2)  # by now whatever is between us and the screen is full
            stalled = rate(reader, None, STALL_SECONDS / 2)
            assert len(program.output) == painted
            assert stalled > before / 5
            program.press("v")
            program.wait_for("hex · utf-8")
            program.wait_for("ESTAB")
        program.wait_for("0 open of 1")
        program.settle()
        assert program.quit() == 0
        assert program.restored


def rate(reader: Reader, program: Program | None, seconds: float) -> float:
    """Bytes that are echoed a second, while the terminal is read, or is not."""
    began, before = time.monotonic(), echoed(reader)
    while (spent := time.monotonic() - began) < seconds:
        if program:
            program.pump(0.05)
        else:
            time.sleep(seconds / 10)
    return (echoed(reader) - before) / spent


def test_a_terminal_that_was_stopped_by_hand_goes_on(home: Path) -> None:
    """Ctrl-Z of a shell, or SIGTSTP: the sockets live on meanwhile, and the screen comes back."""
    with Program(home, "echo", ":0") as program, peer(program.listens()) as python:
        program.wait_for("ESTAB")
        program.suspend()
        assert program.restored
        python.sendall(b"meanwhile")
        assert read_exactly(python, 9) == b"meanwhile"
        program.go_on()
        program.wait_for("meanwhil")
        program.settle()
        as_before(program)
        program.press("?")
        program.wait_for("Help")
        program.press("escape")
        assert program.quit() == 0
        assert program.restored


def test_the_descriptors_of_the_terminal_are_left_as_they_were(home: Path) -> None:
    """Cooked, blocking and with echo, as the shell had it."""
    shell = 'before=$(stty -g); "$@"; [ "$before" = "$(stty -g)" ] && echo same'
    with Program(home, "echo", ":0", before=["sh", "-c", shell, "sh"]) as program:
        program.listens()
        program.press("ctrl+q")
        program.wait_for("same")
        assert program.exit_status() == 0
