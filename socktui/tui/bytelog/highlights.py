"""Where bytes stand in the rows of the byte log, and which of them match what was looked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from rich.segment import Segment
from rich.style import Style

from socktui.core.call import Call
from socktui.core.rows import decode, hex_row_width, plain
from socktui.core.safe import width
from socktui.journal.matching import Matcher, Pattern
from socktui.journal.search import Scope, Search
from socktui.tui.bytelog.cursor import Place
from socktui.tui.bytelog.log_rows import GUTTER, PAGE, BlockRow, Heading, HexRows, Lens, carried_over
from socktui.tui.call_sequence import CARRY_STEPS, CallSequence

PAGES = 256
"""How many pages are kept: more than a screen ever shows."""

Span = tuple[int, int]
"""From one to before another: bytes of a call, or cells of a row."""

Page = tuple[int, int]
"""A call's position in the sequence, and a page of its bytes."""

Highlights = dict[int, tuple[Span, ...]]
"""The rows of a page that have marks, and the cells of these."""


class Laid(ABC):
    """A page of a call's bytes as it is laid out. Bytes are counted from the beginning of the page."""

    @abstractmethod
    def row_of(self, byte: int) -> int:
        """The row in which a byte stands."""

    @abstractmethod
    def byte_of(self, row: int) -> int:
        """The first byte of a row."""

    @abstractmethod
    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        """The rows of some bytes, and the cells that they take in each."""


class LaidHex(Laid):
    """As hex."""

    def __init__(self, rows: HexRows, text: bool) -> None:
        self._rows = rows
        self._head = int(isinstance(rows[0], Heading))
        self._text = text

    def row_of(self, byte: int) -> int:
        return self._head + byte // self._rows.size

    def byte_of(self, row: int) -> int:
        return max(0, row - self._head) * self._rows.size

    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        size = self._rows.size
        shown = self._rows[self._head]
        assert isinstance(shown, list)
        digits = len(shown[0][1])
        pairs = GUTTER + digits + 2
        chars = GUTTER + hex_row_width(size, digits, text=False) + 2
        for start, stop in spans:
            for row in range(start // size, (stop - 1) // size + 1):
                first, last = max(start - row * size, 0), min(stop - row * size, size) - 1
                yield self._head + row, (pairs + 3 * first + first // 8, pairs + 3 * last + last // 8 + 2)
                if self._text:
                    yield self._head + row, (chars + first, chars + last + 1)


class LaidText(Laid):
    """As text, of which the cells are counted through from row to row."""

    def __init__(self, rows: Sequence[BlockRow], data: bytes, encoding: str, carry: bytes) -> None:
        self._data = data
        self._encoding = encoding
        self._carry = carry
        widths = [width(plain(row)) if isinstance(row, list) else 0 for row in rows]
        self._ends = list(accumulate(widths))

    def row_of(self, byte: int) -> int:
        [cell] = self._cells_before([byte])
        return min(bisect_right(self._ends, cell), len(self._ends) - 1)

    def byte_of(self, row: int) -> int:
        cell = self._ends[row - 1] if row else 0
        return bisect_left(range(len(self._data)), cell, key=lambda byte: self._cells_before([byte])[0])

    def cells(self, spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
        before = self._cells_before([byte for span in spans for byte in span])
        for start, stop in zip(before[::2], before[1::2], strict=True):
            stop = max(stop, start + 1)  # some of the bytes of a character
            for row in range(bisect_right(self._ends, start), min(bisect_left(self._ends, stop) + 1, len(self._ends))):
                begin = self._ends[row - 1] if row else 0
                yield row, (GUTTER + max(start - begin, 0), GUTTER + min(stop, self._ends[row]) - begin)

    def _cells_before(self, places: Iterable[int]) -> list[int]:
        """How many cells the characters take that are whole before each of these bytes, which are in order."""
        carry, at, cells = self._carry, 0, 0
        found = []
        for byte in places:
            row, carry = decode(self._data[at:byte], self._encoding, carry)
            at, cells = byte, cells + width(plain(row))
            found.append(cells)
        return found


def laid(sequence: CallSequence, call: Call, page: int, lens: Lens, rows: Sequence[BlockRow]) -> Laid | None:
    """How a page is laid out in these rows; None where there are no bytes in them."""
    if isinstance(rows, HexRows):
        return LaidHex(rows, lens.view == "both")
    if lens.view != "text" or not rows or not isinstance(rows[-1], list):
        return None
    start = page * PAGE
    data = sequence.reader.data(call, start, start + PAGE) or b""
    return LaidText(rows, data, lens.encoding, carried_over(sequence, call, start, lens.encoding))


class Highlighter:
    """Marks what matches a pattern, where there is one."""

    def __init__(self) -> None:
        self.pattern: Pattern | None = None
        self._known: tuple[object, ...] = ()
        self._pages: dict[Page, Highlights] = {}

    def marks(
        self, sequence: CallSequence, lens: Lens, cells: int, place: Place, rows: Sequence[BlockRow]
    ) -> tuple[Span, ...]:
        """Which cells of a row match; `rows` are those of its page, in so many cells."""
        assert self.pattern
        known = self.pattern, sequence, lens, cells, len(sequence)
        if known != self._known or len(self._pages) >= PAGES:
            self._known = known
            self._pages.clear()
            self._matches = Matches(sequence, Scope(sequence.number, lens.seen), self.pattern)
        page = place[:2]
        if page not in self._pages:
            self._pages[page] = self._of_page(sequence, lens, page, rows)
        return self._pages[page].get(place[2], ())

    def _of_page(self, sequence: CallSequence, lens: Lens, page: Page, rows: Sequence[BlockRow]) -> Highlights:
        call = sequence.call(page[0])
        start = page[1] * PAGE
        stop = min(call.length, start + PAGE)
        spans = [(max(a, start) - start, min(b, stop) - start) for a, b in self._matches.within(call, start, stop)]
        layout = laid(sequence, call, page[1], lens, rows) if spans else None
        marks: dict[int, list[Span]] = {}
        for row, cells in layout.cells(spans) if layout else ():
            marks.setdefault(row, []).append(cells)
        return {row: tuple(sorted(cells)) for row, cells in marks.items()}


class Matches:
    """Which bytes of the calls of a sequence are in matches."""

    def __init__(self, sequence: CallSequence, scope: Scope, pattern: Pattern) -> None:
        self._reader = sequence.reader
        self._matcher = Matcher(pattern)
        self._search = Search(sequence.reader, pattern, scope)

    def within(self, call: Call, start: int, stop: int) -> list[Span]:
        """Those that reach into the bytes [start, stop) of a call, in order, and those that touch made one."""
        reach = self._matcher.size - 1
        spans: list[Span] = []
        for hit in self._search.ending(call.seq, first=start, stop=stop + reach):
            if hit:
                spans.append((max(0, hit.end.offset - reach), hit.end.offset + 1))
        if call.length - reach < stop:
            spans += self._going_on(call, reach)
        return _joined((a, b) for a, b in sorted(spans) if a < stop and b > start)

    def _going_on(self, call: Call, reach: int) -> Iterator[Span]:
        """Of the matches that end in a later call of the same stream."""
        reader = self._reader
        data = reader.data(call, max(0, call.length - reach)) or b""
        if call.message or not reach or not self._matcher.begins(self._matcher.folded(data)):
            return
        socket = reader.socket(call.socket)
        n = reader.rank(call.seq)
        for following in range(n + 1, min(socket.calls, n + CARRY_STEPS)):
            later = reader.call(reader.nth(socket, following))
            if (later.sends, later.layer) != (call.sends, call.layer) or not later.length:
                continue
            for hit in self._search.ending(later.seq, stop=reach):
                if hit and hit.seq <= call.seq:
                    yield (hit.offset if hit.seq == call.seq else 0), call.length
            reach -= later.length
            if reach <= 0:
                break


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, with those that touch made one."""
    joined: list[Span] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def lit(segments: Iterable[Segment], spans: Sequence[Span], style: Style) -> Iterator[Segment]:
    """Segments with a style put over some cells. A character of two cells is never cut."""
    at = 0
    for segment in segments:
        text = segment.text
        cells = list(accumulate(map(width, text), initial=at))
        cuts = sorted({0, len(text), *(bisect_left(cells, edge) for span in spans for edge in span)})
        for start, stop in pairwise(cuts):
            if start < stop <= len(text):
                on = any(first < cells[stop] and cells[start] < last for first, last in spans)
                look = (segment.style or Style()) + style if on else segment.style
                yield Segment(text[start:stop], look)
        at = cells[-1]
