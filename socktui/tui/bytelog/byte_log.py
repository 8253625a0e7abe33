"""The byte log: every byte that moved, in hex and text, however many there are.

Nothing counts rows from the beginning, so any place of a capture costs what is visible, under any lens and for any
socket.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.message import Message

from socktui.core.call import Call
from socktui.journal.matching import Pattern
from socktui.journal.search import Place as Byte
from socktui.tui.bytelog.cursor import Place, Places
from socktui.tui.bytelog.highlights import Highlighter, Laid, Span, laid, lit
from socktui.tui.bytelog.log_rows import GUTTER, PAGE, BlockRow, Lens, copied, pages, rows
from socktui.tui.bytelog.row_styles import RowStyles, filled
from socktui.tui.call_sequence import CallSequence
from socktui.tui.widgets.lines import Lines

PAGES = 256  # that are kept laid out: more than a screen ever shows


class ByteLog(Lines):
    """Shows a sequence through a lens, with a cursor on a row; sticks to the newest until the reader moves away."""

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
        """To the screen: the reader moved the view, or its size did. Who lets it grow knows by itself."""

    def __init__(
        self, sequence: CallSequence, whose: Callable[[int], str], *, teach: str = "", id: str | None = None
    ) -> None:
        """`whose` names a socket for the headings; `teach` is what to say while there is nothing to show."""
        super().__init__(id=id)
        self._sequence = sequence
        self._whose = whose
        self._teach = teach.split("\n")
        self.lens = Lens()
        self._seen = 0
        self._known = 0
        self.following = True
        self._top: Place | None = None
        self._cursor: Place | None = None
        self._screen: list[Place] = []
        self._cells = 0
        self._row_styles: RowStyles | None = None
        self._pages: dict[tuple[int, int, bool], Sequence[BlockRow]] = {}
        self.places = Places(sequence, self._rows, self._page_count)
        self._highlighter = Highlighter()

    # What the app asks and tells

    @property
    def sequence(self) -> CallSequence:
        return self._sequence

    @property
    def following(self) -> bool:
        """Whether it sticks to the newest."""
        return self._following

    @following.setter
    def following(self, on: bool) -> None:
        self._following = on
        if on:
            self._known = len(self._sequence)

    def show(self, sequence: CallSequence) -> None:
        """Show another sequence, from its end."""
        self._sequence = sequence
        self.places = Places(sequence, self._rows, self._page_count)
        self._seen = 0
        self._top = self._cursor = None
        self.following = True
        self._pages.clear()
        self.grow()
        self.invalidate()

    def look(self, lens: Lens) -> None:
        """Look through another lens; the place stays."""
        self.lens = lens
        self._pages.clear()
        self._top = self.places.fitting(self._top)
        self._cursor = self.places.fitting(self._cursor)
        self._settle()
        self.invalidate()

    def grow(self) -> None:
        """There may be more calls than before."""
        if len(self._sequence) == self._seen:
            return
        self._seen = len(self._sequence)
        if self.following or self._top is None:
            self._known = self._seen
            self._to_end()
        else:
            # What came may take a row away: the piece of a character that ended the text before.
            self._top, self._cursor = self.places.fitting(self._top), self.places.fitting(self._cursor)
            self._settle()
        self.repaint()

    def follow(self, on: bool) -> None:
        """Stick to the newest, or stay where it is."""
        self.following = on
        if on:
            self._to_end()
        self._scrolled()

    def mark(self, pattern: Pattern | None) -> None:
        """Mark all that matches a pattern, or nothing."""
        self._highlighter.pattern = pattern
        self.invalidate()

    def go_to(self, byte: Byte) -> None:
        """Put the cursor on the row of a byte, and what is around it on the screen."""
        position, page = self._sequence.position(byte.seq), byte.offset // PAGE
        layout = self._laid(position, page)
        place = position, page, layout.row_of(byte.offset % PAGE) if layout else 0
        if place not in self._screen[:-1]:
            self._top = self.places.moved(place, -(self.page // 3))
            self._settle()
        self._go(place)

    @property
    def standing(self) -> Byte | None:
        """The first byte of the row under the cursor."""
        if self._cursor is None:
            return None
        position, page, row = self._cursor
        layout = self._laid(position, page)
        return Byte(self._sequence.seq(position), page * PAGE + (layout.byte_of(row) if layout else 0))

    def _laid(self, position: int, page: int) -> Laid | None:
        return laid(self._sequence, self._sequence.call(position), page, self.lens, self._rows(position, page))

    @property
    def below(self) -> int:
        """How many calls stand below the last row shown that were not there when the reader left the end."""
        if self.following or not self._screen:
            return 0
        return max(0, len(self._sequence) - max(self._known, self._screen[-1][0] + 1))

    @property
    def current(self) -> Call | None:
        """The call under the cursor."""
        return self._sequence.call(self._cursor[0]) if self._cursor else None

    def copied(self) -> str:
        """The rows of the call under the cursor, as they are shown."""
        if self._cursor is None:
            return ""
        position = self._cursor[0]
        count = self._page_count(self._sequence.call(position))
        return copied(self._rows(position, page) for page in range(count))

    # Places

    def _page_count(self, call: Call) -> int:
        return pages(call, self.lens.seen)

    def _rows(self, position: int, page: int) -> Sequence[BlockRow]:
        key = position, page, self._newest(position)
        found = self._pages.get(key)
        if found is None:
            if len(self._pages) >= PAGES:
                self._pages.clear()
            found = rows(self._sequence, self._sequence.call(position), page, self.lens, self._cells, self._whose)
            self._pages[key] = found
        return found

    def _newest(self, position: int) -> bool:
        """Whether a call's text may change when more comes: it may end in a piece of a character."""
        return self.lens.view == "text" and self._sequence.newest(self._sequence.call(position))

    # Moving

    def _to_end(self) -> None:
        end = self.places.end
        self._cursor = end
        self._top = self.places.moved(end, 1 - self.page) if end and self.page else end
        self._lay_out()

    def _settle(self) -> None:
        """Lay the screen out from the top; no blank rows below the end unless all fits."""
        if self._top is None:
            self._top = self.places.first_from(0, 0)
        self._lay_out()
        missing = self.page - len(self._screen)
        if missing > 0 and self._top is not None and self._screen:
            self._top = self.places.moved(self._top, -missing)
            self._lay_out()
        if self._cursor is None and self._screen:
            self._cursor = self._screen[-1]

    def _lay_out(self) -> None:
        self._screen = self.places.window(self._top, self.page)

    def _scrolled(self) -> None:
        """The view moved: paint it, and tell the screen."""
        self.repaint()
        # Straight there: every widget on the way would take as long as the rest of a move by a line.
        self.screen.post_message(self.Scrolled())

    def _go(self, cursor: Place) -> None:
        """Put the cursor somewhere and bring it into view."""
        self._cursor = cursor
        if self._top is None or cursor < self._top:
            self._top = cursor
        elif self._screen and cursor > self._screen[-1]:
            self._top = self.places.moved(cursor, 1 - self.page)
        self._settle()
        self.following = cursor == self.places.end
        self._scrolled()

    def _shift(self, by: int) -> None:
        """Move the view and the cursor together."""
        if self._top is None or self._cursor is None:
            return
        self._top = self.places.moved(self._top, by)
        self._go(self.places.moved(self._cursor, by))

    def scroll_by(self, lines: int) -> None:
        """Move the view; the cursor comes along only as far as it must to stay on the screen."""
        if self._top is None or not self._screen:
            return
        self._top = self.places.moved(self._top, lines)
        self._settle()
        if self._cursor is not None and self._screen:
            self._cursor = min(max(self._cursor, self._screen[0]), self._screen[-1])
        self.following = self._screen[-1] == self.places.end if self._screen else True
        if self.following:
            self._cursor = self.places.end
        self._scrolled()

    def scroll_to_fraction(self, fraction: float) -> None:
        if fraction >= 1:
            self.follow(True)
            return
        self._top = self.places.first_from(int(fraction * len(self._sequence)), 0) or self.places.end
        self._settle()
        self._cursor = self._screen[0] if self._screen else None
        self.following = False
        self._scrolled()

    def bar(self) -> tuple[float, float] | None:
        if not self._screen or len(self._sequence) < 2:
            return None
        if self.places.before(self._screen[0]) is None and self.places.after(self._screen[-1]) is None:
            return None
        first, last = self._fraction(self._screen[0]), self._fraction(self._screen[-1])
        if self.places.after(self._screen[-1]) is None:
            last = 1.0
        return first, min(1.0, max(0.01, last - first))

    def _fraction(self, place: Place) -> float:
        position, page, _ = place
        return (position + page / max(1, self._page_count(self._sequence.call(position)))) / len(self._sequence)

    def clicked(self, y: int, x: int, double: bool) -> None:
        if y < len(self._screen):
            self._go(self._screen[y])

    def action_cursor_down(self) -> None:
        if self._cursor is not None:
            self._go(self.places.moved(self._cursor, 1))

    def action_cursor_up(self) -> None:
        if self._cursor is not None:
            self._go(self.places.moved(self._cursor, -1))

    def action_half_down(self) -> None:
        self._shift(max(1, self.page // 2))

    def action_half_up(self) -> None:
        self._shift(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        self._shift(max(1, self.page - 1))

    def action_page_up(self) -> None:
        self._shift(-max(1, self.page - 1))

    def action_first(self) -> None:
        first = self.places.first_from(0, 0)
        if first is not None:
            self._top = first
            self._go(first)

    def action_last(self) -> None:
        self.follow(True)

    # Painting

    def line_key(self, y: int) -> Hashable | None:
        if y >= len(self._screen):
            return ("taught", y) if not self._screen else ("blank",)
        place = self._screen[y]
        return place, self._newest(place[0]), place == self._cursor and self.has_focus, self._marks(place)

    def line(self, y: int, width: int) -> Iterable[Segment]:
        if y >= len(self._screen):
            taught = self._teach[y] if not self._screen and y < len(self._teach) else ""
            return filled([Segment(f" {taught}", self.style())], 1 + len(taught), width, self.style())
        ink = self._row_styles = self._row_styles or RowStyles(self.style)
        place = self._screen[y]
        position, page, row = place
        segments = ink.row(self._rows(position, page)[row], self._sequence.call(position).sends, width)
        segments = ink.under_cursor(segments) if place == self._cursor and self.has_focus else segments
        marks = self._marks(place)
        return lit(segments, marks, self.style("found")) if marks else segments

    def _marks(self, place: Place) -> tuple[Span, ...]:
        """The cells of a row that match what was looked for."""
        if self._highlighter.pattern is None:
            return ()
        return self._highlighter.marks(self._sequence, self.lens, self.line_width, place, self._rows(*place[:2]))

    def notify_style_update(self) -> None:
        self._row_styles = None
        super().notify_style_update()

    def on_resize(self) -> None:
        self._cells = max(8, self.line_width - GUTTER)
        self._pages.clear()
        self._top, self._cursor = self.places.fitting(self._top), self.places.fitting(self._cursor)
        if self.following:
            self._to_end()
        else:
            self._settle()
        self.invalidate()
        self._scrolled()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.repaint()
