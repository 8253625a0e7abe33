"""The byte log: every byte that moved, in hex and text, however many there are.

Nothing counts rows from the beginning, so a paint costs what is visible, anywhere in a capture, under any lens and for
any socket.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.message import Message

from socktui.core.call import Call
from socktui.journal.matching import Pattern
from socktui.journal.search import BytePosition, Span
from socktui.tui.bytelog.cursor import RowPosition, RowWalker
from socktui.tui.bytelog.highlights import Highlighter, highlighted
from socktui.tui.bytelog.log_rows import GUTTER, PAGE, Lens, LogRow, copied, pages, rows
from socktui.tui.bytelog.page_layout import PageLayout, page_layout
from socktui.tui.bytelog.row_styles import RowStyles, filled
from socktui.tui.call_sequence import CallSequence
from socktui.tui.widgets.lines import Lines

PAGES = 256
"""Pages whose rows are kept: more than a screen ever shows."""


class ByteLog(Lines):
    """Shows a sequence through a lens, with a cursor on a row. It follows the newest row until the user moves away.

    lens    how the bytes are shown; look() changes it
    walker  of its rows
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--sent",
        "lines--received",
        "lines--event",
        "lines--failed",
        "lines--control",
        "lines--high",
        "lines--found",
    }
    DEFAULT_CSS = """
    ByteLog {
        & > .lines--sent { color: $text-success; text-style: bold; }
        & > .lines--received { color: $text-primary; text-style: bold; }
        & > .lines--event { color: $foreground 55%; }
        & > .lines--failed { color: $text-error; text-style: bold; }
        & > .lines--control { color: $text-warning; }
        & > .lines--high { color: $text-accent; }
        & > .lines--found { color: $background; background: $warning; }
        &:ansi > .lines--event { text-style: dim; }
        &:ansi > .lines--found { color: ansi_black; background: ansi_yellow; }
    }
    """

    class Scrolled(Message, bubble=False):
        """Posted to the screen when the user, or a new size, moved the view; not by grow(), whose caller knows."""

    def __init__(
        self, sequence: CallSequence, label_of: Callable[[int], str], *, teach: str = "", id: str | None = None
    ) -> None:
        """`label_of` gives the label of a socket by its number; `teach` is shown while there are no rows."""
        super().__init__(id=id)
        self._sequence = sequence
        self._label_of = label_of
        self._teach = teach.split("\n")
        self.lens = Lens()
        self._grown_to = 0
        self._known = 0
        self.following = True
        self._top: RowPosition | None = None
        self._cursor: RowPosition | None = None
        self._screen: list[RowPosition] = []
        self._cells = 0
        self._row_styles: RowStyles | None = None
        self._pages: dict[tuple[int, int, bool], Sequence[LogRow]] = {}
        self.walker = RowWalker(sequence, self._rows, self._page_count)
        self._highlighter = Highlighter()

    # For the screen

    @property
    def sequence(self) -> CallSequence:
        """The calls that are shown; show() changes them."""
        return self._sequence

    @property
    def following(self) -> bool:
        """Whether it follows the newest row."""
        return self._following

    @following.setter
    def following(self, on: bool) -> None:
        self._following = on
        if on:
            self._known = len(self._sequence)

    def show(self, sequence: CallSequence) -> None:
        """Show another sequence, from its end."""
        self._sequence = sequence
        self.walker = RowWalker(sequence, self._rows, self._page_count)
        self._grown_to = 0
        self._top = self._cursor = None
        self.following = True
        self._pages.clear()
        self.grow()
        self.invalidate()

    def look(self, lens: Lens) -> None:
        """Look through another lens; the same calls stay in view."""
        self.lens = lens
        self._pages.clear()
        self._top = self.walker.fitting(self._top)
        self._cursor = self.walker.fitting(self._cursor)
        if self.following:
            self._to_end()
        else:
            self._settle()
        self.invalidate()

    def grow(self) -> None:
        """Show the calls that the reader has come to know. Others may show, and refresh, the same sequence as well."""
        self._sequence.refresh()
        if len(self._sequence) == self._grown_to:
            return
        self._grown_to = len(self._sequence)
        if self.following or self._top is None:
            self._known = self._grown_to
            self._to_end()
        else:
            # New bytes may take a row away: that of a split character with which the text ended.
            self._top, self._cursor = self.walker.fitting(self._top), self.walker.fitting(self._cursor)
            self._settle()
        self.repaint()

    def follow(self, on: bool) -> None:
        """Follow the newest row, or stay where it is."""
        self.following = on
        if on:
            self._to_end()
        self._scrolled()

    def mark(self, pattern: Pattern | None) -> None:
        """Highlight all that matches a pattern, or nothing."""
        self._highlighter.pattern = pattern
        self.invalidate()

    def go_to(self, byte: BytePosition) -> None:
        """Put the cursor on the row of a byte; scroll it a third of the view below the top where it is not in view."""
        position, page = self._sequence.position(byte.seq), byte.offset // PAGE
        layout = self._layout(position, page)
        row = RowPosition(position, page, layout.row_of(byte.offset % PAGE) if layout else 0)
        if row not in self._screen[:-1]:
            self._top = self.walker.moved(row, -(self.page // 3))
            self._settle()
        self._go(row)

    @property
    def standing(self) -> BytePosition | None:
        """The first byte of the row under the cursor."""
        if self._cursor is None:
            return None
        position, page, row = self._cursor
        layout = self._layout(position, page)
        return BytePosition(self._sequence.seq(position), page * PAGE + (layout.byte_of(row) if layout else 0))

    def _layout(self, position: int, page: int) -> PageLayout | None:
        call = self._sequence.call(position)
        return page_layout(self._sequence.reader, call, page, self.lens, self._rows(position, page))

    @property
    def below(self) -> int:
        """How many calls below the view are new since the user left the end."""
        if self.following or not self._screen:
            return 0
        return max(0, len(self._sequence) - max(self._known, self._screen[-1][0] + 1))

    @property
    def current(self) -> Call | None:
        """The call under the cursor."""
        return self._sequence.call(self._cursor[0]) if self._cursor else None

    def copied(self) -> str:
        """The rows of the call under the cursor as text, as they are shown; empty where there is no cursor."""
        if self._cursor is None:
            return ""
        position = self._cursor[0]
        count = self._page_count(self._sequence.call(position))
        return copied(self._rows(position, page) for page in range(count))

    # Rows

    def _page_count(self, call: Call) -> int:
        return pages(call, self.lens.layers)

    def _rows(self, position: int, page: int) -> Sequence[LogRow]:
        key = position, page, self._newest(position)
        found = self._pages.get(key)
        if found is None:
            if len(self._pages) >= PAGES:
                self._pages.clear()
            found = rows(self._sequence, self._sequence.call(position), page, self.lens, self._cells, self._label_of)
            self._pages[key] = found
        return found

    def _newest(self, position: int) -> bool:
        """Whether the text of a call may change with later bytes: it may end with a split character."""
        return self.lens.view == "text" and self._sequence.newest(self._sequence.call(position))

    # Moving

    def _to_end(self) -> None:
        end = self.walker.end
        self._cursor = end
        self._top = self.walker.moved(end, 1 - self.page) if end and self.page else end
        self._lay_out()

    def _settle(self) -> None:
        """Lay the view out from its top row, without blank rows at its end unless all rows fit."""
        if self._top is None:
            self._top = self.walker.first_from(0, 0)
        self._lay_out()
        missing = self.page - len(self._screen)
        if missing > 0 and self._top is not None and self._screen:
            self._top = self.walker.moved(self._top, -missing)
            self._lay_out()
        if self._cursor is None and self._screen:
            self._cursor = self._screen[-1]

    def _lay_out(self) -> None:
        self._screen = self.walker.window(self._top, self.page)

    def _scrolled(self) -> None:
        """The view moved: paint it, and tell the screen."""
        self.repaint()
        # Straight there: every widget on the way would take as long as the rest of a move by a line.
        self.screen.post_message(self.Scrolled())

    def _go(self, cursor: RowPosition) -> None:
        """Put the cursor somewhere and bring it into view."""
        self._cursor = cursor
        if self._top is None or cursor < self._top:
            self._top = cursor
        elif self._screen and cursor > self._screen[-1]:
            self._top = self.walker.moved(cursor, 1 - self.page)
        self._settle()
        self.following = cursor == self.walker.end
        self._scrolled()

    def _shift(self, by: int) -> None:
        """Move the view and the cursor together."""
        if self._top is None or self._cursor is None:
            return
        self._top = self.walker.moved(self._top, by)
        self._go(self.walker.moved(self._cursor, by))

    def scroll_by(self, lines: int) -> None:
        """Move the view; the cursor comes along only as far as it must to stay on the screen."""
        if self._top is None or not self._screen:
            return
        self._top = self.walker.moved(self._top, lines)
        self._settle()
        if self._cursor is not None and self._screen:
            self._cursor = min(max(self._cursor, self._screen[0]), self._screen[-1])
        self.following = self._screen[-1] == self.walker.end if self._screen else True
        if self.following:
            self._cursor = self.walker.end
        self._scrolled()

    def scroll_to_fraction(self, fraction: float) -> None:
        """Scroll to so much of the calls, from 0 to 1; to 1 is to follow."""
        if fraction >= 1:
            self.follow(True)
            return
        self._top = self.walker.first_from(int(fraction * len(self._sequence)), 0) or self.walker.end
        self._settle()
        self._cursor = self._screen[0] if self._screen else None
        self.following = False
        self._scrolled()

    def bar(self) -> tuple[float, float] | None:
        """Where the thumb of the scroll bar begins and how long it is, from 0 to 1; None where all rows are in view."""
        if not self._screen or len(self._sequence) < 2:
            return None
        if self.walker.before(self._screen[0]) is None and self.walker.after(self._screen[-1]) is None:
            return None
        first, last = self._fraction(self._screen[0]), self._fraction(self._screen[-1])
        if self.walker.after(self._screen[-1]) is None:
            last = 1.0
        return first, min(1.0, max(0.01, last - first))

    def _fraction(self, at: RowPosition) -> float:
        position, page, _ = at
        return (position + page / max(1, self._page_count(self._sequence.call(position)))) / len(self._sequence)

    def clicked(self, y: int, x: int, double: bool) -> None:
        """Put the cursor on the row that was clicked."""
        if y < len(self._screen):
            self._go(self._screen[y])

    def action_cursor_down(self) -> None:
        """Put the cursor a row down."""
        if self._cursor is not None:
            self._go(self.walker.moved(self._cursor, 1))

    def action_cursor_up(self) -> None:
        """Put the cursor a row up."""
        if self._cursor is not None:
            self._go(self.walker.moved(self._cursor, -1))

    def action_half_down(self) -> None:
        """Move view and cursor half a view down."""
        self._shift(max(1, self.page // 2))

    def action_half_up(self) -> None:
        """Move view and cursor half a view up."""
        self._shift(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        """Move view and cursor a view down, but for one row."""
        self._shift(max(1, self.page - 1))

    def action_page_up(self) -> None:
        """Move view and cursor a view up, but for one row."""
        self._shift(-max(1, self.page - 1))

    def action_first(self) -> None:
        """Put the cursor on the first row."""
        first = self.walker.first_from(0, 0)
        if first is not None:
            self._top = first
            self._go(first)

    def action_last(self) -> None:
        """Follow the newest row."""
        self.follow(True)

    # Painting

    def line_key(self, y: int) -> Hashable | None:
        """All that the look of a line depends on."""
        if y >= len(self._screen):
            return ("taught", y) if not self._screen else ("blank",)
        at = self._screen[y]
        return at, self._newest(at.position), at == self._cursor and self.has_focus, self._highlights(at)

    def line(self, y: int, width: int) -> Iterable[Segment]:
        """The segments of a line of the view, in exactly `width` cells."""
        if y >= len(self._screen):
            text = self._teach[y] if not self._screen and y < len(self._teach) else ""
            return filled([Segment(f" {text}", self.style())], 1 + len(text), width, self.style())
        styles = self._row_styles = self._row_styles or RowStyles(self.style)
        at = self._screen[y]
        position, page, row = at
        segments = styles.row(self._rows(position, page)[row], self._sequence.call(position).sends, width)
        segments = styles.under_cursor(segments) if at == self._cursor and self.has_focus else segments
        cells = self._highlights(at)
        return highlighted(segments, cells, self.style("found")) if cells else segments

    def _highlights(self, at: RowPosition) -> tuple[Span, ...]:
        """The cells of a row that match what was searched for."""
        if self._highlighter.pattern is None:
            return ()
        rows = self._rows(at.position, at.page)
        return self._highlighter.cells(self._sequence, self.lens, self.line_width, at, rows)

    def notify_style_update(self) -> None:
        """Take up the colours of another theme (Textual calls it)."""
        self._row_styles = None
        super().notify_style_update()

    def on_resize(self) -> None:
        """Lay the rows out anew in as many cells as there are."""
        self._cells = max(8, self.line_width - GUTTER)
        self._pages.clear()
        self._top, self._cursor = self.walker.fitting(self._top), self.walker.fitting(self._cursor)
        if self.following:
            self._to_end()
        else:
            self._settle()
        self.invalidate()
        self._scrolled()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the cursor, or show it no more (Textual calls it)."""
        super().watch_has_focus(has_focus)
        self.repaint()
