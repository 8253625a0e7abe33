"""Finding bytes in a capture, live or finished.

What is searched are streams: the bytes that a socket moved in one direction and layer, in their order. A match may go
on from one call to the next of its stream, but not across a border of messages, nor over bytes that were not kept.
Which matches end in a call can be told from it and from those before it, and never changes. So a match is known by its
end, a capture can be searched from any place in both directions, and nothing has to be remembered on the way.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from socktui.core.call import Call, Layer
from socktui.journal.matching import Matcher, Pattern
from socktui.journal.prefilter import BLOCK, CHAINED, PIECE, Chain, Found, Prefilter
from socktui.journal.reader import Reader

T = TypeVar("T")

SPARSE = 32
"""Of a socket that made less than one of so many calls, only its own are looked at."""

STEPS = 256
"""Calls of a socket that are looked at in one go on the way to the one before of the same stream."""

LayerFilter = Literal["clear", "wire", "all"]
"""Of a protocol over another: what was meant, what crossed the wire, or every layer."""


class Place(NamedTuple):
    """A byte: the call that moved it, and where it stands among the bytes of that."""

    seq: int
    offset: int


class Hit(NamedTuple):
    """A match.

    seq     the call in which it begins
    offset  where among the bytes of that
    length  of the match
    end     its last byte
    """

    seq: int
    offset: int
    length: int
    end: Place


Hits = Iterator[Hit | None]
"""Between one item and the next stands bounded work; None where that found nothing yet."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in all sockets or in one, and in the layers that the byte log shows."""

    socket: int | None = None
    seen: LayerFilter = "clear"

    def has(self, call: Call) -> bool:
        """Whether the bytes of a call are looked at."""
        if not call.length or not (call.sends or call.receives) or self.socket not in (None, call.socket):
            return False
        return call.layer is Layer.WIRE if self.seen == "wire" else self.seen == "all" or not call.under


EVERYTHING = Scope()


class Search:
    """A search of a capture. It knows of the calls that its reader does, which may be told of more while it goes on.

    looked, of  how many calls have been looked at, of how many
    """

    def __init__(self, reader: Reader, pattern: Pattern, scope: Scope = EVERYTHING) -> None:
        self._reader = reader
        self._scope = scope
        self._matcher = Matcher(pattern)
        self._sieve = Prefilter(reader, self._matcher)
        self.looked = self.of = 0

    def forward(self, after: Place | None = None) -> Hits:
        """The hits that end after a place, in the order of their ends."""
        for seq in self._calls_from(after.seq if after else 0):
            if seq is None:
                yield None
            elif after and seq == after.seq:
                yield from self.ending(seq, first=after.offset + 1)
            else:
                yield from self.ending(seq)

    def backward(self, before: Place | None = None) -> Hits:
        """The hits that end before a place, the last first."""
        for seq in self._calls_down_from(before.seq if before else self._reader.count - 1):
            if seq is None:
                yield None
            elif before and seq == before.seq:
                yield from self.ending(seq, stop=before.offset, backward=True)
            else:
                yield from self.ending(seq, backward=True)

    # The calls in which a match may end

    def _calls_from(self, first: int) -> Found:
        chain = self._chain()
        at = begun = chain.first_from(first) if chain else first
        self.looked, self.of = 0, (chain.length if chain else self._reader.count) - begun
        while at < (count := chain.length if chain else self._reader.count):
            stop = min(count, at + (CHAINED if chain else BLOCK))
            yield from (chain or self._sieve).calls(at, stop, backward=False)
            at = stop
            self.looked, self.of = at - begun, count - begun

    def _calls_down_from(self, last: int) -> Found:
        chain = self._chain()
        at = self.of = chain.first_from(last + 1) if chain else last + 1
        self.looked = 0
        while at > 0:
            start = max(0, at - (CHAINED if chain else BLOCK))
            yield from (chain or self._sieve).calls(start, at, backward=True)
            at = start
            self.looked = self.of - at

    def _chain(self) -> Chain | None:
        """The calls of the socket that is asked for, where those of the others are not worth a look."""
        number = self._scope.socket
        if number is None or self._reader.socket(number).calls * SPARSE > self._reader.count:
            return None
        return Chain(self._reader, number)

    # The matches that end in a call

    def ending(self, seq: int, *, first: int = 0, stop: int | None = None, backward: bool = False) -> Hits:
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
        reach = self._matcher.size - 1
        for start, end in _ordered(self._kept(call, max(0, first - reach), stop), backward):
            for at in _ordered(list(range(start, end - reach, PIECE)), backward):
                data = self._read(call, at, min(at + PIECE + reach, end))
                for place in self._matcher.places(data, backward=backward):
                    yield Hit(call.seq, at + place, reach + 1, Place(call.seq, at + place + reach))
                yield None

    def _begun_before(self, call: Call, first: int, stop: int, backward: bool) -> Hits:
        """Those that began in an earlier call of the same stream."""
        reach = self._matcher.size - 1
        head = b""
        for start, end in self._kept(call, 0, min(stop, reach))[:1]:
            head = self._read(call, 0, end) if start == 0 else b""
        before = b""
        mates: list[tuple[Call, int]] = []
        while len(before) < reach and self._matcher.goes_on(before + head, len(before)):
            mate = yield from self._before(mates[-1][0] if mates else call)
            tail = self._tail(mate, reach - len(before)) if mate else b""
            if not mate or not tail:
                break
            before = tail + before
            mates.append((mate, len(tail)))
        for place in _ordered(list(self._matcher.places(before + head)), backward):
            end = place + reach - len(before)
            if end >= first:
                yield Hit(*_begun(mates, place), reach + 1, Place(call.seq, end))

    def _before(self, call: Call) -> Generator[None, None, Call | None]:
        """The call whose bytes came just before in the same stream; None where there are none, or they are lost."""
        if call.message or not call.offset:
            return None
        steps = 0
        seq = self._reader.before(call.seq)
        while seq is not None:
            found = self._reader.call(seq)
            if found.length and _stream(found) == _stream(call):
                return found if found.offset + found.length == call.offset else None
            seq = self._reader.before(seq)
            steps += 1
            if steps % STEPS == 0:
                yield None
        return None

    # Bytes

    def _kept(self, call: Call, start: int, stop: int) -> list[tuple[int, int]]:
        """Which of the bytes [start, stop) of a call were kept."""
        kept = []
        for lost, end in self._reader.lost:
            if start + call.at < end and lost < stop + call.at:
                kept.append((start, lost - call.at))
                start = end - call.at
        kept.append((start, stop))
        return [(start, stop) for start, stop in kept if start < stop]

    def _tail(self, call: Call, size: int) -> bytes:
        """The last bytes of a call, at most so many."""
        for start, end in self._kept(call, max(0, call.length - size), call.length)[-1:]:
            if end == call.length:
                return self._read(call, start, end)
        return b""

    def _read(self, call: Call, start: int, stop: int) -> bytes:
        return self._matcher.folded(self._reader.data(call, start, stop) or b"")


def _stream(call: Call) -> tuple[int, bool, Layer]:
    return call.socket, call.sends, call.layer


def _ordered(items: list[T], backward: bool) -> list[T]:
    return items[::-1] if backward else items


def _begun(mates: list[tuple[Call, int]], place: int) -> Place:
    """Where a byte stands that is so many after the first of what the earlier calls, the last first, ended with."""
    for mate, size in reversed(mates):
        if place < size:
            return Place(mate.seq, mate.length - size + place)
        place -= size
    raise AssertionError("a match that began before begins in an earlier call")
