"""Looking at sockets: the panes, what is selected, and the keys that touch no socket. It needs no engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus, ScreenResume
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from socktui.core.call import errno_name
from socktui.core.payload import ENCODINGS
from socktui.core.safe import safe
from socktui.core.sockets import Role, Socket
from socktui.journal.reader import Reader
from socktui.tui import keys
from socktui.tui.blocks import SEEN, STAMPS, VIEWS
from socktui.tui.find import Find
from socktui.tui.history import History
from socktui.tui.kernel import Kernel
from socktui.tui.sources import CALLS, CONNECTIONS, LISTENING, Calls, Clock, Connections, Listening
from socktui.tui.trail import Trail
from socktui.tui.widgets.bytelog import ByteLog
from socktui.tui.widgets.findbar import FindBar
from socktui.tui.widgets.footer import FooterBar
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.sendbox import SendBox, next_of
from socktui.tui.widgets.table import Table
from socktui.tui.words import NOT_VERIFIED, endpoint_of, kind_of, label

TICK_SECONDS = 1 / 15
SLOW_SECONDS = 0.5

_SEEN_WORDS = {"clear": "in clear", "wire": "the wire", "all": "all layers"}


class Viewer(Screen[None]):
    """The panes over a capture that is written or was written; what can be done to its sockets is for a subclass."""

    BINDINGS: ClassVar = keys.bindings("everywhere")
    DEFAULT_CSS = """
    Viewer {
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

    def __init__(self, reader: Reader, kernel: Kernel | None, history: History, teach: str) -> None:
        """`kernel` tells of sockets that are alive; `teach` stands in the byte log while it is empty."""
        super().__init__()
        self.reader = reader
        self._kernel = kernel
        clock = Clock(reader)
        trail = Trail(reader)
        self._listening = Listening(reader, kernel, clock)
        self._connections = Connections(reader, kernel, clock)
        self._calls = Calls(trail)
        self._listening_table = Table(self._listening, LISTENING, empty="e starts an echo server", id="listening")
        self._connections_table = Table(
            self._connections, CONNECTIONS, follow=True, empty="c connects a client", id="connections"
        )
        self._calls_table = Table(self._calls, CALLS, follow=True, empty="none yet", id="calls")
        self._log = ByteLog(trail, self._whose, teach=teach, id="bytes")
        self._find_bar = FindBar(history.beside("found"), id="find")
        self._find = Find(self, self._log)
        self._footer = FooterBar()
        self._banner = Static(id="banner", markup=False)
        self._list = self._connections_table
        self._all = True
        self.paused = False
        self._shown = False
        self._looked_slowly = 0.0
        self._names: dict[int, str] = {}
        self._warnings: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield self._banner
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Pane(self._listening_table, title="1 Listening", id="listening-pane")
                yield Pane(self._connections_table, title="2 Connections", id="connections-pane")
                yield Pane(self._calls_table, title="4 Calls", id="calls-pane")
            with Vertical(id="right"):
                yield Pane(self._log, title="3 Bytes", id="bytes-pane")
                yield from self.below_log()
        yield self._find_bar
        yield self._footer

    def below_log(self) -> Iterator[Pane]:
        """What stands below the byte log."""
        return iter(())

    @property
    def home(self) -> Widget:
        """Where the focus is at first."""
        return self._log

    def on_mount(self) -> None:
        self.set_focus(self.home)
        self.set_interval(TICK_SECONDS, self._tick)
        self._show_news()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Show the screen again; the first time its styles are just made."""
        event.refresh_styles = event.refresh_styles and self._shown
        self._shown = True

    def on_unmount(self) -> None:
        self._find.close()

    # Messages

    def say(self, text: str, seconds: float = 5.0) -> None:
        self._footer.show(text, seconds=seconds)

    def complain(self, text: str, seconds: float = 10.0) -> None:
        self._footer.show(text, "error", seconds)

    def clear_message(self) -> None:
        """Show the keys again where a message stands."""
        self._footer.clear()

    # Looking

    def _tick(self) -> None:
        now = time.monotonic()
        slow = now - self._looked_slowly >= SLOW_SECONDS
        if slow:
            self._watch_health()
        if self.paused or getattr(self.app, "terminal_behind", False) or not self.is_current:
            return
        if self.reader.refresh() or slow or self._connections.behind:
            if slow:
                self._looked_slowly = now
            self._show_news()

    def look(self) -> None:
        """See what is new at once."""
        if not self.paused and self.is_mounted:
            self.reader.refresh()
            self._show_news()

    def _catch_up(self) -> None:
        """Know all sockets there are, and which of them are open, at whatever cost."""
        self.reader.refresh()
        for source in (self._listening, self._connections):
            source.refresh(self.reader.sockets)
        self._connections.prune(self.reader.sockets)

    @property
    def _layered(self) -> bool:
        """Whether there are layers to choose from."""
        return self._listening.layered or self._connections.layered

    def _show_news(self) -> None:
        layered = self._layered
        self._listening.refresh()
        self._connections.refresh()
        if self._layered != layered:
            self.refresh_bindings()
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
            goes_on = "; traffic goes on" if self._kernel else ""
            self.warn("lost", f"capture incomplete: {lost} not kept{why}{goes_on}")
        if health.cut:
            self.warn("cut", f"capture cut off: {health.cut} calls at its end cannot be read")

    def warn(self, about: str, text: str) -> None:
        """Say something in red that stays; one line for each thing that it is about."""
        if self._warnings.get(about) != text:
            self._warnings[about] = text
            self._banner.update(Content(safe("\n".join(self._warnings.values()))))
            self._banner.display = True

    def _whose(self, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            socket = self.reader.socket(number)
            name = label(socket)
            if socket.who or socket.role is Role.LISTENER or (socket.peer and not _waits_for_who(socket)):
                self._names[number] = name
        return name

    @property
    def selected(self) -> Socket | None:
        """The socket that verbs are about: under the cursor of the list that was used last."""
        key = self._list.cursor_key
        return self.reader.socket(key) if isinstance(key, int) else None

    def _selection_changed(self) -> None:
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
        socket = None if trail.number is None else self.reader.socket(trail.number)
        scope = "all sockets" if socket is None else self._whose(socket.number)
        pane = self.query_one("#bytes-pane", Pane)
        paused = " · PAUSED" if self.paused else ""
        pane.title = f"3 Bytes · {scope}{paused}"
        pane.alert = f" · {NOT_VERIFIED}" if socket is not None and socket.insecure else ""
        lens = f"{log.lens.view} · {log.lens.encoding}"
        if self._layered:
            lens += f" · {_SEEN_WORDS[log.lens.seen]}"
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

    @on(ByteLog.Scrolled)
    def _scrolled(self) -> None:
        self._subtitle()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("find_next", "find_previous", "end_find"):
            return self._find.pattern is not None
        return self._layered if action == "layer" else True

    def action_view(self) -> None:
        self._look_through(view=next_of(VIEWS, self._log.lens.view))

    def action_time(self) -> None:
        self._look_through(stamp=next_of(STAMPS, self._log.lens.stamp))

    def action_layer(self) -> None:
        self._look_through(seen=next_of(SEEN, self._log.lens.seen))

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
        self.paused = not self.paused
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
        if socket.role is Role.LISTENER:
            return str(endpoint_of(socket) or socket.local)
        return f"{socket.scheme or socket.netid}://{socket.peer}"

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
            self.query(SendBox).add_class("-maximized")

    def _unmaximize(self) -> None:
        self.remove_class("-maximized")
        self.query(".-maximized").remove_class("-maximized")

    def action_jump(self, where: str) -> None:
        self._unmaximize()
        self.set_focus(self.query_one(f"#{where}"))  # at once: the next key may be there already

    # Finding

    def reach(self, seq: int) -> None:
        """See the calls up to one that there is; a pause that hides it is over."""
        self.look()
        if self.paused and seq >= self.reader.count:
            self.action_pause()

    def action_find(self) -> None:
        self._find_bar.open(self._log.lens.encoding)

    def action_find_next(self) -> None:
        self._find.go(backward=False)

    def action_find_previous(self) -> None:
        self._find.go(backward=True)

    def action_end_find(self) -> None:
        if self._find.running:
            self._find.stop()
            self.say("stopped looking")
        else:
            self._find.look_for(None)
            self.clear_message()

    @on(FindBar.Asked)
    def _asked(self, event: FindBar.Asked) -> None:
        self._log.focus()
        if event.pattern:
            self._find.look_for(event.pattern)
        if self._find.pattern:
            self._find.go(backward=False)

    @on(FindBar.Left)
    def _left_find_bar(self) -> None:
        self._log.focus()

    def action_help(self) -> None:
        from socktui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())


def _waits_for_who(socket: Socket) -> bool:
    """Whether the process at the other end is going to be known."""
    kind = kind_of(socket)
    return socket.open and kind is not None and kind.form == "path"
