"""Looking at sockets: the keys that touch no socket. It needs no engine."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from socktui.core.payload import ENCODINGS
from socktui.core.sockets import Role
from socktui.journal.reader import Reader
from socktui.tui import keys
from socktui.tui.bytelog.log_rows import LAYER_FILTERS, STAMPS, VIEWS
from socktui.tui.find import Find
from socktui.tui.format import endpoint_of
from socktui.tui.history import History
from socktui.tui.kernel import Kernel
from socktui.tui.screens.panes import Panes
from socktui.tui.widgets.findbar import FindBar
from socktui.tui.widgets.footer import FooterBar
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.sendbox import SendBox, next_of


class Viewer(Panes):
    """The panes over a capture that is written or was written; what can be done to its sockets is for a subclass."""

    BINDINGS: ClassVar = keys.bindings("everywhere")

    def __init__(self, reader: Reader, kernel: Kernel | None, history: History, teach: str) -> None:
        super().__init__(reader, kernel, teach)
        self._find_bar = FindBar(history.beside("found"), id="find")
        self._find = Find(self, self._log)
        self._footer = FooterBar()

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._find_bar
        yield self._footer

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
        self._look_through(layers=next_of(LAYER_FILTERS, self._log.lens.layers))

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
        self._show_sequence()

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
