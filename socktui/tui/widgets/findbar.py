"""The find bar: one line in which the bytes to find are typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from socktui.core.payload import PayloadError
from socktui.journal.matching import Pattern, PatternError
from socktui.tui import keys
from socktui.tui.history import History
from socktui.tui.outgoing import MODES, Mode, payload_of
from socktui.tui.widgets.typed import About, TypedBox, TypedInput, next_of

FIND_MODES: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "file")


class FindInput(TypedInput):
    """The line of the bar."""

    # By this id the footer and a keymap know what enter does here.
    BINDINGS: ClassVar = [Binding("enter", "submit", "Find", show=False, id="look")]


class FindBar(TypedBox, Horizontal):
    """Asks for a pattern. It is there from open() until enter or escape."""

    PLACEHOLDERS: ClassVar[Mapping[Mode, str]] = {
        "text": "what to find",
        "escapes": r"text with \r \n \x00",
        "hex": "48 65 6c, or 0x48,0x65",
    }
    BINDINGS: ClassVar = keys.bindings(keys.group("find"))
    DEFAULT_CSS = """
    FindBar {
        height: 1;
        display: none;
        background: $surface;
        & > Static { width: auto; padding: 0 1; }
        & > #find-label { color: $text-accent; text-style: bold; }
        & > About { max-width: 60%; }
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
        self.line = FindInput(history)
        self.about = About()
        self._ignore_case = False

    def compose(self) -> ComposeResult:
        yield Static("Find", id="find-label")
        yield self.line
        yield self.about

    def open(self, encoding: str) -> None:
        """Ask; text is to be found in an encoding."""
        self.display = True
        self.change(encoding=encoding)
        self.line.focus()

    def pattern(self) -> Pattern:
        """What is typed. Raises PayloadError and PatternError."""
        return Pattern(payload_of(self.line.value, self.settings).data, self._ignore_case)

    # Keys

    def action_look(self) -> None:
        try:
            pattern = self.pattern() if self.line.value else None
        except (PayloadError, PatternError) as error:
            self.say(str(error), error=True)
            return
        self.line.remember()
        self.display = False
        self.post_message(self.Asked(pattern))

    def action_leave(self) -> None:
        self.display = False
        self.post_message(self.Left())

    def action_pattern_mode(self) -> None:
        self.change(mode=next_of(FIND_MODES, self.settings.mode))

    def action_ignore_case(self) -> None:
        self._ignore_case = not self._ignore_case
        self.show()

    def action_older_pattern(self) -> None:
        self.line.older()

    def action_newer_pattern(self) -> None:
        self.line.newer()

    # What is shown

    def submit(self) -> None:
        self.action_look()

    def show(self) -> None:
        super().show()
        parts = [self.settings.mode, "any case" if self._ignore_case else "exact case"]
        if self.settings.mode != "hex":
            parts.insert(1, self.settings.encoding)
        try:
            size = len(self.pattern().data) if self.line.value else 0
        except (PayloadError, PatternError) as error:
            self.say(str(error), error=True)
            return
        if size:
            parts.append(f"{size} byte{'s' if size > 1 else ''}")
        self.say(" · ".join(parts))
