"""The calls that a pane shows, in order: all of a capture, or one socket's."""

from __future__ import annotations

from socktui.core.call import Call, Function
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from socktui.journal.stream import Stream

REMEMBERED = 4096
"""Numbers that are remembered of each kind, until they are forgotten all together."""

REMEMBERED_CALLS = 512
"""Calls that are remembered: more than a screen shows."""


class CallSequence:
    """Calls by position, from 0. Any position is found without counting up to it.

    Widgets that show the same calls may share a sequence; it grows at refresh() only.

    reader  of the capture
    number  of the socket whose calls these are; None for all calls of the capture
    """

    def __init__(self, reader: Reader, socket: int | None = None) -> None:
        self.reader = reader
        self.number = socket
        self._length = 0
        self._socket: Socket | None = None
        self._seqs: dict[int, int] = {}
        self._calls: dict[int, Call] = {}
        self._ends: dict[tuple[int, Function], int | None] = {}
        self._schemes: dict[int, str] = {}
        self.refresh()

    def __len__(self) -> int:
        return self._length

    def refresh(self) -> None:
        """Take in the calls that the reader has come to know."""
        before = self._length
        if self.number is None:
            self._length = self.reader.count
        else:
            socket = self.reader.socket(self.number)
            # A live slot may be ahead of the reader's count: then the next refresh() takes it in.
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
        """The call at a position."""
        found = self._calls.get(position)
        if found is None:
            if len(self._calls) >= REMEMBERED_CALLS:
                self._calls.clear()
            found = self._calls[position] = self.reader.call(self.seq(position))
        return found

    def position(self, seq: int) -> int:
        """The position of a call of the sequence, by its number in the capture: the inverse of seq()."""
        return seq if self.number is None else self.reader.rank(seq)

    def scheme(self, number: int) -> str:
        """The scheme of the endpoint that a socket was made for; empty where it is not known."""
        scheme = self._schemes.get(number)
        if scheme is None:
            if len(self._schemes) >= REMEMBERED:
                self._schemes.clear()
            scheme = self._schemes[number] = self.reader.socket(number).scheme
        return scheme

    def newest(self, call: Call) -> bool:
        """Whether no later bytes of its stream have moved, as of the last refresh() that found new calls.

        The answer must not change between two refreshes: a row that was laid out with it would be missing when it is
        painted. A message is complete, whatever follows it.
        """
        if call.message:
            return True
        stream = call.socket, call.name
        if stream not in self._ends:
            if len(self._ends) >= REMEMBERED:
                self._ends.clear()
            self._ends[stream] = Stream.of(self.reader, call).end
        end = self._ends[stream]
        return end is not None and call.offset + call.length >= end
