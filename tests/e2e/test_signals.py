"""The end of the program, of its engine and of its terminal, when nobody asked for it politely."""

import os
import signal
import time
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.journal.reader import Reader
from tests.e2e.program import Program, echoed, flood, headless, running
from tests.support import all_calls, all_sockets, cpu_seconds, peer, read_all, read_exactly, wait_until

STATUS = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGQUIT: 131, signal.SIGINT: 0}


@pytest.mark.parametrize("number", STATUS)
def test_a_signal_ends_it_in_order(home: Path, number: signal.Signals) -> None:
    with Program(home, "echo", ":0") as program, peer(program.listens()) as python:
        python.sendall(b"before")
        assert read_exactly(python, 6) == b"before"
        program.wait_for("ESTAB")
        [engine] = program.engines
        program.kill(number)
        assert read_all(python) == b""  # a FIN, no reset
        assert program.exit_status() == STATUS[number]
        assert program.restored
        assert not running(engine)
        assert program.said == [f"capture: {program.capture} ({len(all_calls(program.capture))} calls)"]
        closed(program.capture)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_under_full_traffic(home: Path, number: signal.Signals) -> None:
    with Program(home, "echo", ":0", rows=40, cols=120) as program, flood(program.listens()):
        with Reader(program.capture) as reader:
            program.wait(lambda _: echoed(reader) > 1 << 22)
        program.kill(number)
        assert program.exit_status() == STATUS[number]
        assert program.restored
        closed(program.capture)


def test_a_signal_ends_it_also_where_the_terminal_has_stopped_reading(home: Path) -> None:
    with Program(home, "echo", ":0", rows=60, cols=200) as program, flood(program.listens()):
        with Reader(program.capture) as reader:
            program.wait_for("ESTAB")
            full(program, reader)
        engines = program.engines
        program.kill(signal.SIGTERM)
        wait_until(lambda: not running(program.pid))  # nobody reads meanwhile
        wait_until(lambda: not any(map(running, engines)))
        assert program.exit_status() == STATUS[signal.SIGTERM]
        closed(program.capture)


def full(program: Program, reader: Reader) -> None:
    """Wait, without reading, until the screen has nowhere to write to: it sleeps while traffic goes on."""
    quiet = 0
    while quiet < 3:
        before, used = echoed(reader), program.written
        wait_until(lambda least=before + (1 << 24): echoed(reader) > least)  # type: ignore[misc]
        quiet = quiet + 1 if program.written == used else 0


def closed(capture: Path) -> None:
    """The capture is whole: it ends with the goodbyes to all sockets."""
    with Reader(capture) as reader:
        assert reader.health.whole
    assert not [each for each in all_sockets(capture) if each.open]
    assert [call for call in all_calls(capture) if call.name is Function.CLOSE]


def test_a_kill_of_the_screen_ends_the_engine_and_the_capture_is_whole(home: Path) -> None:
    with Program(home, "echo", ":0") as program, peer(program.listens()) as python:
        python.sendall(b"before")
        assert read_exactly(python, 6) == b"before"
        program.wait_for("ESTAB")
        [engine] = program.engines
        program.kill(signal.SIGKILL)
        wait_until(lambda: not running(engine), 5)
        assert read_all(python) == b""
        closed(program.capture)
        assert "before" in headless(home, "open", program.capture, "--headless").stdout


def test_a_kill_of_the_engine_is_said_in_red_and_a_key_starts_another(home: Path) -> None:
    with Program(home, "echo", ":0", cols=120) as program:
        program.listens()
        first = program.capture
        [engine] = program.engines
        os.kill(engine, signal.SIGKILL)
        program.wait_for("the engine has ended")
        program.wait_for("ctrl+r starts a new one")
        assert program.stands_on_red("the engine has ended")
        program.press("e")
        program.wait_for("the engine has ended; what it captured is kept in")
        program.press("ctrl+r")
        program.wait_for("start an echo server")
        program.wait_gone("the engine has ended")
        program.press("e")
        with peer(program.listens()) as python:
            python.sendall(b"again")
            assert read_exactly(python, 5) == b"again"
            program.wait_for("← received 5")
            assert program.quit() == 0
        assert program.restored
        assert len(program.captures) == 2
        assert {line.split(" (")[0] for line in program.said} == {f"capture: {each}" for each in program.captures}
        assert program.said[0] == f"capture: {first} ({len(all_calls(first))} calls)"


@pytest.mark.parametrize("before", [(), ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")], ids=["", "nohup"])
def test_a_terminal_that_is_taken_away_ends_it(home: Path, before: tuple[str, ...]) -> None:
    with Program(home, "echo", ":0", before=before) as program, peer(program.listens()) as python:
        program.wait_for("ESTAB")
        [engine] = program.engines
        used, began = cpu_seconds(program.pid), time.monotonic()
        program.hang_up()
        spent = used
        while running(program.pid):
            spent = max(spent, cpu_seconds(program.pid) if running(program.pid) else 0)
            assert time.monotonic() - began < 5
            time.sleep(0.01)
        assert program.exit_status() == 129
        assert spent - used < 1
        assert read_all(python) == b""
        wait_until(lambda: not running(engine), 5)
        closed(program.capture)
