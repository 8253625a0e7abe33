"""The panes over a capture: what stands in them, and what is new there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from socktui.core.call import errno_name
from socktui.core.sockets import Role, Socket
from socktui.host.watch import Watch
from socktui.journal.reader import Reader
from socktui.tui.bytelog.byte_log import ByteLog
from socktui.tui.call_sequence import CallSequence
from socktui.tui.format import NOT_VERIFIED, kind_of, label
from socktui.tui.lists import CALLS, CONNECTIONS, LISTENING, Calls, Clock, Connections, Listening
from socktui.tui.screens.base import BaseScreen
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.table import Table

SLOW_SECONDS = 0.5
"""How often the panes are looked at anew where nothing was written: ages grow, and the kernel's queues change."""

_LAYER_WORDS = {"clear": "in clear", "wire": "the wire", "all": "all layers"}


class Panes(BaseScreen):
    """Shows sockets, their calls and bytes as they come; what a key does is for a subclass."""

    DEFAULT_CSS = """
    Panes {
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

    def __init__(self, reader: Reader, watch: Watch | None, teach: str, screens: Sequence[str] = ()) -> None:
        """`watch` tells of sockets that are alive; `teach` stands in the byte log while it is empty."""
        super().__init__(screens)
        self.reader = reader
        self._watch = watch
        self._snapshot = watch.snapshot if watch else None
        clock = Clock(reader)
        sequence = CallSequence(reader)
        self._listening = Listening(reader, watch, clock)
        self._connections = Connections(reader, watch, clock)
        self._calls = Calls(sequence)
        self._listening_table = Table(self._listening, LISTENING, empty="e starts an echo server", id="listening")
        self._connections_table = Table(
            self._connections, CONNECTIONS, follow=True, empty="c connects a client", id="connections"
        )
        self._calls_table = Table(self._calls, CALLS, follow=True, empty="none yet", id="calls")
        self._log = ByteLog(sequence, self._whose, teach=teach, id="bytes")
        self._list = self._connections_table
        self._all = True
        self.paused = False
        self._looked_slowly = 0.0
        self._names: dict[int, str] = {}
        self._lost_bytes = 0

    def body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Pane(self._listening_table, title="1 Listening", id="listening-pane")
                yield Pane(self._connections_table, title="2 Connections", id="connections-pane")
                yield Pane(self._calls_table, title="4 Calls", id="calls-pane")
            with Vertical(id="right"):
                yield Pane(self._log, title="3 Bytes", id="bytes-pane")
                yield from self.below_log()

    def below_log(self) -> Iterator[Pane]:
        """What stands below the byte log."""
        return iter(())

    @property
    def home(self) -> Widget:
        """Where the focus is at first."""
        return self._log

    def on_mount(self) -> None:
        self._show_news()

    # Looking

    def tick(self) -> None:
        now = time.monotonic()
        slow = now - self._looked_slowly >= SLOW_SECONDS
        if slow:
            self._watch_health()
        if self.paused or not self.watched:
            return
        snapshot = self._watch.snapshot if self._watch else None
        if self.reader.refresh() or slow or self._connections.behind or snapshot is not self._snapshot:
            self._snapshot = snapshot
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
        self._calls.sequence.refresh()
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
            goes_on = "; traffic goes on" if self._watch else ""
            self.warn("lost", f"capture incomplete: {lost} not kept{why}{goes_on}")
        if health.lost_bytes != self._lost_bytes:
            self._lost_bytes = health.lost_bytes
            self._log.look(self._log.lens)  # bytes that were read from the ring before may be among them
        if health.cut:
            self.warn("cut", f"capture cut off: {health.cut} calls at its end cannot be read")

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
            self._show_sequence()

    def _show_sequence(self) -> None:
        socket = None if self._all else self.selected
        number = socket.number if socket else None
        if number == self._log.sequence.number:
            return
        sequence = CallSequence(self.reader, number)
        self._calls.sequence = sequence
        self._calls_table.set_source(self._calls)
        self._log.show(sequence)
        self._subtitle()

    def _subtitle(self) -> None:
        log, sequence = self._log, self._log.sequence
        socket = None if sequence.number is None else self.reader.socket(sequence.number)
        scope = "all sockets" if socket is None else self._whose(socket.number)
        pane = self.query_one("#bytes-pane", Pane)
        paused = " · PAUSED" if self.paused else ""
        pane.title = f"3 Bytes · {scope}{paused}"
        pane.alert = f" · {NOT_VERIFIED}" if socket is not None and socket.insecure else ""
        lens = f"{log.lens.view} · {log.lens.encoding}"
        if self._layered:
            lens += f" · {_LAYER_WORDS[log.lens.layers]}"
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


def _waits_for_who(socket: Socket) -> bool:
    """Whether the process at the other end is going to be known."""
    kind = kind_of(socket)
    return socket.open and kind is not None and kind.form == "path"
