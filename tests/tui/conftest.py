"""Fixtures for the tests of the screen."""

import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tui.canned import Canned
from tests.tui.drive import Drive, workbench


@pytest.fixture(scope="session", autouse=True)
def _spare_the_collector() -> None:
    """A screen is tens of thousands of objects: walking through them again and again is a quarter of the time here."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def first_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port that `e` tries first: each process that runs tests has some of its own, so that none takes another's."""
    port = 10_000 + os.getpid() % 1000 * 20
    monkeypatch.setattr("socktui.tui.dialogs.DEFAULT_ENDPOINT", f"tcp://127.0.0.1:{port}")
    return port


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[Drive]:
    """A workbench on a real engine."""
    async with workbench(tmp_path) as drive:
        yield drive


@pytest.fixture
def talk(capture: Path) -> Path:
    """Socket 2 sends and 3 receives; one needle in call 12, one over the calls 62, 64, 66, one in call 116."""
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    assert canned.journal.count == 9
    for i in range(60):
        text = {1: b"a needle here", 26: b"--nee", 27: b"d", 28: b"le--", 53: b"\x00\x01Needle"}.get(i, b"hay %d" % i)
        canned.say(client, accepted, text)
    return canned.close()
