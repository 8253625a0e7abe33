"""Places in a byte log: how to get from one row to the next without knowing how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from socktui.core.call import Call
from socktui.tui.blocks import BlockRow
from socktui.tui.trail import Trail

Place = tuple[int, int, int]
"""A call's position in the trail, a page of its bytes, a row of that page."""


class Places:
    """The rows of a trail in their order. `rows` gives those of a page of a call, `pages` how many those are."""

    def __init__(
        self, trail: Trail, rows: Callable[[int, int], Sequence[BlockRow]], pages: Callable[[Call], int]
    ) -> None:
        self._trail = trail
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
        while position < len(self._trail):
            if page < self._pages(self._trail.call(position)):
                if self._rows(position, page):
                    return position, page, 0
                page += 1
            else:
                position, page = position + 1, 0
        return None

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
                page = self._pages(self._trail.call(position)) - 1 if position >= 0 else -1
        return None

    @property
    def end(self) -> Place | None:
        """The last row there is."""
        return self.last_until(len(self._trail), -1)

    def moved(self, place: Place, by: int) -> Place:
        """So many rows further, or as far as there are rows."""
        step = self.after if by > 0 else self.before
        for _ in range(abs(by)):
            further = step(place)
            if further is None:
                break
            place = further
        return place

    def fitting(self, place: Place | None) -> Place | None:
        """The same place where rows have come to be fewer."""
        if place is None:
            return None
        position, page, row = place
        if count := len(self._rows(position, page)):
            return position, page, min(row, count - 1)
        return self.last_until(position, page - 1) or self.first_from(position, page)
