"""The application: it owns the engine and the screens, and ends both in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import signal
import termios
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.journal import folder
from socktui.journal.reader import CaptureError, Reader
from socktui.tui import deferred
from socktui.tui.history import History, default_path
from socktui.tui.screens.base import BaseScreen
from socktui.tui.screens.viewer import Viewer
from socktui.tui.screens.workbench import Workbench
from socktui.tui.widgets.strip import ScreenStrip

if TYPE_CHECKING:
    from socktui.control.start import Start

TERMINAL_SECONDS = 0.5

COLLECTOR = 10_000, 20, 50
"""How seldom the garbage collector looks through what has come after the first paint."""

LAST_SECONDS = 3.0
"""How long a signal leaves for the end."""


class SocktuiApp(App[None]):
    """The workbench on an engine, or on a capture that is only looked at."""

    TITLE = "socktui"
    DEFAULT_MODE = Workbench.TITLE
    """Each screen is the root of a mode of its own, so that the dialogs above it stay with it."""

    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        reader: Reader | None = None,
        start: Start | None = None,
        history: Path | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self._engine = engine
        self.captures = [engine.capture] if engine else []
        self._reader = reader or Reader(self.captures[0], coming=True)
        self._start = start
        self._history = History(history or default_path())
        self._workbench: Viewer | None = None
        self._quitting = False
        self.farewell = ""

    async def on_load(self) -> None:
        await self._let_through()

    async def _let_through(self) -> None:
        """Let verbs through to the engine, which may be starting yet."""
        if self._engine is not None:
            ready = await self._engine.attach()
            ready.add_done_callback(partial(self._engine_is_up, self._reader))

    def _engine_is_up(self, reader: Reader, ready: asyncio.Future[None]) -> None:
        """Read the capture that is there now: before any verb is answered, whose socket is looked for in it."""
        if ready.cancelled():
            return
        try:
            ready.result()
            reader.begin()
        except (VerbError, CaptureError) as error:
            self.farewell = str(error)
            self.call_after_refresh(self.exit, return_code=1)  # a screen that is being made cannot be taken away

    # Screens

    @property
    def screens(self) -> Mapping[str, Callable[[], BaseScreen]]:
        """The screens there are, by their names and in the order of the strip, and what makes each."""
        return {Workbench.TITLE: self._new_workbench}

    def get_default_screen(self) -> BaseScreen:
        return self._new_workbench(self._start)

    def _new_workbench(self, start: Start | None = None) -> Viewer:
        names = tuple(self.screens)
        if self._engine:
            self._workbench = Workbench(self._reader, self._engine, self._history, start, names)
        else:
            self._workbench = Viewer(self._reader, self._history, screens=names)
        return self._workbench

    @on(ScreenStrip.Chosen)
    async def _go_to_screen(self, event: ScreenStrip.Chosen) -> None:
        await self.switch_mode(event.name)

    def on_mount(self) -> None:
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(each, lambda number, _: self._signalled(number, loop))
            self.set_interval(TERMINAL_SECONDS, self._watch_terminal)
        first = self.screen
        first._push_result_callback(first, None)  # Textual gives its first none, and switch_screen() takes one off
        for name, make in self.screens.items():
            self.add_mode(name, make)
        self.call_after_refresh(self._painted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "restart":
            return self._engine is not None and self._engine.gone.is_set()
        return super().check_action(action, parameters)

    def action_restart(self) -> None:
        # A worker of the application: those of the screen end with it.
        self.run_worker(self._restart(), exclusive=True)

    async def _restart(self) -> None:
        """A new engine and a new capture in place of an engine that has ended."""
        assert self._engine is not None
        ended, reader = self._engine, self._reader
        self._engine = ended.successor(folder.new_path())
        self.captures.append(self._engine.capture)
        self._reader = Reader(self._engine.capture, coming=True)
        await self._let_through()
        await ended.end()
        await self.switch_mode(Workbench.TITLE)
        await self.switch_screen(self._new_workbench())
        reader.close()

    async def action_quit(self) -> None:
        """Leave; ask first where peers are connected."""
        if self._quitting:
            return
        peers = self._workbench.peers if isinstance(self._workbench, Workbench) else 0
        if not peers:
            await self._leave()
            return
        from socktui.tui.screens.confirm import Confirm

        many = f"{peers} connections are" if peers > 1 else "One connection is"
        self._quitting = True

        def answered(yes: bool | None) -> None:
            self._quitting = False
            if yes:
                self.run_worker(self._leave())

        self.push_screen(Confirm(f"{many} open. Say goodbye and leave?", title="Quit"), answered)

    async def _leave(self) -> None:
        self.exit()

    async def on_unmount(self) -> None:
        if self._engine is not None:
            await self._engine.end()
            self._reader.close()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action that works now, the other screens, and Textual's choice of a theme."""
        if isinstance(screen, BaseScreen):
            for key, run in screen.commands():
                yield SystemCommand(f"{key.label} ({key.shown.split()[0]})", key.help, run)
            for number, note in self._engine.notes.items() if self._engine else ():
                yield SystemCommand(f"About #{number}", "What there is to say of it.", partial(screen.say, note, 0))
            for name in self.screens:
                if name != screen.TITLE:
                    yield SystemCommand(name, "Go to this screen.", partial(self.switch_mode, name))
        yield SystemCommand("Theme", "Choose the colours.", self.action_change_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those that have something to do: every colour here is the theme's, and in 24 bits already."""
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]

    def _signalled(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        """End in order, or else at once: a terminal that has stopped reading would hold up the goodbye for ever.

        No handler of the event loop, for the loop may be held up by the terminal already.
        """
        last = threading.Timer(LAST_SECONDS, self._give_up, (128 + number,))
        last.daemon = True
        last.start()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._killed, number)

    def _give_up(self, status: int) -> None:
        """End without the screen's goodbye. The engine closes the capture by itself."""
        attributes = getattr(self._driver, "attrs_before", None)
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, attributes)
        os._exit(status)

    def _killed(self, number: int) -> None:
        self.exit(return_code=128 + number)

    def _watch_terminal(self) -> None:
        """A terminal that is gone without a SIGHUP (nohup) would be read for ever."""
        poll = select.poll()
        try:
            poll.register(0, select.POLLHUP)
            gone = any(events & (select.POLLHUP | select.POLLNVAL | select.POLLERR) for _, events in poll.poll(0))
        except OSError:
            gone = True
        if gone:
            self._killed(signal.SIGHUP)

    def _painted(self) -> None:
        """Load what keys need, before one is pressed (`deferred.py`).

        What is there by now stays: to walk through it again and again would cost frames of 100 ms.
        """
        deferred.load()
        if not self.is_headless:
            gc.collect()
            gc.freeze()
            gc.enable()
            gc.set_threshold(*COLLECTOR)
