"""Choosing a template from a list."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from socktui.core.safe import safe
from socktui.templates import Template
from socktui.tui.widgets.columns import Column
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.table import Cell, Table

COLUMNS = (
    Column("Template", 26, priority=9),
    Column("For", 21, priority=7, elide="middle"),
    Column("What it is", 20, priority=8, flex=True),
)


class Templates:
    """The rows of the list."""

    def __init__(self, found: Sequence[Template]) -> None:
        self._found = found

    def __len__(self) -> int:
        return len(self._found)

    def key(self, i: int) -> Hashable:
        """The row itself: the list does not change while it is open."""
        return i

    def cells(self, i: int) -> Sequence[Cell]:
        """The cells of a row: name, endpoint, and what it is about."""
        template = self._found[i]
        return [(safe(template.name), "strong"), (safe(template.endpoint), "accent"), safe(template.about)]


class ChooseTemplate(ModalScreen[Template | None]):
    """The templates there are; its result is the chosen one, or None when left."""

    BINDINGS: ClassVar = [Binding("escape,q,f7", "leave", "Close", id="leave_templates")]
    DEFAULT_CSS = """
    ChooseTemplate {
        align: center middle;
        background: $background 60%;
        & > Pane { width: 110; max-width: 100%; height: 18; max-height: 100%; }
    }
    """

    def __init__(self, found: Sequence[Template]) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        with Pane(title="Templates") as pane:
            pane.subtitle = "enter Choose · escape Close"
            yield Table(Templates(self._found), COLUMNS, empty="there are none")

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        event.stop()
        if isinstance(event.key, int):
            self.dismiss(self._found[event.key])

    def action_leave(self) -> None:
        self.dismiss(None)
