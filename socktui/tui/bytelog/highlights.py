"""Highlighting what matches the pattern that was searched for, in the rows of the byte log."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from rich.segment import Segment
from rich.style import Style

from socktui.core.safe import width
from socktui.journal.matching import Pattern
from socktui.journal.search import Scope, Search, Span
from socktui.tui.bytelog.cursor import RowPosition
from socktui.tui.bytelog.log_rows import PAGE, Lens, LogRow
from socktui.tui.bytelog.page_layout import page_layout
from socktui.tui.call_sequence import CallSequence

PAGES = 256
"""Pages whose highlights are kept: more than a screen ever shows."""

Page = tuple[int, int]
"""The position of a call in the sequence, and a page of its bytes."""

Highlights = dict[int, tuple[Span, ...]]
"""The rows of a page in which something matches, and the cells of these."""


class Highlighter:
    """Finds the cells that match a pattern.

    pattern  to be highlighted, or None; it can be changed at any time
    """

    def __init__(self) -> None:
        self.pattern: Pattern | None = None
        self._valid_for: tuple[object, ...] = ()
        self._pages: dict[Page, Highlights] = {}

    def cells(
        self, sequence: CallSequence, lens: Lens, width: int, at: RowPosition, rows: Sequence[LogRow]
    ) -> tuple[Span, ...]:
        """Which cells of a row match, in order; `rows` are those of its page, as they are laid out in `width` cells.

        There has to be a pattern.
        """
        assert self.pattern
        valid_for = self.pattern, sequence, lens, width, len(sequence)
        if valid_for != self._valid_for or len(self._pages) >= PAGES:
            self._valid_for = valid_for
            self._pages.clear()
            self._search = Search(sequence.reader, self.pattern, Scope(sequence.number, lens.layers))
        page = at.position, at.page
        if page not in self._pages:
            self._pages[page] = self._of_page(sequence, lens, page, rows)
        return self._pages[page].get(at.row, ())

    def _of_page(self, sequence: CallSequence, lens: Lens, page: Page, rows: Sequence[LogRow]) -> Highlights:
        call = sequence.call(page[0])
        start = page[1] * PAGE
        covered = self._search.covered(call, start, min(call.length, start + PAGE))
        spans = [(first - start, stop - start) for first, stop in covered]
        layout = page_layout(sequence.reader, call, page[1], lens, rows) if spans else None
        found: dict[int, list[Span]] = {}
        for row, cells in layout.cells(spans) if layout else ():
            found.setdefault(row, []).append(cells)
        return {row: tuple(sorted(cells)) for row, cells in found.items()}


def highlighted(segments: Iterable[Segment], spans: Sequence[Span], style: Style) -> Iterator[Segment]:
    """Segments with a style put over some cells. A character of two cells is never cut."""
    at = 0
    for segment in segments:
        text = segment.text
        cells = list(accumulate(map(width, text), initial=at))
        cuts = sorted({0, len(text), *(bisect_left(cells, edge) for span in spans for edge in span)})
        for start, stop in pairwise(cuts):
            if start < stop <= len(text):
                on = any(first < cells[stop] and cells[start] < last for first, last in spans)
                put = (segment.style or Style()) + style if on else segment.style
                yield Segment(text[start:stop], put)
        at = cells[-1]
