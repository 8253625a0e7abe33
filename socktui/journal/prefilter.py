"""Passing over calls in which nothing is found: in blocks, or along the chain of one socket."""

from collections.abc import Iterator
from itertools import compress
from operator import add

from socktui.journal.matching import Matcher
from socktui.journal.reader import Reader
from socktui.journal.stream import PIECE, calls_until

BLOCK = 1024
"""Calls whose places are read in one go."""

CHAINED = 256
"""Calls of one socket that are looked up in one go."""

Found = Iterator[int | None]
"""Calls to be looked at by themselves; None stands between those that were found in one go."""


class Prefilter:
    """Keeps of the calls of a capture those in which a match may end.

    The bytes of calls that were made one after the other lie together in the heap, and those that were sent back only
    once: they are read and looked through as one piece.
    """

    def __init__(self, reader: Reader, matcher: Matcher) -> None:
        self._reader = reader
        self._matcher = matcher

    def calls(self, start: int, stop: int, *, backward: bool) -> Found:
        """Of the calls [start, stop), at most BLOCK."""
        ats, lengths = self._reader.places(start, stop)
        seqs = list(compress(range(start, stop), lengths))
        yield from self._of(seqs, list(compress(ats, lengths)), list(filter(None, lengths)), backward)

    def _of(self, seqs: list[int], ats: list[int], lengths: list[int], backward: bool) -> Found:
        """Of these calls, whose bytes stand there in the heap: of all at once where they lie close enough together."""
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
    """The calls of one socket, by how many it had made before."""

    def __init__(self, reader: Reader, number: int) -> None:
        self._reader = reader
        self._number = number

    @property
    def length(self) -> int:
        """How many there are by now."""
        return self._reader.socket(self._number).calls

    def first_from(self, seq: int) -> int:
        """How many of them were made before call `seq` of the capture."""
        return calls_until(self._reader, self._number, seq)

    def calls(self, start: int, stop: int, *, backward: bool) -> Found:
        """Those from the start-th to before the stop-th, which has to be there, as far as the reader knows of them."""
        reader = self._reader
        seqs = [reader.nth(reader.socket(self._number), stop - 1)]
        while len(seqs) < stop - start and (before := reader.before(seqs[-1])) is not None:
            seqs.append(before)
        for seq in seqs if backward else reversed(seqs):
            if seq < reader.count:
                yield seq
                yield None
