"""Which row and which cells of a page of the byte log show which of its bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from socktui.core.call import Call
from socktui.core.rows import decode, plain
from socktui.core.safe import width
from socktui.journal.reader import Reader
from socktui.journal.search import Span
from socktui.tui.bytelog.log_rows import GUTTER, PAGE, HexRows, Lens, LogRow, split_character


class PageLayout(ABC):
    """Where the bytes of a page stand. Bytes are counted from the beginning of the page, cells from the left edge."""

    @abstractmethod
    def row_of(self, byte: int) -> int:
        """The row in which a byte stands."""

    @abstractmethod
    def byte_of(self, row: int) -> int:
        """The first byte of a row."""

    @abstractmethod
    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        """The rows of some spans of bytes, which are in order, and the cells that they take in each row."""


class HexLayout(PageLayout):
    """Of a hex dump: a byte stands in its two digits, and in its cell of the text column where there is one."""

    def __init__(self, rows: HexRows) -> None:
        self._head = rows.head
        self._geometry = rows.geometry

    def row_of(self, byte: int) -> int:
        """The row in which a byte stands."""
        return self._head + byte // self._geometry.size

    def byte_of(self, row: int) -> int:
        """The first byte of a row."""
        return max(0, row - self._head) * self._geometry.size

    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        """The rows of some spans of bytes, and the cells that they take in each row."""
        geometry, size = self._geometry, self._geometry.size
        for start, stop in spans:
            for row in range(start // size, (stop - 1) // size + 1):
                first, last = max(start - row * size, 0), min(stop - row * size, size) - 1
                yield (
                    self._head + row,
                    (GUTTER + geometry.byte_column(first), GUTTER + geometry.byte_column(last) + 2),
                )
                if geometry.text:
                    yield (
                        self._head + row,
                        (GUTTER + geometry.char_column(first), GUTTER + geometry.char_column(last) + 1),
                    )


class TextLayout(PageLayout):
    """Of text. Cells are counted on from row to row: those before a byte are those of the text up to it.

    `split` is the beginning of a character that ends in the page, as decode() takes it.
    """

    def __init__(self, rows: Sequence[LogRow], data: bytes, encoding: str, split: bytes) -> None:
        self._data = data
        self._encoding = encoding
        self._split = split
        widths = [width(plain(row)) if isinstance(row, list) else 0 for row in rows]
        self._ends = list(accumulate(widths))

    def row_of(self, byte: int) -> int:
        """The row in which a byte stands."""
        [cell] = self._cells_before([byte])
        return min(bisect_right(self._ends, cell), len(self._ends) - 1)

    def byte_of(self, row: int) -> int:
        """The first byte of a row."""
        cell = self._ends[row - 1] if row else 0
        return bisect_left(range(len(self._data)), cell, key=lambda byte: self._cells_before([byte])[0])

    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        """The rows of some spans of bytes, and the cells that they take in each row."""
        before = self._cells_before([byte for span in spans for byte in span])
        for start, stop in zip(before[::2], before[1::2], strict=True):
            stop = max(stop, start + 1)  # some of the bytes of a character
            for row in range(bisect_right(self._ends, start), min(bisect_left(self._ends, stop) + 1, len(self._ends))):
                begin = self._ends[row - 1] if row else 0
                yield row, (GUTTER + max(start - begin, 0), GUTTER + min(stop, self._ends[row]) - begin)

    def _cells_before(self, bytes_in_order: Iterable[int]) -> list[int]:
        """How many cells the characters take that are complete before each of these bytes."""
        split, at, cells = self._split, 0, 0
        found = []
        for byte in bytes_in_order:
            row, split = decode(self._data[at:byte], self._encoding, split)
            at, cells = byte, cells + width(plain(row))
            found.append(cells)
        return found


def page_layout(reader: Reader, call: Call, page: int, lens: Lens, rows: Sequence[LogRow]) -> PageLayout | None:
    """The layout of a page of a call whose rows these are; None where no bytes stand in them."""
    if isinstance(rows, HexRows):
        return HexLayout(rows)
    if lens.view != "text" or not rows or not isinstance(rows[-1], list):
        return None
    start = page * PAGE
    data = reader.data(call, start, start + PAGE) or b""
    return TextLayout(rows, data, lens.encoding, split_character(reader, call, start, lens.encoding))
