"""Driving the workbench as a person does: keys are pressed, the screen is read, sockets and journal are looked at.

A key is sent and the widgets' queues are waited for. `pilot.press` waits for an idle processor instead, which
takes 40 ms a key on an idle machine and a second on a busy one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from textual import events
from textual.geometry import Region
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from socktui.control.client import Engine
from socktui.core.call import Call, Function
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from socktui.tui.app import SocktuiApp
from socktui.tui.bytelog.byte_log import ByteLog
from socktui.tui.screens.viewer import Viewer
from socktui.tui.screens.workbench import Workbench
from socktui.tui.widgets.footer import FooterBar
from socktui.tui.widgets.lines import Lines, Pane
from socktui.tui.widgets.sendbox import SendBox
from socktui.tui.widgets.table import Table
from tests.support import SECONDS, until

T = TypeVar("T")

SIZE = (120, 36)
ROUNDS = 20
_CHARS = {"space": " "}


class Drive:
    """A running workbench, and the hands and eyes of a test on it."""

    def __init__(self, app: SocktuiApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self._journal: Reader | None = None

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    # Hands

    async def press(self, *names: str) -> None:
        """Press keys, by the names that Textual gives them or by their characters."""
        for name in names:
            key = _character_to_key(name) if len(name) == 1 and not name.isalnum() else name
            event = events.Key(key, name if len(name) == 1 else _CHARS.get(name))
            event.set_sender(self.app)
            self.app.post_message(event)
            await self.settle()

    async def settle(self) -> None:
        """Wait until every widget has read its messages, and those that these lead to."""
        quiet = 0
        for _ in range(ROUNDS):
            await self.pilot._wait_for_screen()
            nodes = [self.app, *self.app.screen.walk_children(with_self=True)] if self.app._running else []
            quiet = quiet + 1 if all(node._message_queue.empty() for node in nodes) else 0
            if quiet == 2:
                break

    async def type(self, text: str) -> None:
        """Put a text into the input that has the focus, as if typed, and press enter."""
        await until(lambda: isinstance(self.app.focused, Input))
        box = self.app.focused
        assert isinstance(box, Input)
        box.value = text
        await self.settle()
        await self.press("enter")

    async def paste(self, text: str) -> None:
        focused = self.app.focused
        assert focused is not None
        focused.post_message(events.Paste(text))
        await self.settle()

    # Eyes

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait until the screen, which looks by itself, has seen what the sockets did."""
        found = await until(condition)
        await self.settle()
        return found

    async def sees(self, *texts: str) -> str:
        """Wait until all texts stand on the screen; what else stands there."""
        end = time.monotonic() + SECONDS
        while True:
            lines = self.lines
            shown, said = "\n".join(lines), self._in_dialog(lines)
            if all(text in shown or text in said for text in texts):
                break
            assert time.monotonic() < end, f"not seen: {texts}\n{shown}"
            # To look costs more than to ask a socket.
            await asyncio.sleep(0.02)
        await self.settle()
        return self.text

    @property
    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _in_dialog(self, lines: list[str]) -> str:
        """What stands in a dialog as one line, without its frame: sentences may take several lines."""
        children = self.app.screen.children
        box = children[0].region if children else Region()
        inner = [line[box.x : box.right].strip(" │┃") for line in lines[box.y : box.bottom]]
        return " ".join(line for line in inner if line)

    def rows(self, pane: Lines) -> list[str]:
        """The lines of a list or log, without what stands beside it."""
        return [strip.text for strip in pane.render_lines(Region(0, 0, *pane.size))]

    def row(self, pane: Lines, part: str) -> str:
        """The only line of a list or log in which a text stands."""
        (line,) = [line for line in self.rows(pane) if part in line]
        return line

    # Parts

    @property
    def main(self) -> Viewer:
        return next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, Viewer))

    @property
    def peers(self) -> int:
        """How many connections are open, as the program counts them when it is asked to end."""
        assert isinstance(self.main, Workbench)
        return self.main.peers

    @property
    def journal(self) -> Reader:
        """What the sockets did, whatever the screen has seen of it. A reader of our own: the screen's is its own."""
        path = self.main.reader.path
        if self._journal is None or self._journal.path != path:
            self._journal = Reader(path)
        self._journal.refresh()
        return self._journal

    @property
    def engine(self) -> Engine:
        assert self.app._engine is not None
        return self.app._engine

    @property
    def log(self) -> ByteLog:
        return self.main.query_one(ByteLog)

    @property
    def listening(self) -> Table:
        return self.main.query_one("#listening", Table)

    @property
    def connections(self) -> Table:
        return self.main.query_one("#connections", Table)

    @property
    def calls(self) -> Table:
        return self.main.query_one("#calls", Table)

    @property
    def box(self) -> SendBox:
        return self.main.query_one(SendBox)

    @property
    def footer(self) -> str:
        bar = self.main.query_one(FooterBar)
        return " ".join(bar.render_line(y).text.strip() for y in range(bar.size.height))

    def pane(self, name: str) -> Pane:
        return self.main.query_one(f"#{name}-pane", Pane)

    # Sockets

    def socket(self, number: int) -> Socket:
        return self.journal.socket(number)

    def sockets(self) -> list[Socket]:
        journal = self.journal
        return [journal.socket(number) for number in range(1, journal.sockets + 1)]

    def made(self, number: int, name: Function) -> list[Call]:
        """The calls of one name on a socket, oldest first."""
        journal = self.journal
        calls = (journal.call(seq) for seq in range(journal.count))
        return [call for call in calls if call.socket == number and call.name is name]

    def carried(self, number: int, name: Function) -> bytes:
        return b"".join(self.journal.data(call) or b"" for call in self.made(number, name))

    def listed(self, number: int) -> bool:
        """Whether a socket stands in the list of connections."""
        source = self.connections.source
        return any(source.key(i) == number for i in range(len(source)))

    async def known(self, count: int) -> None:
        """Wait until the screen has so many sockets in its lists."""
        await self.until(lambda: len(self.listening.source) + len(self.connections.source) >= count)

    async def server(self) -> int:
        """Press e; the port."""
        before = self.journal.sockets
        await self.press("e")
        await self.until(lambda: self.journal.sockets > before and self.listening.cursor_key == self.journal.sockets)
        return int(self.socket(self.journal.sockets).local.rpartition(":")[2])

    async def client(self) -> tuple[int, int]:
        """Press c; the numbers of the client and of the accepted socket."""
        before = self.journal.sockets
        await self.press("c")
        await self.until(lambda: self._typing and self.listed(before + 2))
        await self.until(lambda: all(self.socket(number).peer for number in (before + 1, before + 2)))
        client, accepted = sorted((before + 1, before + 2), key=lambda number: self.socket(number).parent)
        return client, accepted

    async def pair(self) -> tuple[int, int]:
        """A server and a client of it, with the focus in the send box; client and accepted."""
        await self.server()
        return await self.client()

    @property
    def _typing(self) -> bool:
        return isinstance(self.app.focused, Input) and self.app.screen is self.main


@contextlib.asynccontextmanager
async def workbench(folder: Path, size: tuple[int, int] = SIZE, **options: Any) -> AsyncIterator[Drive]:
    """The workbench on an engine of its own, which has surely ended afterwards."""
    engine = Engine(folder / "c.socktui")
    app = SocktuiApp(engine, history=folder / "history", **options)
    try:
        async with running(app, size) as drive:
            yield drive
    finally:
        await engine.end()


@contextlib.asynccontextmanager
async def opened(capture: Path, size: tuple[int, int] = SIZE) -> AsyncIterator[Drive]:
    """The workbench on a capture that is only looked at."""
    with Reader(capture) as reader:
        app = SocktuiApp(reader=reader, history=capture.parent / "history")
        async with running(app, size) as drive:
            yield drive


@contextlib.asynccontextmanager
async def running(app: SocktuiApp, size: tuple[int, int] = SIZE) -> AsyncIterator[Drive]:
    async with app.run_test(size=size) as pilot:
        drive = Drive(app, pilot)
        await drive.until(lambda: isinstance(app.screen, Viewer) and app.screen.is_mounted and app.focused is not None)
        await drive.until(lambda: app._engine is None or app._engine.up.is_set())
        try:
            yield drive
        finally:
            drive.close()
