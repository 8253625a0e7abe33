"""Finding bytes in a capture, live or finished.

A search looks through streams (journal/stream.py): a match may go on from one call to the next of its stream, but not
across a border of messages, nor over bytes that were not kept. Which matches end in a call depends on it and on the
calls before it, and never changes. So a match is known by its end, a search can begin at any place and go in either
direction, and nothing has to be remembered on the way.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from socktui.core.call import Call, Layer
from socktui.journal.matching import Matcher, Pattern
from socktui.journal.prefilter import BLOCK, CHAINED, Chain, Found, Prefilter
from socktui.journal.reader import Reader
from socktui.journal.stream import PIECE, Run, Stream, kept

T = TypeVar("T")

SPARSE = 32
"""A socket that made less than one of so many calls is searched along its own calls, not through all of them."""

LayerFilter = Literal["clear", "wire", "all"]
"""Which layers of a protocol over another: what was meant, what crossed the wire, or every layer."""

Span = tuple[int, int]
"""A range of bytes: the first, and the one after the last."""


class BytePosition(NamedTuple):
    """A byte of a capture.

    seq     the call that moved it
    offset  which of the bytes of that call it is, from 0
    """

    seq: int
    offset: int


class Hit(NamedTuple):
    """A match.

    seq     the call in which it begins
    offset  which of the bytes of that call is its first
    length  of the match, in bytes
    end     its last byte
    """

    seq: int
    offset: int
    length: int
    end: BytePosition


Hits = Iterator[Hit | None]
"""Matches; None after bounded work that found nothing yet, so that a search can be interrupted there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in all sockets or in one, and in which layers."""

    socket: int | None = None
    layers: LayerFilter = "clear"

    def has(self, call: Call) -> bool:
        """Whether the bytes of a call are searched."""
        if not call.length or not (call.sends or call.receives) or self.socket not in (None, call.socket):
            return False
        return call.layer is Layer.WIRE if self.layers == "wire" else self.layers == "all" or not call.under


EVERYTHING = Scope()


class Search:
    """A search of a capture: of the calls that its reader knows, which may come to know more while the search goes on.

    looked  how many calls have been searched, or passed over
    of      how many there are to be searched
    """

    def __init__(self, reader: Reader, pattern: Pattern, scope: Scope = EVERYTHING) -> None:
        self._reader = reader
        self._scope = scope
        self._matcher = Matcher(pattern)
        self._reach = self._matcher.size - 1
        self._prefilter = Prefilter(reader, self._matcher)
        self.looked = self.of = 0

    def forward(self, after: BytePosition | None = None) -> Hits:
        """The hits that end after a position, in the order of their ends."""
        for seq in self._calls_from(after.seq if after else 0):
            if seq is None:
                yield None
            elif after and seq == after.seq:
                yield from self._ending(seq, first=after.offset + 1)
            else:
                yield from self._ending(seq)

    def backward(self, before: BytePosition | None = None) -> Hits:
        """The hits that end before a position, the last first."""
        for seq in self._calls_down_from(before.seq if before else self._reader.count - 1):
            if seq is None:
                yield None
            elif before and seq == before.seq:
                yield from self._ending(seq, stop=before.offset, backward=True)
            else:
                yield from self._ending(seq, backward=True)

    def covered(self, call: Call, start: int, stop: int) -> list[Span]:
        """Which of the bytes [start, stop) of a call are in matches: spans in order, none touching the next.

        A match that reaches over other calls is only found as far as each call of it is within STEPS of the next.
        """
        if not self._scope.has(call):
            return []
        spans: list[Span] = []
        for first, end in kept(self._reader, call, max(0, start - self._reach), min(call.length, stop + self._reach)):
            if not (data := self._read(call, first, end)):
                continue
            after = self._going_on(call, data) if end == call.length else b""
            before = b""
            for part in self._begun(call, data + after) if first == 0 else ():
                if part is None:
                    break
                before = part[1] + before
            for place in self._matcher.places(before + data + after):
                begin = first + place - len(before)
                spans.append((max(begin, start), min(begin + self._reach + 1, stop)))
        return _joined(span for span in spans if span[0] < span[1])

    # The calls in which a match may end

    def _calls_from(self, first: int) -> Found:
        chain = self._chain()
        at = begun = chain.first_from(first) if chain else first
        self.looked, self.of = 0, (chain.length if chain else self._reader.count) - begun
        while at < (count := chain.length if chain else self._reader.count):
            stop = min(count, at + (CHAINED if chain else BLOCK))
            yield from (chain or self._prefilter).calls(at, stop, backward=False)
            at = stop
            self.looked, self.of = at - begun, count - begun

    def _calls_down_from(self, last: int) -> Found:
        chain = self._chain()
        at = self.of = chain.first_from(last + 1) if chain else last + 1
        self.looked = 0
        while at > 0:
            start = max(0, at - (CHAINED if chain else BLOCK))
            yield from (chain or self._prefilter).calls(start, at, backward=True)
            at = start
            self.looked = self.of - at

    def _chain(self) -> Chain | None:
        """The calls of the socket that is asked for, where those of the others are not worth a look."""
        number = self._scope.socket
        if number is None or self._reader.socket(number).calls * SPARSE > self._reader.count:
            return None
        return Chain(self._reader, number)

    # The matches that end in a call

    def _ending(self, seq: int, *, first: int = 0, stop: int | None = None, backward: bool = False) -> Hits:
        """The hits that end in a call, at its byte `first` or after, and before its byte `stop`."""
        call = self._reader.call(seq)
        if not self._scope.has(call):
            return
        stop = call.length if stop is None else min(stop, call.length)
        parts = (self._inside(call, first, stop, backward), self._begun_before(call, first, stop, backward))
        for part in parts if backward else reversed(parts):
            yield from part

    def _inside(self, call: Call, first: int, stop: int, backward: bool) -> Hits:
        """Those that begin there as well."""
        reach = self._reach
        for start, end in _ordered(kept(self._reader, call, max(0, first - reach), stop), backward):
            for at in _ordered(list(range(start, end - reach, PIECE)), backward):
                data = self._read(call, at, min(at + PIECE + reach, end))
                for place in self._matcher.places(data, backward=backward):
                    yield Hit(call.seq, at + place, reach + 1, BytePosition(call.seq, at + place + reach))
                yield None

    def _begun_before(self, call: Call, first: int, stop: int, backward: bool) -> Hits:
        """Those that began in an earlier call of the same stream."""
        head = b""
        for start, end in kept(self._reader, call, 0, min(stop, self._reach))[:1]:
            head = self._read(call, 0, end) if start == 0 else b""
        before = b""
        parts: list[tuple[Call, int]] = []
        for part in self._begun(call, head):
            if part is None:
                yield None
            else:
                before = part[1] + before
                parts.append((part[0], len(part[1])))
        for place in _ordered(list(self._matcher.places(before + head)), backward):
            end = place + self._reach - len(before)
            if end >= first:
                yield Hit(*_begin(parts, place), self._reach + 1, BytePosition(call.seq, end))

    # Bytes, folded for the matcher

    def _begun(self, call: Call, head: bytes) -> Run:
        """The bytes just before a call whose bytes begin with `head`, as long as a match may have begun before them."""
        head = head[: self._reach]
        if not self._matcher.goes_on(head):
            return
        before = b""
        for part in Stream.of(self._reader, call).run_before(call, self._reach):
            if part is None:
                yield None
                continue
            data = self._matcher.folded(part[1])
            yield part[0], data
            before = data + before
            if len(before) == self._reach or not self._matcher.goes_on(before + head, len(before)):
                return

    def _going_on(self, call: Call, tail: bytes) -> bytes:
        """The bytes just after a call whose bytes end with `tail`, as far as a match may go on in them."""
        after = b""
        if not self._reach or not self._matcher.begins(tail[-self._reach :]):
            return after
        for part in Stream.of(self._reader, call).run_after(call, self._reach):
            if part is None:
                break
            after += self._matcher.folded(part[1])
            if not self._matcher.begins((tail + after)[-self._reach :]):
                break
        return after

    def _read(self, call: Call, start: int, stop: int) -> bytes:
        return self._matcher.folded(self._reader.data(call, start, stop) or b"")


def _ordered(items: list[T], backward: bool) -> list[T]:
    return items[::-1] if backward else items


def _begin(parts: list[tuple[Call, int]], place: int) -> BytePosition:
    """Where byte `place` stands of what earlier calls, the last first, ended with: so many bytes of each."""
    for call, size in reversed(parts):
        if place < size:
            return BytePosition(call.seq, call.length - size + place)
        place -= size
    raise AssertionError("a match that began before begins in an earlier call")


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, with those that touch made one."""
    joined: list[Span] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined
