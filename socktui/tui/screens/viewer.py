"""A capture that is looked at: the keys that touch no socket. It needs no engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.widget import Widget

from socktui.core.payload import ENCODINGS
from socktui.core.safe import safe
from socktui.core.sockets import Role
from socktui.host.watch import Watch
from socktui.journal.matching import Pattern
from socktui.journal.reader import CaptureError, Reader
from socktui.journal.search import BytePosition, Hit, Scope
from socktui.tui import keys
from socktui.tui.bytelog.log_rows import LAYER_FILTERS, STAMPS, VIEWS
from socktui.tui.find import Finder, Found, Nothing, Progress
from socktui.tui.format import endpoint_of
from socktui.tui.history import History
from socktui.tui.palette import Place as KeyPlace
from socktui.tui.screens.panes import Panes
from socktui.tui.widgets.findbar import FindBar
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.sendbox import SendBox
from socktui.tui.widgets.typed import next_of

FINDS_ASKED = 50
"""How often a key that finds may be pressed before the first search is over."""

NO_BYTES = "\nNo bytes moved in this capture."


class Viewer(Panes):
    """The panes over a capture that is written or was written; what can be done to its sockets is for a subclass."""

    TITLE = "Workbench"
    OWN_KEYS = keys.group("workbench", engine=False)
    BINDINGS: ClassVar = keys.bindings(OWN_KEYS)

    def __init__(
        self,
        reader: Reader,
        history: History,
        *,
        watch: Watch | None = None,
        teach: str = NO_BYTES,
        screens: Sequence[str] = (),
    ) -> None:
        super().__init__(reader, watch, teach, screens)
        self._find_bar = FindBar(history.beside("found"), id="find")
        self._finder = Finder(reader.path)
        self._pattern: Pattern | None = None
        self._finds: deque[bool] = deque(maxlen=FINDS_ASKED)
        self._hit: Hit | None = None
        self._stood: BytePosition | None = None

    def body(self) -> ComposeResult:
        yield from super().body()
        yield self._find_bar

    def on_unmount(self) -> None:
        self._finder.close()

    def places(self) -> Iterator[KeyPlace]:
        yield from super().places()
        if self._find_bar.display:
            yield keys.group("find"), self._find_bar

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("find_next", "find_previous", "end_find"):
            return self._pattern is not None
        return self._layered if action == "layer" else super().check_action(action, parameters)

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

    @property
    def finding(self) -> bool:
        """Whether a search is under way."""
        return bool(self._finds)

    def action_find(self) -> None:
        self._find_bar.open(self._log.lens.encoding)

    def action_find_next(self) -> None:
        self._find(backward=False)

    def action_find_previous(self) -> None:
        self._find(backward=True)

    def action_end_find(self) -> None:
        if self.finding:
            self._stop_finding()
            self.say("stopped looking")
        else:
            self._look_for(None)
            self.clear_message()

    @on(FindBar.Asked)
    def _asked(self, event: FindBar.Asked) -> None:
        self._log.focus()
        if event.pattern:
            self._look_for(event.pattern)
        if self._pattern:
            self._find(backward=False)

    @on(FindBar.Left)
    def _left_find_bar(self) -> None:
        self._log.focus()

    def _look_for(self, pattern: Pattern | None) -> None:
        """Look for something else from now on, or for nothing."""
        self._stop_finding()
        self._pattern, self._hit = pattern, None
        self._log.mark(pattern)
        self.refresh_bindings()

    def _stop_finding(self) -> None:
        self.workers.cancel_group(self, "find")
        self._finds.clear()

    def _find(self, *, backward: bool) -> None:
        """Find the next match, or the one before, and show it; after those that were asked for before."""
        running = self.finding
        self._finds.append(backward)
        if not running:
            self._run_finds()

    @work(group="find")
    async def _run_finds(self) -> None:
        while self._finds:
            standing = self._log.standing
            if self._pattern is None or standing is None:
                self._finds.clear()
                self.say("there are no bytes to look through yet")
                return
            try:
                await self._find_from(self._pattern, standing, self._finds[0])
            except (CaptureError, OSError) as error:
                self._finds.clear()
                self.complain(str(error))
            if self._finds:
                self._finds.popleft()

    async def _find_from(self, pattern: Pattern, standing: BytePosition, backward: bool) -> None:
        """Find once, from the row where the log stands or from the match that was shown there."""
        scope = self._scope
        if self._hit and standing == self._stood:
            start = self._hit.end
        else:
            start = standing if backward else BytePosition(standing.seq, standing.offset - 1)
        search = self._finder.look(pattern, scope, start, backward=backward, count=self._visible)
        async for report in search:
            match report:
                case Progress(percent):
                    self.say(f"looking … {percent} % · esc stops", seconds=0)
                case Nothing():
                    self._finds.clear()
                    self.say("not found")
                case Found() if scope != self._scope:
                    self.say("found, but the log shows others by now: n looks there")
                case Found(hit, wrapped):
                    self._show_hit(hit, wrapped, backward)

    @property
    def _scope(self) -> Scope:
        """What the log shows, as a search knows it."""
        return Scope(self._log.sequence.number, self._log.lens.layers)

    def _visible(self) -> int | None:
        """How many calls can be found: during a pause what is not seen is not found."""
        return self.reader.count if self.paused else None

    def _show_hit(self, hit: Hit, wrapped: bool, backward: bool) -> None:
        self.reach(hit.end.seq)
        self._log.go_to(BytePosition(hit.seq, hit.offset))
        self._hit, self._stood = hit, self._log.standing
        end = "no more above: from the end" if backward else "no more below: from the top"
        socket = self.reader.call(hit.seq).socket
        parts = [end if wrapped else "", f"found in call {hit.seq}", f"socket {socket}"]
        self.say(safe(" · ".join(part for part in parts if part)))

    def reach(self, seq: int) -> None:
        """See the calls up to one that there is; a pause that hides it is over."""
        self.look()
        if self.paused and seq >= self.reader.count:
            self.action_pause()
