"""Places in a byte log: how to get from one row to another without knowing how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from socktui.core.call import Call
from socktui.tui.bytelog.log_rows import BlockRow
from socktui.tui.call_sequence import CallSequence

Place = tuple[int, int, int]
"""A call's position in the sequence, a page of its bytes, a row of that page."""


class Places:
    """The rows of a sequence in their order. `rows` gives those of a page of a call, `pages` how many those are."""

    def __init__(
        self, sequence: CallSequence, rows: Callable[[int, int], Sequence[BlockRow]], pages: Callable[[Call], int]
    ) -> None:
        self._sequence = sequence
        self._rows = rows
        self._pages = pages

    def after(self, place: Place) -> Place | None:
        """The next row; None at the end."""
        position, page, row = place
        if row + 1 < len(self._rows(position, page)):
            return position, page, row + 1
        return self.first_from(position, page + 1)

    def first_from(self, position: int, page: int) -> Place | None:
        """The first row at or after the beginning of a page."""
        return next(((at, each, 0) for at, each, _ in self._from(position, page)), None)

    def before(self, place: Place) -> Place | None:
        """The row before; None at the first."""
        position, page, row = place
        if row:
            return position, page, row - 1
        return self.last_until(position, page - 1)

    def last_until(self, position: int, page: int) -> Place | None:
        """The last row at or before the end of a page."""
        while position >= 0:
            if page >= 0:
                count = len(self._rows(position, page))
                if count:
                    return position, page, count - 1
                page -= 1
            else:
                position -= 1
                page = self._pages(self._sequence.call(position)) - 1 if position >= 0 else -1
        return None

    @property
    def end(self) -> Place | None:
        """The last row there is."""
        return self.last_until(len(self._sequence), -1)

    def moved(self, place: Place, by: int) -> Place:
        """So many rows further, or as far as there are rows."""
        position, page, row = place
        row += by
        while row < 0:
            before = self.last_until(position, page - 1)
            if before is None:
                return position, page, 0
            position, page, last = before
            row += last + 1
        for at, each, count in self._from(position, page):
            if row < count:
                return at, each, row
            row -= count
            place = at, each, count - 1
        return place

    def window(self, place: Place | None, size: int) -> list[Place]:
        """So many rows from one on, or as many as there are."""
        found: list[Place] = []
        if place is None:
            return found
        first = place[2]
        for position, page, count in self._from(place[0], place[1]):
            found += [(position, page, row) for row in range(first, min(count, first + size - len(found)))]
            if len(found) >= size:
                break
            first = 0
        return found

    def fitting(self, place: Place | None) -> Place | None:
        """The same place where rows have come to be fewer."""
        if place is None:
            return None
        position, page, row = place
        if count := len(self._rows(position, page)):
            return position, page, min(row, count - 1)
        return self.last_until(position, page - 1) or self.first_from(position, page)

    def _from(self, position: int, page: int) -> Iterator[tuple[int, int, int]]:
        """The pages that have rows, from one on, and how many rows."""
        for at in range(position, len(self._sequence)):
            for each in range(page, self._pages(self._sequence.call(at))):
                if count := len(self._rows(at, each)):
                    yield at, each, count
            page = 0
