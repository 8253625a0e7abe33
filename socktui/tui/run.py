"""The way into the screen. The engine was launched before anything slow is imported here: it boots meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from socktui.core.safe import safe

if TYPE_CHECKING:
    from socktui.control.launch import Launch
    from socktui.control.start import Start


def run(launch: Launch, start: Start | None = None) -> int:
    """The workbench on an engine that is starting, with what `start` says made already; the exit status."""
    from socktui.control.client import Engine
    from socktui.control.log import start_beside
    from socktui.tui.app import SocktuiApp

    start_beside(launch.log, "screen", launch.log_level)
    app = SocktuiApp(Engine(launch.capture, launch=launch), start=start)
    app.run()
    if app.farewell:
        _say(app.farewell)
    whole = [_report(each) for each in app.captures]
    return app.return_code or (0 if all(whole) else 1)


def open_capture(path: Path) -> int:
    """A capture in the same panes, without an engine; the exit status. Raises CaptureError."""
    from socktui.journal.reader import Reader
    from socktui.tui.app import SocktuiApp

    with Reader(path) as reader:
        app = SocktuiApp(reader=reader)
        app.run()
        return app.return_code or 0


def _report(capture: Path) -> bool:
    """Say where the capture is, and what it is missing: whether it is whole.

    One in which nothing happened is taken away.
    """
    from socktui.journal.reader import CaptureError, Reader

    try:
        with Reader(capture) as reader:
            calls, health = reader.count, reader.health
    except CaptureError:
        return True  # it was never made, and that was said already
    if not calls:
        with contextlib.suppress(OSError):
            shutil.rmtree(capture)
        return True
    _say(f"capture: {capture} ({calls} calls)")
    if not health.whole:
        _say(f"capture incomplete: {health.lost_bytes} bytes, {health.lost_calls} calls not kept")
    return health.whole


def _say(text: str) -> None:
    """One line for a person, who may have gone."""
    with contextlib.suppress(OSError):
        os.write(2, f"{safe(text)}\n".encode(sys.stderr.encoding if sys.stderr else "utf-8", "backslashreplace"))
