"""The fast path: relays without Python, where there was a compiler when the program was installed.

This is the one module that knows of C (_fastpath.c, _relay.c). What is done there is accept(2), recv(2) and send(2),
each recorded as it is made. A connection that a listener has accepted there is known to the kernel, to the capture
and to C, and to nobody else, until something is to be done on it that a relay does not do: its end, an error, a verb
of the user's. Then it is handed over: made a Stream, as if its listener had accepted it just now. The relays of
connections that are there already are lent to C, and given back as soon as anything else is to be done on them.
"""

import os
import socket as sockets
from collections.abc import Callable
from typing import NamedTuple

from socktui.core.call import Function
from socktui.core.service import RelayTo
from socktui.engine.context import EngineContext
from socktui.engine.listener import Listener, Listening
from socktui.engine.relay import Relay, State
from socktui.engine.space import SpaceWaiter
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from socktui.journal.heap import RESERVE

try:
    from socktui.engine._fastpath import Mover
except ImportError:
    COMPILED = False
else:
    COMPILED = True

PURE = "SOCKTUI_PURE"
"""The environment variable that has everything done by Python, unless it is empty."""

NOWHERE = -1
"""In place of a descriptor: what is received is thrown away (_relay.h)."""


class Handoff(NamedTuple):
    """A connection to go on with.

    left   bytes at `left_at` of the heap that are received and still to be sent
    error  why it cannot go on: a call that failed, and is recorded
    """

    connection: Stream
    left: bytes
    left_at: int
    error: OSError | None


HandedOver = Callable[[Handoff], None]


def wanted() -> bool:
    """Whether C does the work of relays in an engine that is started now."""
    return COMPILED and not os.environ.get(PURE)


class FastPath:
    """None: everything is done by Python."""

    def accept(self, listener: Listening, to: RelayTo, handed_over: HandedOver) -> None:
        """Accept and relay the connections of a listener, where that can be done.

        handed_over  told of each that Python has to go on with
        """

    def set_buffer(self, number: int, size: int) -> None:
        """How many bytes each recv() asks for on the connections of listener `number`, and on connection `number`."""

    def hand_over(self, number: int) -> None:
        """Hand over connection `number` of a listener to Python, where only C knows it."""

    def end(self) -> None:
        """Hand over every connection, and stop."""


def of(context: EngineContext) -> FastPath:
    """The fast path of an engine."""
    return CompiledFastPath(context) if wanted() else FastPath()


class _Handed(NamedTuple):
    """What C leaves to Python: a socket, or a listener (then `number` is its own) whose accept() failed.

    listener  that accepted it; 0 for one that was relayed from here
    name      of a call that was made and is to be recorded; 0 for none
    """

    fd: int
    number: int
    listener: int
    left: bytes
    left_at: int
    name: int
    began: int
    ended: int
    result: int
    errno: int
    size: int

    @property
    def error(self) -> OSError | None:
        return OSError(self.errno, os.strerror(self.errno)) if self.errno else None


class CompiledFastPath(FastPath):
    """All that C moves, and the way back from there. It is a Delegate of listeners, and the RelayTaker of relays."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._mover = Mover(context.poller.fileno(), *context.journal.maps, RESERVE)
        self._listeners: dict[int, tuple[Listener, HandedOver]] = {}
        self._lent: dict[int, Relay] = {}
        self._largest = 0
        self._hunger: SpaceWaiter | None = None
        context.relay_taker = self

    # Listeners

    def accept(self, listener: Listening, to: RelayTo, handed_over: HandedOver) -> None:
        if not isinstance(listener, Listener) or listener.socket.scheme != "tcp":
            return  # something is between its connections and their services, or is to be asked of each
        traced = listener.traced
        self._listeners[traced.number] = listener, handed_over
        names = self._context.journal.names_around_peer(traced.entry)
        self._mover.listen(traced.fd, traced.number, listener.buffer, to is RelayTo.ITSELF, *names)
        self._begin(listener.buffer)
        listener.delegate(self)

    def stop(self, listener: Listener) -> None:
        """Accept no more. The listener's connections go on."""
        self._mover.stop(listener.traced.fd)

    def set_buffer(self, number: int, size: int) -> None:
        self._largest = max(self._largest, size)
        self._mover.set_buffer(number, size)
        if relay := self._lent.get(number):
            self.give_back(relay)

    def hand_over(self, number: int) -> None:
        if self._mover.take(number):
            self._reap()

    def end(self) -> None:
        self._mover.take(0)
        self._reap()
        self._context.poller.unhook()

    # Relays

    def take(self, relay: Relay) -> None:
        """Relay.start()"""
        relays = (relay, *_way_back(relay))
        if not all(map(_can_be_lent, relays)) or (len(relays) == 1 and relay.sink not in (None, relay.source)):
            return
        for each in relays:
            each.lend(self)
            source, sink = each.source.traced, each.sink.traced if each.sink else None
            self._lent[source.number] = each
            self._mover.relay(source.fd, source.number, sink.fd if sink else NOWHERE, each.source.buffer)
            self._begin(each.source.buffer)

    def give_back(self, relay: Relay) -> None:
        """Relay.take_back()"""
        self._mover.take(relay.source.number)
        self._reap()

    # The way back

    def _begin(self, buffer: int) -> None:
        self._largest = max(self._largest, buffer)
        self._context.poller.wait = self._wait

    def _wait(self, timeout: float | None) -> list[tuple[int, int]]:
        found, news = self._mover.poll(-1 if timeout is None else timeout, bool(self._context.ring))
        if news:
            self._reap()
        return found

    def _reap(self) -> None:
        """Take over what C has recorded, and go on with what it leaves."""
        kept, handed, starved = self._mover.reap()
        self._context.journal.appended(kept)
        if starved and self._hunger is None:
            if self._context.ring.now(self._largest):  # there is, since C does not take the ring's older half back
                self._mover.feed()
            else:
                self._hunger = self._context.ring.join(self._largest, self._feed)
        found = [_Handed(*each) for each in handed]
        self._resume([(each, relay) for each in found if (relay := self._lent.pop(each.number, None))])
        for each in found:
            if each.listener:
                self._go_on(each)

    def _feed(self) -> None:
        """Let those that starve receive, when it is their turn among all that wait for the disk."""
        if self._hunger and self._hunger.take():
            self._hunger = None
            self._mover.feed()

    def _record(self, handed: _Handed, traced: TracedSocket) -> None:
        if handed.name:
            self._context.journal.append_call(
                traced.entry,
                Function(handed.name),
                handed.began,
                handed.ended,
                handed.result,
                handed.errno,
                size=handed.size,
            )

    def _go_on(self, handed: _Handed) -> None:
        listener, handed_over = self._listeners[handed.listener]
        if handed.number == handed.listener:
            listener.refused(handed.began, handed.ended, handed.errno)
            return
        journal = self._context.journal
        sock = sockets.socket(listener.family, sockets.SOCK_STREAM, 0, fileno=handed.fd)
        sock.setblocking(False)
        traced = TracedSocket(journal, sock, journal.restore(handed.number))
        self._record(handed, traced)
        handed_over(Handoff(Stream(self._context, traced), handed.left, handed.left_at, handed.error))

    def _resume(self, given_back: list[tuple[_Handed, Relay]]) -> None:
        """Have relays go on in Python, or be over by what failed."""
        for handed, relay in given_back:
            self._context.journal.reload(relay.source.traced.entry)
            self._record(handed, relay.source.traced)
        for handed, relay in given_back:
            relay.resume(handed.left, handed.left_at)
        for handed, relay in given_back:
            source = relay.source
            if handed.name == Function.RECV:
                relay.fail(source, handed.error) if handed.error else relay.finish()
            elif handed.error:  # of a send, by the relay whose sink this is
                for each in source.relays:
                    if each.sink is source:
                        each.fail(source, handed.error)


def _way_back(relay: Relay) -> list[Relay]:
    """The relay that goes the other way between the same two connections."""
    if relay.sink is None or relay.sink is relay.source:
        return []
    return [each for each in relay.sink.relays if each.source is relay.sink and each.sink is relay.source]


def _can_be_lent(relay: Relay) -> bool:
    """Whether a relay moves the bytes of plain streams, and nobody else waits for anything there."""
    source = relay.source
    return (
        relay.state is State.READS
        and isinstance(source, Stream)
        and source.watch.only_read
        and not source.sending.locked
        and source.traced.entry.plain
    )
