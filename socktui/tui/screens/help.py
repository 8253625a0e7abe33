"""All keys on one page."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import ClassVar, get_args

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import clamp
from textual.screen import ModalScreen
from textual.strip import Strip

from socktui.core.safe import clip, width
from socktui.tui import keys
from socktui.tui.widgets.lines import Lines, Pane

# Below this width two columns would cut the sentences.
TWO_COLUMNS = 117
SIGN_CELLS = 12

# A line of a column: the signs of a key and what it does; a heading; or nothing.
Entry = tuple[str, str]


def entries(where: keys.Where) -> list[Entry]:
    """One group of keys, with its heading and a blank line after it."""
    group = [(key.shown, key.help) for key in keys.group(where)]
    return [("", keys.TITLES[where]), *group, ("", "")] if group else []


def columns(wide: bool) -> list[list[Entry]]:
    """The groups in one column; or in two, as equal as can be without another order."""
    groups = [entries(where) for where in get_args(keys.Where)]
    if not wide:
        return [list(chain(*groups))]
    halves = [(list(chain(*groups[:i])), list(chain(*groups[i:]))) for i in range(1, len(groups))]
    return list(min(halves, key=lambda pair: max(map(len, pair))))


class KeyList(Lines):
    """The page itself."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[Entry | None, ...]] = []
        self._top = 0

    def on_resize(self) -> None:
        self._rows = list(zip_longest(*columns(self.size.width >= TWO_COLUMNS)))
        self.scroll_by(0)

    def line_key(self, y: int) -> int:
        return self._top + y

    def line(self, y: int, width: int) -> Strip:
        row = self._rows[self._top + y] if self._top + y < len(self._rows) else ()
        share = width // max(1, len(row))
        segments = [segment for entry in row for segment in self._entry(entry, share)]
        return Strip(segments).adjust_cell_length(width, self.style())

    def _entry(self, entry: Entry | None, room: int) -> list[Segment]:
        sign, text = entry or ("", "")
        left = f" {sign:<{SIGN_CELLS}}" if sign else " "
        text = clip(text, max(0, room - len(left) - 1))
        pad = " " * (room - len(left) - width(text))
        return [
            Segment(left, self.style("accent")),
            Segment(text + pad, self.style("" if sign else "strong")),
        ]

    def bar(self) -> tuple[float, float] | None:
        if len(self._rows) <= self.page:
            return None
        return self._top / len(self._rows), self.page / len(self._rows)

    def scroll_by(self, lines: int) -> None:
        self._top = clamp(self._top + lines, 0, max(0, len(self._rows) - self.page))
        self.repaint()

    def scroll_to_fraction(self, fraction: float) -> None:
        self._top = 0
        self.scroll_by(round(fraction * max(0, len(self._rows) - self.page)))


class HelpScreen(ModalScreen[None]):
    """The `?` page; it shows the whole key table."""

    BINDINGS: ClassVar = [Binding("escape,q,question_mark,f1", "leave", "Close", id="leave_help")]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;
        & > Pane { width: 120; max-width: 100%; height: 44; max-height: 100%; }
    }
    """

    def compose(self) -> ComposeResult:
        with Pane(title="Keys") as pane:
            pane.subtitle = "escape Close"
            yield KeyList()

    def action_leave(self) -> None:
        self.dismiss(None)
