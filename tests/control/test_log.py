"""The log: where it goes, how much of it, and that it is safe to read."""

import logging
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from socktui.control.launch import _RECORD
from socktui.control.log import Lines
from socktui.control.log_level import LOG_VARIABLE
from socktui.control.verbs import Close, Listen
from socktui.core.endpoint import Endpoint
from tests.running import ran
from tests.support import listening, peer, running_engine, wait_until


def log_of(capture: Path) -> Path:
    return capture.with_name(capture.name + ".log")


def formatted(text: str, error: BaseException | None = None) -> str:
    record = logging.LogRecord("socktui.x", logging.WARNING, "", 0, text, None, None)
    if error:
        record.exc_info = type(error), error, error.__traceback__
    return Lines("engine").format(record)


def test_a_record_is_told_from_what_is_none() -> None:
    lines = formatted("what\nis wrong", ValueError("bad\nvalue")).split("\n")
    assert re.fullmatch(rf".* engine\[{os.getpid()}\] WARNING socktui\.x: what", lines[0])
    assert lines[1:] == ["\tis wrong", "\tValueError: bad", "\tvalue"]
    assert all(_RECORD.match(line) for line in lines)


def test_what_a_peer_says_never_reaches_a_terminal() -> None:
    assert formatted("\x1b[31mred").isprintable()


async def test_without_the_variable_there_are_warnings_alone(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOG_VARIABLE, raising=False)
    async with running_engine(capture) as engine:
        assert await listening(engine)
        engine._writer.write(b"nonsense\n")
        assert await listening(engine)
    [line] = log_of(capture).read_text().splitlines()
    assert "WARNING socktui.control.server: a request that makes no sense" in line


async def test_at_debug_each_request_is_there_without_its_data(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_VARIABLE, "debug")
    async with running_engine(capture) as engine:
        number = (await engine.request(Listen(Endpoint.parse(":0")))).socket
        await engine.request(Close(number))
    log = log_of(capture).read_text()
    assert [re.sub(r"^\S+ \S+ ", "", line) for line in log.splitlines() if "socktui" in line] == [
        f"engine[{engine.pid}] INFO socktui.control.server: up, with the capture {capture}",
        f"engine[{engine.pid}] DEBUG socktui.control.server: request 1: listen",
        f"engine[{engine.pid}] DEBUG socktui.control.server: request 2: close",
        f"engine[{engine.pid}] INFO socktui.control.server: ended",
    ]


async def test_a_service_that_fails_is_logged_with_its_traceback_and_its_socket(capture: Path, tmp_path: Path) -> None:
    """And what it was is no cause of a later death."""
    faulty = tmp_path / "faulty"
    faulty.mkdir()
    # A module that every process of Python loads at its start: without quotations, there is none of this day.
    (faulty / "sitecustomize.py").write_text("import socktui.services.small\nsocktui.services.small.QUOTATIONS = ()")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(faulty))
        async with running_engine(capture) as engine:
            port = await listening(engine, service="qotd")
            with peer(port) as sock:
                assert sock.recv(1) == b""
            wait_until(lambda: "ZeroDivisionError" in log_of(capture).read_text())
            os.kill(engine.pid, signal.SIGKILL)
            await engine.gone.wait()
            assert engine._launch.last_words() == ""
    log = log_of(capture).read_text()
    assert "ERROR socktui.engine.context: the service of socket 2 failed\n\tTraceback" in log
    assert "\n\tZeroDivisionError: " in log


def test_both_processes_write_to_the_file_that_is_given(tmp_path: Path) -> None:
    given = tmp_path / "given.log"
    run = ran(tmp_path, "echo", ":0", "--quiet", "--for", "0.1", "--log", given, env={LOG_VARIABLE: ""})
    assert run.status() == 0
    assert stat.S_IMODE(given.stat().st_mode) == 0o600
    who = {line.split()[2].partition("[")[0] for line in given.read_text().splitlines()}
    assert who == {"engine", "headless"}
    assert all(_RECORD.match(line) for line in given.read_text().splitlines())


def test_a_log_beside_the_capture(tmp_path: Path) -> None:
    place = tmp_path / "c.socktui"
    run = ran(tmp_path, "echo", ":0", "--quiet", "--for", "0.1", "--capture", place, env={LOG_VARIABLE: "debug"})
    assert run.status() == 0
    assert "headless[" in log_of(place).read_text()
    assert run.err[0].startswith("listening on ")  # and nothing of it is on the terminal


def test_a_level_that_is_none_is_refused(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo", ":0", "--quiet", env={LOG_VARIABLE: "verbose"})
    assert run.status() == 2
    assert run.err == ["socktui: SOCKTUI_LOG is 'verbose': one of debug, info, warning"]


def test_a_log_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo", ":0", "--quiet", "--log", tmp_path / "no" / "log")
    assert run.status() == 1
    assert run.err == [f"{tmp_path / 'no' / 'log'}: No such file or directory (ENOENT)"]


def test_it_costs_nothing_before_the_engine_is_launched() -> None:
    program = "import sys, socktui.cli, socktui.control.launch; print('logging' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
