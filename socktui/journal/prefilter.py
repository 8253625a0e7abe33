"""Passing over calls in which no match can end: many at once, or all but those of one socket."""

from collections.abc import Iterator
from itertools import compress
from operator import add

from socktui.journal.matching import Matcher
from socktui.journal.reader import Reader
from socktui.journal.stream import PIECE, calls_until

BLOCK = 1024
"""Calls that are filtered at a time."""

CHAINED = 256
"""Calls of one socket that are looked up at a time."""

Found = Iterator[int | None]
"""Numbers of calls to be searched one by one; None after bounded work."""


class Prefilter:
    """Filters the calls in which a match may end.

    The bytes of successive calls lie together in the heap, and bytes that were sent back lie there only once. So many
    calls are read and searched as one piece.
    """

    def __init__(self, reader: Reader, matcher: Matcher) -> None:
        self._reader = reader
        self._matcher = matcher

    def calls(self, start: int, stop: int, *, backward: bool) -> Found:
        """Those of the calls [start, stop) in which a match may end; at most BLOCK calls can be asked about."""
        ats, lengths = self._reader.places(start, stop)
        seqs = list(compress(range(start, stop), lengths))
        yield from self._of(seqs, list(compress(ats, lengths)), list(filter(None, lengths)), backward)

    def _of(self, seqs: list[int], ats: list[int], lengths: list[int], backward: bool) -> Found:
        """Those of the calls `seqs`, whose bytes are `lengths` long at `ats` in the heap.

        All are read at once where they lie close enough together, else each half by itself.
        """
        if not seqs:
            return
        start, stop = min(ats), max(map(add, ats, lengths))
        if stop - start <= min(PIECE, 4 * sum(lengths)):
            found = self._within(seqs, ats, lengths, start, stop)
            yield from reversed(found) if backward else found
            yield None
        elif len(seqs) == 1:
            yield seqs[0]
            yield None
        else:
            half = len(seqs) // 2
            parts = [slice(half, None), slice(half)] if backward else [slice(half), slice(half, None)]
            for part in parts:
                yield from self._of(seqs[part], ats[part], lengths[part], backward)

    def _within(self, seqs: list[int], ats: list[int], lengths: list[int], start: int, stop: int) -> list[int]:
        data = self._reader.heap(start, stop - start)
        if data is None:
            return seqs
        matcher, reach = self._matcher, self._matcher.size - 1
        data = matcher.folded(data)
        found: set[int] = set()
        if matcher.within(data):
            places = zip(seqs, ats, lengths, strict=True)
            found.update(seq for seq, at, size in places if matcher.within(data, at - start, at - start + size))
        firsts = bytes([data[at - start] for at in ats])
        for i in matcher.may_go_on(firsts):
            at = ats[i] - start
            if matcher.goes_on(data[at : at + min(lengths[i], reach)]):
                found.add(seqs[i])
        return sorted(found)


class Chain:
    """The calls of one socket, numbered from 0 in their order."""

    def __init__(self, reader: Reader, number: int) -> None:
        self._reader = reader
        self._number = number

    @property
    def length(self) -> int:
        """How many of them the reader knows by now."""
        return calls_until(self._reader, self._number, self._reader.count)

    def first_from(self, seq: int) -> int:
        """How many of them were made before call `seq` of the capture."""
        return calls_until(self._reader, self._number, seq)

    def calls(self, start: int, stop: int, *, backward: bool) -> Found:
        """Those numbered [start, stop), at most `length`."""
        reader = self._reader
        seqs = [reader.nth(reader.socket(self._number), stop - 1)]
        while len(seqs) < stop - start and (before := reader.before(seqs[-1])) is not None:
            seqs.append(before)
        for seq in seqs if backward else reversed(seqs):
            yield seq
            yield None
