"""The calls that a pane shows, in order: all of a capture, or one socket's."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from socktui.core.call import Call, Function, Layer
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader

REMEMBERED = 4096
REMEMBERED_CALLS = 512
CARRY_STEPS = 64
"""How many calls of a socket are looked at for those of a kind."""


class CallSequence:
    """A sequence of calls by position, from 0. Any position is found without counting up to it.

    socket   the number of the socket whose calls these are; None for all calls of the capture
    """

    def __init__(self, reader: Reader, socket: int | None = None) -> None:
        self.reader = reader
        self.number = socket
        self._length = 0
        self._socket: Socket | None = None
        self._seqs: dict[int, int] = {}
        self._calls: dict[int, Call] = {}
        self._ends: dict[tuple[int, Function], int] = {}
        self._schemes: dict[int, str] = {}
        self.refresh()

    def __len__(self) -> int:
        return self._length

    def refresh(self) -> None:
        """Look how long it is by now."""
        before = self._length
        if self.number is None:
            self._length = self.reader.count
        else:
            socket = self.reader.socket(self.number)
            # The slot may be ahead of the count that was read before it: then the next look will do.
            if socket.last < self.reader.count:
                self._socket, self._length = socket, socket.calls
        if self._length != before:
            self._ends.clear()

    def seq(self, position: int) -> int:
        """The number in the capture of the call at a position."""
        if self.number is None:
            return position
        found = self._seqs.get(position)
        if found is None:
            assert self._socket
            following = self._seqs.get(position + 1)
            before = self.reader.before(following) if following is not None else None
            found = before if before is not None else self.reader.nth(self._socket, position)
            if len(self._seqs) >= REMEMBERED:
                self._seqs.clear()
            self._seqs[position] = found
        return found

    def call(self, position: int) -> Call:
        found = self._calls.get(position)
        if found is None:
            if len(self._calls) >= REMEMBERED_CALLS:
                self._calls.clear()
            found = self._calls[position] = self.reader.call(self.seq(position))
        return found

    def position(self, seq: int) -> int:
        """The inverse of seq()."""
        return seq if self.number is None else self.reader.rank(seq)

    def scheme(self, number: int) -> str:
        """The scheme of the endpoint that a socket was made for."""
        scheme = self._schemes.get(number)
        if scheme is None:
            if len(self._schemes) >= REMEMBERED:
                self._schemes.clear()
            scheme = self._schemes[number] = self.reader.socket(number).scheme
        return scheme

    def carry(self, call: Call) -> bytes:
        """The last bytes, up to 3, that went the same way on the same socket before this call's; none for a message.

        They are what a decoder needs to go on in the middle of a character.
        """
        found = b""
        if call.message or not call.offset:
            return found
        for earlier in self._back_from(self.reader.before(call.seq)):
            if len(found) >= 3:
                break
            if earlier.name is call.name and earlier.length:
                found = (self.reader.data(earlier, max(0, earlier.length - 3)) or b"") + found
        return found[-3:]

    def newest(self, call: Call) -> bool:
        """Whether no later bytes have gone the same way on its socket, by what the last refresh() that had news saw.

        What is painted must not change between two looks: a row that was laid out would be missing. A message has
        nothing to wait for.
        """
        if call.message:
            return True
        key = call.socket, call.name
        end = self._ends.get(key)
        if end is None:
            if len(self._ends) >= REMEMBERED:
                self._ends.clear()
            end = self._ends[key] = self._end(call)
        return call.offset + call.length >= end

    def _end(self, call: Call) -> int:
        """How many bytes have gone the same way on its socket; one more than can be where that is not at hand."""
        socket = self.reader.socket(call.socket)
        if call.layer is Layer.WIRE:
            return socket.sent if call.sends else socket.received
        last = (each for each in self._back_from(socket.last) if each.name is call.name and each.length)
        return next((each.offset + each.length for each in last), sys.maxsize)

    def _back_from(self, seq: int | None) -> Iterator[Call]:
        """The calls of a socket before one and that one, the newest first; no more of them than can be looked at."""
        for _ in range(CARRY_STEPS):
            if seq is None:
                return
            yield self.reader.call(seq)
            seq = self.reader.before(seq)
