"""One question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from socktui.core.safe import safe


class Confirm(ModalScreen[bool]):
    """Asks before something that cannot be taken back. `danger` makes it red, and takes an enter for a no:

    the enter of the dialog before may have been pressed twice.
    """

    BINDINGS: ClassVar = [
        Binding("y", "answer(True)", "Yes", id="yes"),
        Binding("n,escape", "answer(False)", "No", id="no"),
        Binding("enter", "enter", "Yes, unless it is dangerous", id="enter"),
    ]
    DEFAULT_CSS = """
    Confirm {
        align: center middle;
        background: $background 60%;
        & > Vertical {
            width: 60;
            max-width: 100%;
            height: auto;
            background: $panel;
            border: round $primary;
            border-title-style: bold;
            padding: 1 2 0 2;
            &.-danger { border: round $error; border-title-color: $text-error; }
        }
        Static { width: 1fr; height: auto; }
        #confirm-hint { margin-top: 1; text-align: right; color: $foreground 55%; }
    }
    """

    def __init__(self, sentence: str, *, title: str = "Sure?", danger: bool = False) -> None:
        super().__init__()
        self._sentence = sentence
        self._heading = title
        self._danger = danger

    def compose(self) -> ComposeResult:
        with Vertical(classes="-danger" if self._danger else "") as box:
            box.border_title = Content(safe(self._heading))
            yield Static(Content(safe(self._sentence)))
            hint = "y Yes · n/enter/escape No" if self._danger else "y/enter Yes · n/escape No"
            yield Static(Content(hint), id="confirm-hint")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    def action_enter(self) -> None:
        self.dismiss(not self._danger)
