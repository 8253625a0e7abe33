"""A workbench that stands still: a capture made by hand, an engine and a kernel that say what they are told.

Nothing in it depends on the time, on the machine, or on sockets that are there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Input

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Answer, Connected, Verb
from socktui.core.sockets import Role, Socket
from socktui.host.rows import Row
from socktui.host.watch import Snapshot
from socktui.tui.app import SocktuiApp
from tests.tui.canned import MONOTONIC, MS
from tests.tui.drive import Drive, running

NOWHERE = ("", 0)


class StillEngine:
    """An engine that makes nothing, and answers every verb with the same."""

    def __init__(self, capture: Path) -> None:
        self.capture = capture
        self.up = asyncio.Event()
        self.gone = asyncio.Event()
        self.answer: VerbError | int = 1
        self.notes: dict[int, str] = {}

    @property
    def pid(self) -> int:
        return 0

    async def attach(self) -> asyncio.Future[None]:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ready.set_result(None)
        self.up.set()
        return ready

    async def end(self) -> None:
        pass

    async def listen(self, *args: Any, **options: Any) -> int:
        return self._answer()

    async def connect(self, *args: Any, **options: Any) -> int:
        return self._answer()

    async def request(self, verb: Verb[Answer]) -> Answer:
        return Connected(self._answer())

    def begin(self, verb: Verb[Answer]) -> tuple[int, asyncio.Future[Answer]]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if isinstance(self.answer, VerbError):
            future.set_exception(self.answer)
        return 1, future

    def _answer(self) -> int:
        if isinstance(self.answer, VerbError):
            raise self.answer
        return self.answer


class StillWatch:
    """A watch that has seen every socket in the state that its calls tell."""

    queues: tuple[int, int] = (0, 0)

    def __init__(self, pid: int = 0) -> None:
        self.snapshot = Snapshot()

    def start(self) -> None:
        pass

    def fresh(self) -> Snapshot:
        return self.snapshot

    def close(self) -> None:
        pass


def still_row(watch: StillWatch | None, socket: Socket) -> Row | None:
    """In place of `kernel_row()`."""
    if watch is None or (socket.datagrams and socket.parent):
        return None
    queues = (0, socket.backlog) if socket.role is Role.LISTENER else watch.queues
    return Row(str(socket.state), NOWHERE, NOWHERE, *queues, 0)


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, in UTC, and colours are those of a good terminal."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    monkeypatch.setattr("socktui.tui.screens.workbench.Watch", StillWatch)
    monkeypatch.setattr("socktui.tui.lists.kernel_row", still_row)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)  # it blinks
    monkeypatch.setattr("socktui.tui.dialogs.DEFAULT_ENDPOINT", "tcp://127.0.0.1:5005")
    still = SimpleNamespace(
        monotonic_ns=lambda: MONOTONIC + 90_000 * MS, strftime=time.strftime, localtime=time.localtime
    )
    monkeypatch.setattr("socktui.tui.lists.time", still)


@contextlib.asynccontextmanager
async def still(capture: Path, size: tuple[int, int]) -> AsyncIterator[tuple[Drive, StillEngine]]:
    """The workbench on a capture, as if an engine had just made it."""
    engine = StillEngine(capture)
    likeness: Any = engine
    assert set(vars(StillEngine)) - {"_answer"} <= set(vars(Engine)) | {"__dict__", "__weakref__"}
    async with running(SocktuiApp(likeness, history=capture.parent / "history"), size) as drive:
        yield drive, engine
