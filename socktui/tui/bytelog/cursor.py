"""Moving through the rows of the byte log, from one to another, without knowing how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from socktui.core.call import Call
from socktui.tui.bytelog.log_rows import LogRow
from socktui.tui.call_sequence import CallSequence


class RowPosition(NamedTuple):
    """A row of the byte log. Positions compare as their rows follow each other.

    position  of the call in its sequence
    page      of that call
    row       of that page
    """

    position: int
    page: int
    row: int


class RowWalker:
    """Walks over the rows of a sequence, each step at the cost of the pages on its way.

    `rows` gives the rows of a page of a call, by the position of the call and the number of the page; `pages` how many
    pages a call has.
    """

    def __init__(
        self, sequence: CallSequence, rows: Callable[[int, int], Sequence[LogRow]], pages: Callable[[Call], int]
    ) -> None:
        self._sequence = sequence
        self._rows = rows
        self._pages = pages

    def after(self, at: RowPosition) -> RowPosition | None:
        """The next row; None at the end."""
        position, page, row = at
        if row + 1 < len(self._rows(position, page)):
            return RowPosition(position, page, row + 1)
        return self.first_from(position, page + 1)

    def first_from(self, position: int, page: int) -> RowPosition | None:
        """The first row at or after the beginning of a page."""
        return next((RowPosition(at, each, 0) for at, each, _ in self._from(position, page)), None)

    def before(self, at: RowPosition) -> RowPosition | None:
        """The row before; None at the first."""
        position, page, row = at
        if row:
            return RowPosition(position, page, row - 1)
        return self.last_until(position, page - 1)

    def last_until(self, position: int, page: int) -> RowPosition | None:
        """The last row at or before the end of a page."""
        while position >= 0:
            if page >= 0:
                count = len(self._rows(position, page))
                if count:
                    return RowPosition(position, page, count - 1)
                page -= 1
            else:
                position -= 1
                page = self._pages(self._sequence.call(position)) - 1 if position >= 0 else -1
        return None

    @property
    def end(self) -> RowPosition | None:
        """The last row there is; None where there is none."""
        return self.last_until(len(self._sequence), -1)

    def moved(self, at: RowPosition, by: int) -> RowPosition:
        """The row so many further down, or up where `by` is negative; the last or the first where there are fewer."""
        position, page, row = at
        row += by
        while row < 0:
            before = self.last_until(position, page - 1)
            if before is None:
                return RowPosition(position, page, 0)
            position, page, last = before
            row += last + 1
        last_row = at
        for each, number, count in self._from(position, page):
            if row < count:
                return RowPosition(each, number, row)
            row -= count
            last_row = RowPosition(each, number, count - 1)
        return last_row

    def window(self, first: RowPosition | None, size: int) -> list[RowPosition]:
        """So many rows from one on, or as many as there are."""
        found: list[RowPosition] = []
        if first is None:
            return found
        row = first.row
        for position, page, count in self._from(first.position, first.page):
            stop = min(count, row + size - len(found))
            found += [RowPosition(position, page, each) for each in range(row, stop)]
            if len(found) >= size:
                break
            row = 0
        return found

    def fitting(self, at: RowPosition | None) -> RowPosition | None:
        """The row itself, or the nearest that there is where its page has fewer rows than before, or none."""
        if at is None:
            return None
        position, page, row = at
        there = page < self._pages(self._sequence.call(position))
        if there and (count := len(self._rows(position, page))):
            return RowPosition(position, page, min(row, count - 1))
        return self.last_until(position, page - 1) or self.first_from(position, page)

    def _from(self, position: int, page: int) -> Iterator[tuple[int, int, int]]:
        """The pages that have rows, from one on, and how many rows."""
        for at in range(position, len(self._sequence)):
            for each in range(page, self._pages(self._sequence.call(at))):
                if count := len(self._rows(at, each)):
                    yield at, each, count
            page = 0
