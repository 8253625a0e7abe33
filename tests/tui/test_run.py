"""The way into the screen, and what is said after it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from socktui.journal.reader import CaptureError
from socktui.tui import run
from socktui.tui.app import SocktuiApp
from tests.tui.canned import Canned


def test_the_engine_is_launched_before_anything_slow_is_loaded() -> None:
    slow = ["asyncio", "textual", "socktui.journal.reader", "socktui.headless.session"]
    program = (
        "import sys, socktui.cli, socktui.control.launch, socktui.journal.folder, socktui.tui.run; "
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_capture_is_named_with_its_calls(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    canned = Canned(capture)
    canned.pair(canned.listener())
    canned.close()
    assert run._report(capture)
    assert capfd.readouterr().err == f"capture: {capture} (9 calls)\n"


def test_a_capture_in_which_nothing_happened_is_taken_away(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Canned(capture).close()
    assert run._report(capture)
    assert not capture.exists()
    assert capfd.readouterr().err == ""


def test_a_capture_that_was_never_made_is_not_spoken_of(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run._report(capture)
    assert capfd.readouterr().err == ""


def test_what_is_missing_is_told_and_makes_the_status_another(
    capture: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    canned = Canned(capture)
    canned.listener()
    canned.close()
    monkeypatch.setattr("socktui.journal.reader.Reader.health", property(lambda _: Lost()))
    assert not run._report(capture)
    assert capfd.readouterr().err.splitlines()[1] == "capture incomplete: 5 bytes, 2 calls not kept"


class Lost:
    """The health of a capture that is missing something."""

    whole = False
    lost_bytes, lost_calls = 5, 2


def test_a_capture_is_opened_without_an_engine(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Canned(capture).close()
    seen: list[SocktuiApp] = []

    def ran(app: SocktuiApp) -> None:
        seen.append(app)
        app._return_code = 3

    monkeypatch.setattr(SocktuiApp, "run", ran)
    assert run.open_capture(capture) == 3
    assert seen[0]._engine is None
    assert seen[0]._reader.path == capture


def test_what_is_no_capture_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        run.open_capture(tmp_path)
