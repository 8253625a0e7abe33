"""Fixtures for all tests."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from socktui.control.client import Engine
from tests.loops import choose
from tests.support import running_engine

# How long an example takes says nothing on a busy machine, and no test depends on what an earlier run has found.
settings.register_profile("tests", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# nohup ignores SIGHUP, a shell ignores SIGINT and SIGQUIT for what it runs in the background, and a program started
# from here would inherit that. A caught signal is not inherited (execve(2)): the tests still go on when one comes, and
# the programs begin as from a terminal.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda number, frame: None)


@pytest.fixture(autouse=True)
def inner_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The loop that a test asks for (tests.loops); where it asks for none, the one that the program would take."""
    loop: str = getattr(request, "param", "")
    if loop:
        choose(loop, monkeypatch)
    return loop


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Where a capture may be made; nothing is there yet."""
    return tmp_path / "c.socktui"


@pytest.fixture
async def engine(capture: Path) -> AsyncIterator[Engine]:
    """A started engine with a capture of its own, which is surely ended."""
    async with running_engine(capture) as started:
        yield started
