"""The find bar: one line in which the bytes to find are typed."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from socktui.core.payload import PayloadError
from socktui.core.safe import safe
from socktui.journal.matching import Pattern, PatternError
from socktui.tui import keys
from socktui.tui.history import History
from socktui.tui.outgoing import MODES, Mode, Settings, payload_of
from socktui.tui.widgets.sendbox import next_of
from socktui.tui.widgets.typed import TypedInput

FIND_MODES: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "file")

_PLACEHOLDERS = {
    "text": "what to find",
    "escapes": r"text with \r \n \x00",
    "hex": "48 65 6c, or 0x48,0x65",
}


class FindInput(TypedInput):
    """The line of the bar."""

    # By this id the footer and a keymap know what enter does here.
    BINDINGS: ClassVar = [Binding("enter", "submit", "Find", show=False, id="look")]


class FindBar(Horizontal):
    """Asks for a pattern. It is there from open() until enter or escape."""

    BINDINGS: ClassVar = keys.bindings(keys.group("find"))
    DEFAULT_CSS = """
    FindBar {
        height: 1;
        display: none;
        background: $surface;
        & > Static { width: auto; padding: 0 1; }
        & > #find-label { color: $text-accent; text-style: bold; }
        & > #find-settings { max-width: 60%; color: $foreground 55%; }
        & > #find-settings.error { color: $text-error; }
        & > Input, & > Input:focus { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    }
    """

    class Asked(Message):
        """Enter: this is to be found; where nothing was typed, what was asked for last."""

        def __init__(self, pattern: Pattern | None) -> None:
            super().__init__()
            self.pattern = pattern

    class Left(Message):
        """Escape."""

    def __init__(self, history: History, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._input = FindInput(history)
        self._told = Static(id="find-settings", markup=False)
        self._settings = Settings()
        self._ignore_case = False

    def compose(self) -> ComposeResult:
        yield Static("Find", id="find-label")
        yield self._input
        yield self._told

    def open(self, encoding: str) -> None:
        """Ask; text is to be found in an encoding."""
        self.display = True
        self._set(encoding=encoding)
        self._input.focus()

    def pattern(self) -> Pattern:
        """What is typed. Raises PayloadError and PatternError."""
        return Pattern(payload_of(self._input.value, self._settings).data, self._ignore_case)

    # Keys

    def action_look(self) -> None:
        typed = self._input.value
        try:
            pattern = self.pattern() if typed else None
        except (PayloadError, PatternError) as error:
            self._say(str(error), error=True)
            return
        self._input.remember()
        self.display = False
        self.post_message(self.Asked(pattern))

    def action_leave(self) -> None:
        self.display = False
        self.post_message(self.Left())

    def action_pattern_mode(self) -> None:
        self._set(mode=next_of(FIND_MODES, self._settings.mode))

    def action_ignore_case(self) -> None:
        self._ignore_case = not self._ignore_case
        self._show()

    def action_older_pattern(self) -> None:
        self._input.older()

    def action_newer_pattern(self) -> None:
        self._input.newer()

    # What is shown

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_look()

    def on_typed_input_pasted(self, event: TypedInput.Pasted) -> None:
        event.stop()
        mode = self._input.take(event.text, self._settings.mode)
        self._set(mode=mode)

    def _set(self, **changes: str) -> None:
        self._settings = replace(self._settings, **changes)  # type: ignore[arg-type]
        self._show()

    def _show(self) -> None:
        self._input.placeholder = _PLACEHOLDERS[self._settings.mode]
        parts = [self._settings.mode, "any case" if self._ignore_case else "exact case"]
        if self._settings.mode != "hex":
            parts.insert(1, self._settings.encoding)
        try:
            size = len(self.pattern().data) if self._input.value else 0
        except (PayloadError, PatternError) as error:
            self._say(str(error), error=True)
            return
        if size:
            parts.append(f"{size} byte{'s' if size > 1 else ''}")
        self._say(" · ".join(parts))

    def _say(self, text: str, *, error: bool = False) -> None:
        self._told.update(Content(safe(text)))
        self._told.set_class(error, "error")
