"""A virtual list: a million rows cost what ten do, and a changed cell costs one line."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple, Protocol

from rich.segment import Segment
from rich.style import Style
from textual.geometry import clamp
from textual.message import Message
from textual.strip import Strip

from socktui.core.safe import width
from socktui.tui.widgets.columns import GAP, Column, arrange, fit
from socktui.tui.widgets.lines import Lines

CellStyle = Literal["good", "warn", "bad", "dim", "accent", "strong"]
Cell = str | tuple[str, CellStyle]

GUTTER = 1


class Source(Protocol):
    """Where the rows come from.

    A source that can also find a row by its key has a method `index(key) -> int | None`. Without it
    the cursor is only followed within a page of where it was.
    """

    def __len__(self) -> int: ...

    def key(self, i: int) -> Hashable:
        """What names the row, wherever it stands."""
        ...

    def cells(self, i: int) -> Sequence[Cell]:
        """One cell for each column, each already safe to print."""
        ...


class Row(NamedTuple):
    """What a line shows: lines with equal rows look equal."""

    cells: tuple[Cell, ...]
    cursor: Literal["", "cursor", "cursor-blurred"] = ""
    marked: bool = False


class Table(Lines):
    """Rows of a source under a header, with a cursor that stays on its row and with marks.

    Call `refresh_rows()` whenever the source may have changed: only lines that look different are painted.
    """

    class Moved(Message):
        """The cursor came to another row; None when there is no row."""

        def __init__(self, table: Table, key: Hashable | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            return self.table

    class Chosen(Message):
        """Enter, or a double click."""

        def __init__(self, table: Table, key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            return self.table

    def __init__(
        self,
        source: Source,
        columns: Sequence[Column],
        *,
        follow: bool = False,
        empty: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`follow`: stick to the last row until the cursor moves up. `empty`: what to say without rows."""
        super().__init__(id=id, classes=classes)
        self.source = source
        self.columns = tuple(columns)
        self.empty = empty
        self.marked: set[Hashable] = set()
        self.following = follow
        self._follow = follow
        self._layout: list[tuple[int, int]] = []
        self._shown: list[Row | str | None] = []
        self._count = 0
        self._top = 0
        self._cursor = 0
        self._cursor_key: Hashable | None = None

    # What the app asks and tells

    @property
    def cursor(self) -> int:
        """Number of the cursor's row."""
        return self._cursor

    @property
    def cursor_key(self) -> Hashable | None:
        """Key of the cursor's row; None when there are no rows."""
        return self._cursor_key

    @property
    def follow(self) -> bool:
        """Whether it sticks to the last row until the cursor moves up."""
        return self._follow

    @follow.setter
    def follow(self, on: bool) -> None:
        self._follow = self.following = on
        self.refresh_rows()

    def set_source(self, source: Source) -> None:
        """Show other rows, from the top (or from the end when following)."""
        self.source = source
        self.following = self._follow
        # A key of the old source may mean another row in this one.
        self._top = self._cursor = 0
        had, self._cursor_key = self._cursor_key, None
        self.refresh_rows()
        if had is not None and self._cursor_key is None:
            self.post_message(self.Moved(self, None))

    def select(self, key: Hashable) -> bool:
        """Put the cursor on the row of this key; False if there is none."""
        at = self._find(key)
        if at is not None:
            self.move_to(at)
        return at is not None

    def move_to(self, row: int) -> None:
        """Put the cursor on this row, or on the nearest there is, and show it."""
        self._count = len(self.source)
        self._set_cursor(row, self._count)
        self.following = self._follow and self._cursor >= self._count - 1
        self._top = clamp(self._top, self._cursor - max(0, self.page - 1), self._cursor)
        self._paint_changes()

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or take its mark away."""
        if self._cursor_key is not None:
            self.marked ^= {self._cursor_key}
            self.refresh_rows()

    def refresh_rows(self) -> None:
        """Look at the source again and repaint the lines that look different."""
        self._count = len(self.source)
        if self.following:
            self._set_cursor(self._count - 1, self._count)
            self._top = self._last_top
        else:
            self._hold_cursor()
        self._paint_changes()

    # Cursor

    @property
    def _last_top(self) -> int:
        return max(0, self._count - self.page)

    def _set_cursor(self, row: int, count: int) -> None:
        self._cursor = clamp(row, 0, max(0, count - 1))
        key = self.source.key(self._cursor) if count else None
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.Moved(self, key))

    def _hold_cursor(self) -> None:
        """Rows came or went: keep the cursor on its key, and the view where it was around the cursor."""
        was = self._cursor
        now = None if self._cursor_key is None else self._find(self._cursor_key)
        self._set_cursor(was if now is None else now, self._count)
        # At the very top new rows come into view, unless they would push the cursor out of it.
        if now is not None and (self._top > 0 or self._cursor >= self.page):
            self._top += self._cursor - was

    def _find(self, key: Hashable) -> int | None:
        count = len(self.source)
        if self._cursor < count and self.source.key(self._cursor) == key:
            return self._cursor
        index: Callable[[Hashable], int | None] | None = getattr(self.source, "index", None)
        if index is not None:
            return index(key)
        near = range(max(0, self._cursor - self.page), min(count, self._cursor + self.page + 1))
        return next((i for i in near if self.source.key(i) == key), None)

    # Painting: lines are made from what was read last, never from the source

    def _paint_changes(self) -> None:
        self._top = clamp(self._top, 0, self._last_top)
        before, self._shown = self._shown, [self._look(y) for y in range(self.size.height)]
        if self._widened():
            self._layout = arrange(self.columns, self.line_width - GUTTER)
            self.invalidate()
        self.refresh_lines([y for y, look in enumerate(self._shown) if y >= len(before) or look != before[y]])
        self.refresh_bar()

    def _widened(self) -> bool:
        """Make columns that grow as wide as what is shown in them; whether any had to be."""
        before = self.columns
        for i, column in enumerate(before):
            if column.grows:
                cells = (look.cells[i] for look in self._shown if isinstance(look, Row) and i < len(look.cells))
                most = max((width(cell if isinstance(cell, str) else cell[0]) for cell in cells), default=0)
                if most > column.width:
                    self.columns = (*self.columns[:i], replace(column, width=most), *self.columns[i + 1 :])
        return self.columns is not before

    def _look(self, y: int) -> Row | str | None:
        """What line y is to show: a row, a line of text, or nothing."""
        if y < self.head:
            return Row(tuple(column.name for column in self.columns))
        i = self._top + y - self.head
        if i < self._count:
            here = i == self._cursor
            cursor: Literal["cursor", "cursor-blurred"] = "cursor" if self.has_focus else "cursor-blurred"
            marked = bool(self.marked) and self.source.key(i) in self.marked
            return Row(tuple(self.source.cells(i)), cursor if here else "", marked)
        if not self._count:
            said = self.empty.split("\n")
            return said[y - self.head] if y - self.head < len(said) else None
        return None

    def line_key(self, y: int) -> Hashable | None:
        return (y < self.head, self._shown[y] if y < len(self._shown) else None)

    def line(self, y: int, width: int) -> Strip:
        look = self._shown[y] if y < len(self._shown) else None
        if look is None:
            return Strip.blank(width, self.style())
        if isinstance(look, str):
            return Strip([Segment(fit(" " + look, width), self.style("dim"))], width)
        return self._row_strip(look, width, base="header" if y < self.head else "")

    def _row_strip(self, row: Row, width: int, base: str) -> Strip:
        pieces = [("accent" if row.marked else base, "*" if row.marked else " ")]
        for place, (i, cells) in enumerate(self._layout):
            cell = row.cells[i] if i < len(row.cells) else ""
            text, style = (cell, base) if isinstance(cell, str) else cell
            pieces += [(base, " " * GAP)] if place else []
            pieces.append((style, fit(text, cells, self.columns[i].align, self.columns[i].elide)))
        segments = [
            Segment("".join(text for _, text in run), self._cell_style(style, row.cursor))
            for style, run in groupby(pieces, key=lambda piece: piece[0])
        ]
        strip = Strip(segments)
        return strip.adjust_cell_length(width, self._cell_style("", row.cursor))

    def _cell_style(self, style: str, cursor: str) -> Style:
        # Colours would be hard to read on the strong cursor.
        return self.style(cursor) if cursor == "cursor" else self.style(style, on=cursor)

    def on_resize(self) -> None:
        in_view = self._top <= self._cursor < self._top + max(1, len(self._shown) - self.head)
        self.head = 1 if self.size.height >= 3 else 0
        self._layout = arrange(self.columns, self.line_width - GUTTER)
        if in_view:
            self._top = clamp(self._top, self._cursor - max(0, self.page - 1), self._cursor)
        self.refresh_rows()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh_rows()

    # Scrolling and keys

    def bar(self) -> tuple[float, float] | None:
        if self._count <= self.page:
            return None
        return self._top / self._count, self.page / self._count

    def scroll_by(self, lines: int) -> None:
        self._show_from(self._top + lines)

    def scroll_to_fraction(self, fraction: float) -> None:
        self._show_from(round(fraction * self._last_top))

    def _show_from(self, top: int) -> None:
        """Move the view and leave the cursor; at the end of the rows following begins again."""
        self._top = clamp(top, 0, self._last_top)
        self.following = self._follow and self._top == self._last_top
        self.refresh_rows()

    def clicked(self, y: int, x: int, double: bool) -> None:
        row = self._top + y - self.head
        if self.head <= y and row < self._count:
            self.move_to(row)
            if double:
                self.action_choose()

    def action_cursor_down(self) -> None:
        self.move_to(self._cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_to(self._cursor - 1)

    def action_half_down(self) -> None:
        self._page_by(max(1, self.page // 2))

    def action_half_up(self) -> None:
        self._page_by(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        self._page_by(max(1, self.page - 1))

    def action_page_up(self) -> None:
        self._page_by(-max(1, self.page - 1))

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(len(self.source) - 1)

    def action_choose(self) -> None:
        if self._cursor_key is not None:
            self.post_message(self.Chosen(self, self._cursor_key))

    def _page_by(self, rows: int) -> None:
        """Cursor and view move together, so that the cursor keeps its place on the screen."""
        self._top = clamp(self._top + rows, 0, self._last_top)
        self.move_to(self._cursor + rows)
