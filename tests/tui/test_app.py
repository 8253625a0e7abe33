"""The first paint waits for no engine: what is asked for before it is up is done, and what fails is told."""

import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.start import Start
from socktui.control.verbs import Listen
from socktui.core.endpoint import Endpoint
from socktui.tui.app import SocktuiApp
from tests.support import until
from tests.tui.drive import Drive

SLOW = "the engine is starting"


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine that has been started, and is stopped before it can be up."""
    engine = Engine(tmp_path / "c.socktui")
    os.kill(engine.pid, signal.SIGSTOP)
    assert not engine.capture.exists()
    yield engine
    with contextlib.suppress(ProcessLookupError):
        os.kill(engine.pid, signal.SIGCONT)
    await engine.end()


def of(engine: Engine, start: Start | None = None) -> SocktuiApp:
    return SocktuiApp(engine, history=engine.capture.parent / "history", start=start)


async def test_keys_pressed_before_the_engine_is_up_are_carried_out(held: Engine) -> None:
    app = of(held)
    async with app.run_test(size=(120, 36)) as pilot:
        drive = Drive(app, pilot)
        await drive.sees("1 Listening", "Nothing has happened yet.", "0 open of 0")
        await drive.press("e")
        await drive.sees(SLOW)
        assert not held.up.is_set()
        await drive.press("2", "v", "1", "?", "escape")  # and whatever needs no engine goes on
        os.kill(held.pid, signal.SIGCONT)
        await drive.sees("LISTEN", "listening on tcp://127.0.0.1:")
        assert SLOW not in drive.text
        drive.close()


async def test_what_the_command_line_asks_for_waits_as_well(held: Engine) -> None:
    app = of(held, Start(Listen(Endpoint.parse(":0"), "discard")))
    async with app.run_test(size=(120, 36)) as pilot:
        drive = Drive(app, pilot)
        await drive.sees(SLOW)
        os.kill(held.pid, signal.SIGCONT)
        await drive.sees("LISTEN", "discard")
        drive.close()


async def test_leaving_before_the_engine_is_up(held: Engine) -> None:
    app = of(held)
    async with app.run_test() as pilot:
        drive = Drive(app, pilot)
        await drive.sees("1 Listening")
        os.kill(held.pid, signal.SIGCONT)
        await drive.press("ctrl+q")
    assert app.return_code == 0
    assert not app.farewell


async def test_an_engine_that_dies_before_it_is_up(held: Engine) -> None:
    app = of(held)
    async with app.run_test() as pilot:
        await Drive(app, pilot).sees("1 Listening")
        os.kill(held.pid, signal.SIGKILL)
        await until(lambda: app.return_code == 1)
    assert app.farewell == "the engine has ended"


async def test_an_engine_that_is_dead_before_the_first_paint(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "c.socktui")
    os.kill(engine.pid, signal.SIGKILL)
    app = of(engine)
    async with app.run_test():
        await until(lambda: app.return_code == 1)
    assert app.farewell == "the engine has ended"


async def test_a_capture_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "c.socktui").mkdir()
    app = of(Engine(tmp_path / "c.socktui"))
    async with app.run_test():
        await until(lambda: app.return_code == 1)
    assert "cannot be made" in app.farewell
