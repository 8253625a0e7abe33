"""The rows of the byte log as styled segments, exactly as wide as the log. The colours say what the bytes are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from socktui.core.rows import Kind, Row, plain
from socktui.core.safe import clip, width
from socktui.tui.bytelog.log_rows import GUTTER, Heading, LogRow

NOT_KEPT = "these bytes were not kept"

_STYLE_OF_KIND = {
    Kind.OFFSET: "dim",
    Kind.GAP: "",
    Kind.PLAIN: "",
    Kind.SPACE: "dim",
    Kind.CONTROL: "control",
    Kind.NUL: "dim",
    Kind.HIGH: "high",
    Kind.BAD: "bad",
    Kind.FILL: "dim",
}
_ARROWS = {"sent": "→", "received": "←", "event": "─", "failed": "✗"}
_WAYS = {True: "sent", False: "received"}


class RowStyles:
    """Styles rows in the colours of a theme. `style` gives the one of a name; each has a background."""

    def __init__(self, style: Callable[[str], Style]) -> None:
        self._plain = style("")
        self._dim = style("dim")
        self._failed = style("failed")
        self._ground = Style(bgcolor=style("cursor-blurred").bgcolor, bold=True)
        self._ways = {way: style(way) for way in _ARROWS}
        self._kinds = [style(_STYLE_OF_KIND[kind]) for kind in Kind]
        self._gutters = {sends: (f"{_ARROWS[way]} ", self._ways[way]) for sends, way in _WAYS.items()}

    def row(self, row: LogRow, sends: bool, room: int) -> Iterable[Segment]:
        """The segments of a row in `room` cells; `sends` says whether its call does."""
        if isinstance(row, Heading):
            return self._heading(row, room)
        gutter, way = self._gutters[sends]
        if row is None:
            note = [Segment(gutter, way), Segment(NOT_KEPT, self._failed)]
            return filled(note, GUTTER + len(NOT_KEPT), room, self._plain)
        left = room - GUTTER - width(plain(row))
        segments = self._runs(gutter, way, [*row, (Kind.GAP, " " * left)] if left > 0 else row)
        return segments if left >= 0 else Strip(segments).adjust_cell_length(room)

    def under_cursor(self, segments: Iterable[Segment]) -> list[Segment]:
        """The same segments on the background of the cursor: only that changes, for the colours have a meaning."""
        return [Segment(text, (style or self._plain) + self._ground) for text, style, _ in segments]

    def _runs(self, gutter: str, way: Style, row: Row) -> list[Segment]:
        """A row behind its gutter. Neighbours of one style are one segment; blanks join any."""
        segments: list[Segment] = []
        styles, text, last = self._kinds, gutter, way
        for kind, more in row:
            style = styles[kind]
            if style is last or more.isspace():
                text += more
            else:
                segments.append(Segment(text, last))
                text, last = more, style
        segments.append(Segment(text, last))
        return segments

    def _heading(self, row: Heading, room: int) -> Iterable[Segment]:
        left = f"{row.stamp} "
        text = clip(row.text, max(0, room - len(left) - 2))
        used = len(left) + 2 + width(text)
        # The label of the socket: in full, or only its number, or not at all.
        left_over = room - used - 2
        label = row.label
        taken = width(label)
        if taken > left_over:
            label = label.partition(" ")[0]
            taken = width(label)
            if taken > left_over:
                label, taken = "", 0
        gap = max(1, left_over + 1 - taken)
        segments = [
            Segment(left, self._dim),
            Segment(f"{_ARROWS[row.way]} {text}", self._ways[row.way]),
            Segment(f"{' ' * gap}{label} ", self._dim),
        ]
        return filled(segments, used + gap + taken + 1, room, self._plain)


def filled(segments: list[Segment], used: int, room: int, style: Style) -> Iterable[Segment]:
    """Segments that take `used` cells, cut or padded to exactly `room`."""
    if used > room:
        return Strip(segments).adjust_cell_length(room)
    return [*segments, Segment(" " * (room - used), style)] if used < room else segments
