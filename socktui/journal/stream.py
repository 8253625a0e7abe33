"""The bytes that a socket moved in one direction at one layer, by offset, over any number of calls.

The calls of a socket are linked to each other (journal/format.py), those of both directions and all layers in one
chain: between two calls of a stream any number of others may lie, and no link skips them. Every walk from call to call
therefore yields None after each STEPS calls of other streams in a row. Who has to answer at once stops there; who can
wait goes on. Nothing is kept from one look-up to the next, so memory does not grow with the stream.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from socktui.core.call import Call, Layer
from socktui.journal.reader import Reader

STEPS = 64
"""Calls of other streams in a row after which a walk yields None.

A paint of the byte log goes no further for the neighbour of a call, so that it costs what is visible: some tens of
calls on a screen, each with at most that many look-ups of a few microseconds. A neighbour further away counts as none.
"""

PIECE = 1 << 20
"""Bytes that are read or searched at a time: less than a millisecond, in which nothing else runs."""

Walk = Iterator[Call | None]
"""Calls of a stream in order; None after each STEPS calls of other streams in a row."""

Run = Iterator[tuple[Call, bytes] | None]
"""Bytes without a gap and without a border of messages, a call at a time; None as in a Walk."""


class Piece(NamedTuple):
    """Some bytes of a stream, all moved by one call.

    start  the offset of the first
    size   how many
    data   the bytes; None where they were not kept, or where the call that moved them could not be recorded
    """

    start: int
    size: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes that one socket sent, or received, at one layer.

    It knows the calls before `reader.count`: a live capture grows at each refresh() of the reader.
    Where calls move messages (datagrams, packets, WebSocket), offsets count on from one to the next, and yet each
    message stands alone: continues() tells where a border is, and the runs of bytes end there.

    socket  its number in the capture, from 1
    sends   the direction: what it sent, or what it received
    """

    reader: Reader
    socket: int
    sends: bool
    layer: Layer = Layer.WIRE

    @classmethod
    def of(cls, reader: Reader, call: Call) -> "Stream":
        """The stream of the bytes that a call moved."""
        return cls(reader, call.socket, call.sends, call.layer)

    def has(self, call: Call) -> bool:
        """Whether a call moved bytes of this stream."""
        if not call.length or call.layer is not self.layer or call.socket != self.socket:
            return False
        return call.sends if self.sends else call.receives

    @property
    def end(self) -> int | None:
        """The offset after the last byte; None where the newest call lies behind more than STEPS of other streams.

        On the wire the socket's slot tells it at once. A live one may be ahead of the calls that the reader knows.
        """
        if self.layer is Layer.WIRE:
            socket = self.reader.socket(self.socket)
            return socket.sent if self.sends else socket.received
        for call in self.calls_before():
            return call.offset + call.length if call else None
        return 0

    # Calls

    def calls_before(self, call: Call | None = None) -> Walk:
        """The calls of the stream before `call`, or all of them, the newest first."""
        reader = self.reader
        if call is None:
            count = calls_until(reader, self.socket, reader.count)
            seq = reader.nth(reader.socket(self.socket), count - 1) if count else None
        else:
            seq = reader.before(call.seq)
        passed = 0
        while seq is not None:
            earlier = reader.call(seq)
            if self.has(earlier):
                yield earlier
                passed = 0
            else:
                passed += 1
                if passed % STEPS == 0:
                    yield None
            seq = reader.before(seq)

    def calls_after(self, call: Call | None = None) -> Walk:
        """The calls of the stream after `call`, or all of them, the oldest first."""
        reader = self.reader
        socket = reader.socket(self.socket)
        seq, first, passed = (-1, 0, 0) if call is None else (call.seq, reader.rank(call.seq) + 1, 0)
        for n in range(first, socket.calls):
            last, seq = seq, reader.nth(socket, n)
            if not last < seq < reader.count:  # in a damaged capture a link may lead back
                return
            later = reader.call(seq)
            if self.has(later):
                yield later
                passed = 0
            else:
                passed += 1
                if passed % STEPS == 0:
                    yield None

    def call_at(self, offset: int) -> Call | None:
        """The call that moved the byte at an offset; None where there is none (yet), or it could not be recorded.

        It is a binary search over the n calls of the socket: log2(n) look-ups where the calls of its streams
        alternate. Where others lie between, each look-up goes back over them to a call of the stream: log2(n) times
        the longest row of them at most, and no call is looked at twice.
        """
        found = self._begun_until(offset)
        return found if found and offset < found.offset + found.length else None

    def _begun_until(self, offset: int) -> Call | None:
        """The newest call whose bytes begin at an offset or before."""
        found = None
        low, high = 0, calls_until(self.reader, self.socket, self.reader.count)
        while low < high:
            middle = (low + high) // 2
            n, call = self._last_of(low, middle)
            if call and call.offset > offset:
                high = n
            else:
                found, low = call or found, middle + 1
        return found

    def _last_of(self, low: int, high: int) -> tuple[int, Call | None]:
        """Of the socket's calls from the low-th to the high-th the last of this stream, and which it is."""
        seq: int | None = self.reader.nth(self.reader.socket(self.socket), high)
        n = high
        while seq is not None and n >= low:
            call = self.reader.call(seq)
            if self.has(call):
                return n, call
            seq, n = self.reader.before(seq), n - 1
        return low, None

    # Bytes

    def read(self, offset: int, size: int) -> Iterator[Piece]:
        """The bytes [offset, offset + size), as far as they have moved: pieces that follow each other without a gap.

        A piece is of one call, and has at most PIECE bytes. Lost bytes are a piece without data, as long as what is
        missing. Bytes after the last call that was recorded are not there.
        """
        at, stop = offset, offset + size
        first = self._begun_until(offset)
        for call in chain([first], self.calls_after(first)):
            if at >= stop:
                break
            if call is None:
                continue
            start, end = min(call.offset, stop), min(call.offset + call.length, stop)
            if at < start:
                yield Piece(at, start - at, None)
                at = start
            if at < end:
                yield from self._pieces(call, at - call.offset, end - call.offset)
                at = end

    def _pieces(self, call: Call, start: int, stop: int) -> Iterator[Piece]:
        """The bytes [start, stop) of a call."""
        at = start
        for first, end in (*kept(self.reader, call, start, stop), (stop, stop)):
            if at < first:
                yield Piece(call.offset + at, first - at, None)
            for at in range(first, end, PIECE):
                size = min(PIECE, end - at)
                yield Piece(call.offset + at, size, self.reader.data(call, at, at + size))
            at = end

    @staticmethod
    def continues(call: Call) -> bool:
        """Whether the bytes of a call go on from earlier ones: not where they are a message, nor at the beginning."""
        return not call.message and call.offset > 0

    def run_before(self, call: Call, size: int) -> Run:
        """The bytes, at most `size`, that come just before those of a call: the end of each earlier call, newest first.

        It ends at a border of messages, and at bytes that were not kept or whose call was not recorded.
        """
        if not size or not self.continues(call):
            return
        later = call
        for earlier in self.calls_before(call):
            if earlier is None:
                yield None
                continue
            if earlier.offset + earlier.length != later.offset:
                return
            data = self._kept_part(earlier, max(0, earlier.length - size), earlier.length, last=True)
            if not data:
                return
            yield earlier, data
            size -= len(data)
            if size <= 0 or len(data) < earlier.length or not self.continues(earlier):
                return
            later = earlier

    def run_after(self, call: Call, size: int) -> Run:
        """The bytes, at most `size`, that come just after those of a call: the beginning of each later call in order.

        It ends where run_before() does.
        """
        if call.message or not size:
            return
        end = call.offset + call.length
        for later in self.calls_after(call):
            if later is None:
                yield None
                continue
            if later.offset != end or not self.continues(later):
                return
            data = self._kept_part(later, 0, min(later.length, size), last=False)
            if not data:
                return
            yield later, data
            size -= len(data)
            if size <= 0 or len(data) < later.length:
                return
            end += later.length

    def _kept_part(self, call: Call, start: int, stop: int, *, last: bool) -> bytes | None:
        """Of the bytes [start, stop) of a call the kept ones that end with the last, or that begin with the first."""
        data = self.reader.data(call, start, stop)
        if data is None:  # some of them are lost
            for first, end in kept(self.reader, call, start, stop):
                if end == stop if last else first == start:
                    return self.reader.data(call, first, end)
        return data

    def bytes_before(self, call: Call, size: int) -> bytes:
        """The bytes of run_before() in one, as far as each of its calls is near the next: within STEPS."""
        found = b""
        for part in self.run_before(call, size):
            if part is None:
                break
            found = part[1] + found
        return found


def kept(reader: Reader, call: Call, start: int, stop: int) -> list[tuple[int, int]]:
    """Which of the bytes [start, stop) of a call were kept: ranges [from, to) in their order."""
    found = []
    for lost, end in reader.lost:
        if start + call.at < end and lost < stop + call.at:
            found.append((start, lost - call.at))
            start = end - call.at
    found.append((start, stop))
    return [each for each in found if each[0] < each[1]]


def calls_until(reader: Reader, number: int, seq: int) -> int:
    """How many calls socket `number` made before call `seq` of the capture."""
    socket = reader.socket(number)
    if socket.calls and socket.last < seq:
        return socket.calls
    return bisect_left(range(socket.calls), seq, key=lambda n: reader.nth(socket, n))
