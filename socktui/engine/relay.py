"""Moving bytes: from this connection to that one, to itself (echo), or to nowhere (discard).

A relay is an object, no coroutine: it is called when its source can be received from, or when its sink has room again.
What is received goes into the capture's ring and is sent from there; nothing is copied in between. It is in one of
these states:

    READS             waits for something to receive           (its source's EPOLLIN)
    WRITES            has bytes that the kernel did not take   (its turn to send on its sink, then EPOLLOUT)
    WAITS_FOR_DISK    waits for room in the ring               (its turn among all that wait for the disk)
    LENT              a taker does the work: a relay in C (fastpath.py)
    ENDED             the peer's FIN came, a call failed, a connection was closed here, or it was stopped

The peer's FIN and an error are kept apart, and an error says whose it is. What follows from it (a half-close, a RST,
nothing) is the business of whoever started the relay.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from socktui.core.connection import ClosedHereError, RelayError
from socktui.engine.connection import SocketConnection
from socktui.engine.lock import Lock
from socktui.engine.poller import Poller
from socktui.engine.space import Space, SpaceQueue, SpaceWaiter
from socktui.engine.traced import END, TracedSocket
from socktui.engine.watch import Watch


class Relayable(SocketConnection):
    """A connection with its socket to itself, whose bytes a relay can move.

    watch    its readiness
    sending  held by whoever sends
    relays   those that it is the source or the sink of
    """

    __slots__ = ("relays", "sending", "watch")

    def __init__(self, traced: TracedSocket, poller: Poller) -> None:
        super().__init__(traced)
        self.watch = Watch(poller, traced.fd)
        self.sending = Lock()
        self.relays: tuple[Relay, ...] = ()

    def take_back(self) -> None:
        """Take back its relays that are lent: they work here before anything else is done with the socket."""
        for relay in self.relays:
            relay.take_back()

    @abstractmethod
    def receive_now(self, at: int, view: memoryview) -> int | None:
        """Receive once into the heap's memory at `at`: how many bytes; None for EAGAIN, END at the end. OSError."""

    @abstractmethod
    def send_now(self, data: bytes | memoryview, at: int) -> int | None:
        """Send once what stands at `at` of the heap: how many bytes the kernel took; None for EAGAIN. OSError."""


class State(Enum):
    """What a relay waits for."""

    READS = auto()
    WRITES = auto()
    WAITS_FOR_DISK = auto()
    LENT = auto()
    ENDED = auto()


class Relay:
    """Sends all that `source` receives to `sink`, which may be the same, or None: nowhere.

    ended  called once with the relay when it is over by itself: with None at the peer's FIN, or the RelayError
    left   bytes that were received and are still to be sent, while it WRITES; they stand at `left_at` of the heap
    """

    __slots__ = ("_ended", "_ring", "_space", "_taker", "_turn", "left", "left_at", "sink", "source", "state")

    def __init__(
        self,
        ring: SpaceQueue,
        source: Relayable,
        sink: Relayable | None,
        ended: "Callable[[Relay, RelayError | None], None]",
    ) -> None:
        self._ring = ring
        self._ended = ended
        self._space: SpaceWaiter | None = None
        self._turn: asyncio.Future[None] | None = None
        self._taker: RelayTaker | None = None
        self.source = source
        self.sink = sink
        self.left = b""
        self.left_at = 0
        self.state = State.ENDED

    def start(self, taker: "RelayTaker | None" = None, *, left: bytes = b"", left_at: int = 0) -> None:
        """Begin, with bytes that are `left` of what was received before. `taker` may do the work instead."""
        self.source.relays += (self,)
        if self.sink is not None and self.sink is not self.source:
            self.sink.relays += (self,)
        self.resume(left, left_at)
        if taker and not left:
            taker.take(self)

    def stop(self) -> None:
        """End the relay, without calling `ended`."""
        self.take_back()
        if self.state is State.ENDED:
            return
        self._leave_off()
        self.state = State.ENDED
        for connection in (self.source, self.sink):
            if connection is not None:
                connection.relays = tuple(each for each in connection.relays if each is not self)

    def lend(self, taker: "RelayTaker") -> None:
        """Have `taker` do the work until resume()."""
        self._leave_off()
        self.source.watch.release()
        self.state = State.LENT
        self._taker = taker

    def take_back(self) -> None:
        """Do the work here again, where it is lent."""
        if self.state is State.LENT:
            assert self._taker is not None
            self._taker.give_back(self)

    def resume(self, left: bytes = b"", left_at: int = 0) -> None:
        """Go on here, first sending what is `left` of the bytes received."""
        self._taker = None
        if left:
            self._write(left, left_at)
        else:
            self._read()

    def finish(self) -> None:
        """End by the peer's FIN, which the taker has received."""
        self._end(None)

    def fail(self, connection: Relayable, error: OSError) -> None:
        """End by a call on `connection` that failed."""
        self._end(RelayError(connection, error))

    def closed(self, connection: Relayable) -> None:
        """End because `connection`, one of its two, is being closed here."""
        self.fail(connection, ClosedHereError())

    # Reading

    def _read(self) -> None:
        self.state = State.READS
        self.source.watch.on_readable(self._readable)

    def _readable(self) -> None:
        space = self._ring.now(self.source.buffer)
        if space is None:
            self.source.watch.on_readable(None)
            self.state = State.WAITS_FOR_DISK
            self._space = self._ring.join(self.source.buffer, self._room)
        else:
            self._move(space)

    def _room(self) -> None:
        """There may be room in the ring."""
        if self._space and (space := self._space.take()):
            self._space = None
            self._read()
            self._move(space)

    def _move(self, space: Space) -> None:
        """Receive once, and send that."""
        at, view = space
        source, sink = self.source, self.sink
        try:
            length = source.receive_now(at, view)
        except OSError as error:
            self.fail(source, error)
            return
        if length is None:
            return
        if length == END:
            self._end(None)
            return
        if sink is None:
            return
        taken: int | None = None
        if not sink.sending.locked:
            try:
                taken = sink.send_now(view[:length], at)
            except OSError as error:
                self.fail(sink, error)
                return
        if taken != length:
            # The ring's memory may serve others while this waits: what is left is taken out of it.
            taken = taken or 0
            source.watch.on_readable(None)
            self._write(bytes(view[taken:length]), at + taken)

    # Writing

    def _write(self, left: bytes, at: int) -> None:
        """Send what is left when it can be sent, and then read on."""
        assert self.sink is not None
        self.state = State.WRITES
        self.left, self.left_at = left, at
        if self.sink.sending.acquire_nowait():
            self.sink.watch.on_writable(self._writable)
        else:
            self._turn = self.sink.sending.acquire_later()
            self._turn.add_done_callback(self._turn_came)

    def _turn_came(self, turn: "asyncio.Future[None]") -> None:
        if not turn.cancelled() and turn is self._turn and self.sink:
            self._turn = None
            self.sink.watch.on_writable(self._writable)

    def _writable(self) -> None:
        sink = self.sink
        assert sink is not None
        try:
            taken = sink.send_now(self.left, self.left_at)
        except OSError as error:
            self.fail(sink, error)
            return
        if taken is None:
            return
        self.left, self.left_at = self.left[taken:], self.left_at + taken
        if not self.left:
            self._leave_off()
            self._read()

    # The end

    def _leave_off(self) -> None:
        """Wait for nothing any more."""
        match self.state:
            case State.READS:
                self.source.watch.on_readable(None)
            case State.WAITS_FOR_DISK:
                assert self._space is not None
                self._space.cancel()
                self._space = None
            case State.WRITES:
                assert self.sink is not None
                if self._turn is None:
                    self.sink.watch.on_writable(None)
                    self.sink.sending.release()
                elif not self._turn.cancel():
                    self.sink.sending.release()  # it had come, in this turn of the loop
                self._turn = None
            case State.LENT | State.ENDED:
                pass

    def _end(self, error: RelayError | None) -> None:
        if self.state is not State.ENDED:
            self.stop()
            self._ended(self, error)


class RelayTaker(Protocol):
    """Moves the bytes of relays in their place."""

    def take(self, relay: Relay) -> None:
        """Do the work of a relay that has just begun, by Relay.lend(), if it can be done."""

    def give_back(self, relay: Relay) -> None:
        """Do it no more: call Relay.resume(), fail() or finish(), of this one and of those that depend on it."""
