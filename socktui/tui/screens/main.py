"""The screen: what listens, what is connected, every byte, every call, and the box to type into."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.start import Start
from socktui.core.call import errno_name
from socktui.core.payload import ENCODINGS, PayloadError
from socktui.core.safe import safe
from socktui.core.sockets import Role, Socket
from socktui.journal.reader import Reader
from socktui.tui import keys
from socktui.tui.blocks import STAMPS, VIEWS
from socktui.tui.history import History
from socktui.tui.kernel import Kernel
from socktui.tui.palette import Run, commands
from socktui.tui.screens.help import HelpScreen
from socktui.tui.sources import CALLS, CONNECTIONS, LISTENING, Calls, Clock, Connections, Listening, label
from socktui.tui.trail import Trail
from socktui.tui.verbs import Verbs
from socktui.tui.widgets.bytelog import ByteLog
from socktui.tui.widgets.footer import FooterBar
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.sendbox import SendBox, Target, next_of
from socktui.tui.widgets.table import Table

TICK_SECONDS = 1 / 15
SLOW_SECONDS = 0.5

TEACH = """\

Nothing has happened yet. Two keys to begin with:

  e  start an echo server on 127.0.0.1, port 5005
  c  connect a client to it, then type

What you send and what comes back stands here, byte
by byte, with the calls that carried it.

Listening    sockets that wait for connections
Connections  both ends of every conversation
Calls        what was asked of the kernel, and
             what it answered

  ?  all keys         ^q  leave"""

ENGINE_KEYS = frozenset(
    {
        "echo_server", "client", "listen", "connect_to", "close", "half_close", "reset", "mark",
        "receive_buffer", "clear_closed", "pause", "follow",
    }
)  # fmt: skip


class Main(Screen[None]):
    """The one screen of the workbench, live on an engine or still on a capture."""

    BINDINGS: ClassVar = keys.bindings("everywhere")
    DEFAULT_CSS = """
    Main {
        layout: vertical;
        #banner { height: auto; background: $error; color: $text; text-style: bold; padding: 0 1; display: none; }
        #panes { height: 1fr; }
        #left { width: 35%; min-width: 36; }
        #right { width: 1fr; }
        #listening-pane { height: 1fr; min-height: 5; max-height: 12; }
        #connections-pane { height: 2fr; }
        #calls-pane { height: 2fr; }
        &.-maximized Pane { display: none; }
        &.-maximized Pane.-maximized { display: block; height: 1fr !important; max-height: 100% !important; }
        &.-maximized SendBox.-maximized { height: 4 !important; }
        &.-maximized Vertical { display: none; }
        &.-maximized Vertical.-maximized { display: block; width: 1fr !important; }
    }
    """

    def __init__(self, reader: Reader, engine: Engine | None, history: History, start: Start | None = None) -> None:
        super().__init__()
        self.reader = reader
        self._engine = engine
        self._start = start
        self._kernel = Kernel() if engine else None
        clock = Clock(reader)
        trail = Trail(reader)
        self._listening = Listening(reader, self._kernel, clock)
        self._connections = Connections(reader, self._kernel, clock)
        self._calls = Calls(trail)
        self._listening_table = Table(self._listening, LISTENING, empty="e starts an echo server", id="listening")
        self._connections_table = Table(
            self._connections, CONNECTIONS, follow=True, empty="c connects a client", id="connections"
        )
        self._calls_table = Table(self._calls, CALLS, follow=True, empty="none yet", id="calls")
        teach = TEACH if engine else "\nNo bytes moved in this capture."
        self._log = ByteLog(trail, self._whose, teach=teach, id="bytes")
        self._box = SendBox(history, id="send")
        self._footer = FooterBar()
        self._banner = Static(id="banner", markup=False)
        self._verbs = Verbs(self, engine) if engine else None
        self._list = self._connections_table
        self._all = True
        self._paused = False
        self._looked_slowly = 0.0
        self._names: dict[int, str] = {}

    def compose(self) -> ComposeResult:
        yield self._banner
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Pane(self._listening_table, title="1 Listening", id="listening-pane")
                yield Pane(self._connections_table, title="2 Connections", id="connections-pane")
                yield Pane(self._calls_table, title="4 Calls", id="calls-pane")
            with Vertical(id="right"):
                yield Pane(self._log, title="3 Bytes", id="bytes-pane")
                if self._engine:
                    yield self._box
        yield self._footer

    def on_mount(self) -> None:
        self._box.addressed(self._addressed)
        (self._listening_table if self._engine else self._log).focus()
        self.set_interval(TICK_SECONDS, self._tick)
        if self._engine:
            self._watch_engine()
            if self._start:
                self._begin(self._start)
        self._show_news()

    def on_unmount(self) -> None:
        if self._kernel:
            self._kernel.close()

    @work
    async def _begin(self, start: Start) -> None:
        assert self._engine
        try:
            number = await start.carry_out(self._engine)
        except VerbError as error:
            self.complain(error.text, seconds=0)
            return
        if start.verb == "connect":
            self.connected(number)
        else:
            self.chose(number)

    @work
    async def _watch_engine(self) -> None:
        assert self._engine
        await self._engine.gone.wait()
        self._warn("the engine has ended; what it captured is kept. ctrl+r starts a new one")
        self.refresh_bindings()

    # What the verbs tell

    def say(self, text: str) -> None:
        self._footer.show(text)

    def complain(self, text: str, seconds: float = 10.0) -> None:
        self._footer.show(text, "error", seconds)

    def clear_message(self) -> None:
        """Show the keys again where a message stands."""
        self._footer.clear()

    def chose(self, number: int) -> None:
        """A listener was made: go to its row."""
        self._go_on()
        self._catch_up()
        self.look()
        self._list = self._listening_table
        self._listening_table.select(number)
        self._listening_table.focus()

    def connected(self, number: int) -> None:
        """A connection was made: go to its row, and type."""
        self._go_on()
        self._catch_up()
        self.look()
        self._list = self._connections_table
        self._connections_table.select(number)
        self._box.aim("one")
        self._selection_changed()
        self._unmaximize()
        self._box.type()

    def _go_on(self) -> None:
        """End a pause: what the user made is not on the screen before that, and cannot be selected."""
        if self._paused:
            self.action_pause()

    def not_sent(self, text: str, typed: str) -> None:
        self.complain(text)
        self._box.restore(typed)

    @property
    def peers(self) -> int:
        """How many connections are open, by the kernel's count where it matters: at the end."""
        if self._engine is None or self._engine.gone.is_set():
            return 0
        self._catch_up()
        return self._connections.open_count()

    def listening_ports(self) -> set[int]:
        """The ports that are taken."""
        return self._kernel.ports() if self._kernel else set()

    # Looking

    def _tick(self) -> None:
        now = time.monotonic()
        slow = now - self._looked_slowly >= SLOW_SECONDS
        if self._paused or getattr(self.app, "terminal_behind", False) or not self.is_current:
            return
        if self.reader.refresh() or slow or self._connections.behind:
            if slow:
                self._looked_slowly = now
            self._show_news()

    def look(self) -> None:
        """See what is new at once."""
        if not self._paused and self.is_mounted:
            self.reader.refresh()
            self._show_news()

    def _catch_up(self) -> None:
        """Know all sockets there are, and which of them are open, at whatever cost."""
        self.reader.refresh()
        for source in (self._listening, self._connections):
            source.refresh(self.reader.sockets)
        self._connections.prune(self.reader.sockets)

    def _show_news(self) -> None:
        self._listening.refresh()
        self._connections.refresh()
        self._connections.prune()
        self._calls.trail.refresh()
        self._listening_table.refresh_rows()
        self._connections_table.refresh_rows()
        self._calls_table.refresh_rows()
        self._log.grow()
        self._subtitle()
        self._watch_health()

    def _watch_health(self) -> None:
        health = self.reader.health
        if not health.whole:
            why = f" ({errno_name(health.disk_errno)})" if health.disk_errno else ""
            lost = f"{health.lost_bytes} bytes" + (f", {health.lost_calls} calls" if health.lost_calls else "")
            self._warn(f"capture incomplete: {lost} not kept{why}; traffic goes on")

    def _warn(self, text: str) -> None:
        self._banner.update(Content(safe(text)))
        self._banner.display = True

    def _whose(self, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            socket = self.reader.socket(number)
            name = label(socket)
            if socket.peer or socket.role is Role.LISTENER:
                self._names[number] = name
        return name

    @property
    def selected(self) -> Socket | None:
        """The socket that verbs are about: under the cursor of the list that was used last."""
        key = self._list.cursor_key
        return self.reader.socket(key) if isinstance(key, int) else None

    @property
    def _listener(self) -> Socket | None:
        """The listener that clients go to: the selected one, or the newest that is open."""
        key = self._listening_table.cursor_key
        socket = self.reader.socket(key) if isinstance(key, int) else None
        if socket is not None and socket.open:
            return socket
        return next((each for each in self._listening.newest_first() if each.open and each.role is Role.LISTENER), None)

    def _selection_changed(self) -> None:
        self._box.addressed(self._addressed)
        if not self._all:
            self._show_trail()

    def _show_trail(self) -> None:
        socket = None if self._all else self.selected
        number = socket.number if socket else None
        if number == self._log.trail.number:
            return
        trail = Trail(self.reader, number)
        self._calls.trail = trail
        self._calls_table.set_source(self._calls)
        self._log.show(trail)
        self._subtitle()

    def _subtitle(self) -> None:
        log, trail = self._log, self._log.trail
        scope = "all sockets" if trail.number is None else self._whose(trail.number)
        pane = self.query_one("#bytes-pane", Pane)
        paused = " · PAUSED" if self._paused else ""
        pane.title = f"3 Bytes · {scope}{paused}"
        lens = f"{log.lens.view} · {log.lens.encoding}"
        calls = "calls" if log.below > 1 else "call"
        pane.subtitle = f"↓ {log.below} new {calls} below · f follows · {lens}" if log.below else lens
        open_ones = self._connections.open_count()
        self.query_one("#connections-pane", Pane).subtitle = f"{open_ones} open of {len(self._connections)}"

    @on(DescendantFocus)
    def _focused(self) -> None:
        focused = self.focused
        if isinstance(focused, Table) and focused is not self._calls_table and focused is not self._list:
            self._list = focused
            self._selection_changed()

    @on(Table.Moved)
    def _moved(self, event: Table.Moved) -> None:
        if event.table is self._list:
            self._selection_changed()

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        if not self._engine:
            return
        if event.table is self._calls_table:
            return
        self._list = event.table
        self._box.aim("all" if event.table is self._listening_table else "one")
        self._selection_changed()
        self._unmaximize()
        self._box.type()

    @on(ByteLog.Scrolled)
    def _scrolled(self) -> None:
        self._subtitle()

    @on(SendBox.Left)
    def _left(self) -> None:
        # The box is only seen together with the log while a pane is maximized.
        (self._log if self.has_class("-maximized") else self._list).focus()

    # Sending

    def _recipients(self, target: Target) -> list[int]:
        socket = self.selected
        if target == "marked":
            return self._marked()
        if socket is None:
            return []
        if target == "one":
            return [socket.number] if socket.role is not Role.LISTENER else []
        listener = socket.number if socket.role is Role.LISTENER else socket.parent
        return self._connections.open_of(listener) if listener else []

    def _marked(self) -> list[int]:
        marked = sorted(key for key in self._connections_table.marked if isinstance(key, int))
        return [number for number in marked if self.reader.socket(number).open]

    def _addressed(self, target: Target) -> str:
        socket = self.selected
        match target:
            case "marked":
                return f"Send to the {len(self._marked())} marked"
            case "all":
                listener = socket.number if socket and socket.role is Role.LISTENER else socket.parent if socket else 0
                return f"Send to all clients of {self._whose(listener)}" if listener else "Send to all: no listener"
            case "one":
                if socket is None or socket.role is Role.LISTENER:
                    return "Send: select a connection"
                return f"Send to {label(socket)}"

    @on(SendBox.Sent)
    def _send(self, event: SendBox.Sent) -> None:
        numbers = self._recipients(self._box.settings.target)
        if self._verbs is None or not numbers:
            self.not_sent("nobody to send to: select a connection, or choose others with f4", event.typed)
            return
        self._verbs.send(event.payload, numbers, event.typed)

    def action_repeat(self) -> None:
        if self._verbs is None:
            return
        try:
            payload = self._box.payload()
        except PayloadError as error:
            self.complain(error.message)
            return
        numbers = self._recipients(self._box.settings.target)
        if not numbers or not (payload.data or payload.file):
            self.complain("type what is to be repeated, to a connection that is selected")
            return
        self.app.push_screen(self._verbs.repeat(payload, numbers))

    def commands(self) -> Iterator[tuple[keys.Key, Run]]:
        """What the palette offers."""
        return commands(self, self._box)

    # Keys: sockets

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "stop_repeat":
            return self._verbs is not None and self._verbs.repeating
        if action == "jump" and parameters == ("send",):
            return self._engine is not None
        return self._engine is not None or action not in ENGINE_KEYS

    @work
    async def action_echo_server(self) -> None:
        if self._verbs:
            await self._verbs.echo_server()

    @work
    async def action_client(self) -> None:
        if not self._verbs:
            return
        if listener := self._listener:
            await self._verbs.client(listener)
        else:
            self.app.push_screen(self._verbs.connect_to(None))

    def action_listen(self) -> None:
        if self._verbs:
            self.app.push_screen(self._verbs.listen())

    def action_connect_to(self) -> None:
        if self._verbs:
            self.app.push_screen(self._verbs.connect_to(self._listener))

    def action_close(self) -> None:
        self._on_selected("close")

    def action_half_close(self) -> None:
        self._on_selected("shutdown")

    def action_reset(self) -> None:
        self._on_selected("reset")

    @work
    async def _on_selected(self, verb: str) -> None:
        socket = self.selected
        if socket is None:
            self.complain("no socket is selected: e starts a server, c a client")
        elif self._verbs:
            await self._verbs.simple(verb, socket)
            self.look()

    def action_receive_buffer(self) -> None:
        socket = self.selected
        if socket is None or not socket.open:
            self.complain("select a listener or a connection that is open")
        elif self._verbs:
            self.app.push_screen(self._verbs.receive_buffer(socket))

    @work
    async def action_stop_repeat(self) -> None:
        if self._verbs:
            await self._verbs.stop()

    def action_clear_closed(self) -> None:
        gone = self._listening.clear() + self._connections.clear()
        self._connections_table.marked &= set(self._marked())
        self.look()
        self.say(f"{gone} closed sockets taken off the lists; their bytes and calls stay" if gone else "none is closed")

    def action_mark(self) -> None:
        if self.focused is self._connections_table:
            self._connections_table.toggle_mark()
            self._connections_table.action_cursor_down()
        else:
            self.complain("marks are for connections: 2 goes there")
        self._box.addressed(self._addressed)

    # Keys: the view

    def action_view(self) -> None:
        self._look_through(view=next_of(VIEWS, self._log.lens.view))

    def action_time(self) -> None:
        self._look_through(stamp=next_of(STAMPS, self._log.lens.stamp))

    def action_encoding(self) -> None:
        self._look_through(encoding=next_of(ENCODINGS, self._log.lens.encoding))

    def _look_through(self, **changes: str) -> None:
        self._log.look(replace(self._log.lens, **changes))  # type: ignore[arg-type]
        self._subtitle()

    def action_follow(self) -> None:
        on = not self._log.following
        self._log.follow(on)
        self._calls_table.follow = on
        self._subtitle()

    def action_all(self) -> None:
        self._all = not self._all
        if not self._all and self.selected is None:
            self._all = True
            self.complain("no socket is selected")
        self._show_trail()

    def action_pause(self) -> None:
        self._paused = not self._paused
        self._subtitle()
        self.look()

    def action_copy_row(self) -> None:
        text = self._copied()
        if not text:
            self.complain("nothing to copy here")
            return
        self.app.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.say(f"copied {lines} line{'s' if lines > 1 else ''}, {len(text)} characters, to the terminal's clipboard")

    def _copied(self) -> str:
        if self.focused is self._log:
            return self._log.copied()
        if self.focused is self._calls_table:
            count = len(self._calls)
            return str(self._calls.line(self._calls_table.cursor)) if count else ""
        socket = self.selected
        if socket is None:
            return ""
        return f"{socket.netid}://{socket.local if socket.role is Role.LISTENER else socket.peer}"

    def action_maximize(self) -> None:
        if self.has_class("-maximized"):
            self._unmaximize()
            return
        around = self.focused.ancestors_with_self if self.focused else ()
        pane = next((each for each in around if isinstance(each, Pane)), None)
        if pane is None or not isinstance(pane.parent, Widget):
            return
        self.add_class("-maximized")
        pane.add_class("-maximized")
        pane.parent.add_class("-maximized")
        if pane.id == "bytes-pane":
            self._box.add_class("-maximized")

    def _unmaximize(self) -> None:
        self.remove_class("-maximized")
        self.query(".-maximized").remove_class("-maximized")

    def action_jump(self, where: str) -> None:
        self._unmaximize()
        if where == "send":
            self._box.type()
        else:
            self.query_one(f"#{where}").focus()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())
