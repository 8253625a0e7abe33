"""Carrying connections in C, where there was a compiler when the program was installed.

A carried connection is known to the kernel, to the capture and to _carry.c, and to nobody here, until something is
to be done on it that C does not do: its end, an error, a verb of the user's. Then it is introduced: made a Stream, as
if its listener had accepted it just now.
"""

import os
import socket as sockets
from collections.abc import Callable
from typing import NamedTuple

from socktui.core.call import Function
from socktui.engine.connection import Connection
from socktui.engine.context import EngineContext
from socktui.engine.listener import Listener
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from socktui.jobs.job import Job
from socktui.jobs.loop import pure
from socktui.journal.heap import RESERVE

try:
    from socktui.engine._carry import Carrier
except ImportError:
    COMPILED = False
else:
    COMPILED = True


class Handed(NamedTuple):
    """What C leaves to Python: a connection, or a listener (then `number` is its own) whose accept() failed.

    owed  bytes at `owed_at` of the heap that are received and still to be sent
    name  of a call that was made and is to be recorded; 0 for none
    """

    fd: int
    number: int
    listener: int
    owed: bytes
    owed_at: int
    name: int
    began: int
    ended: int
    result: int
    errno: int
    size: int


def carries() -> bool:
    """Whether connections are carried in C: it is there, and wanted."""
    return COMPILED and not pure()


class Carrying:
    """All that is carried, and the way from there to the workbench."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._carrier = Carrier(context.poller.fileno(), *context.journal.maps, RESERVE)
        self._listeners: dict[int, tuple[Listener, Callable[[Connection], None]]] = {}
        self._largest = 0
        self._feeding = False

    def carry(self, listener: Listener, begin: Callable[[Connection], None], *, echoes: bool) -> None:
        """Carry the connections of a listener, which is a plain one, while nothing but this is to be done on them.

        begin   told of a connection that is introduced
        echoes  what comes is sent back; else it is thrown away
        """
        number = listener.traced.number
        self._listeners[number] = listener, begin
        names = self._context.journal.names_around_peer(listener.traced.entry)
        self._carrier.listen(listener.traced.fd, number, listener.buffer, echoes, *names)
        self._largest = max(self._largest, listener.buffer)
        listener.carried(self)
        self._context.poller.wait = self._wait

    def stop(self, listener: Listener) -> None:
        """Accept no more. The listener's connections are carried on."""
        self._carrier.stop(listener.traced.fd)

    def set_buffer(self, number: int, size: int) -> None:
        """How many bytes each recv() asks for on the connections of a listener."""
        self._largest = max(self._largest, size)
        self._carrier.set_buffer(number, size)

    def introduce(self, number: int) -> bool:
        """Make a carried connection one like all others; whether it was one."""
        found = self._carrier.take(number)
        self._take_over()
        return found

    def end(self) -> None:
        """Introduce all, and carry nothing any more."""
        self._carrier.take(0)
        self._take_over()
        self._context.poller.unhook()

    def _wait(self, timeout: float | None) -> list[tuple[int, int]]:
        found, news = self._carrier.poll(-1 if timeout is None else timeout, bool(self._context.disk.waiting))
        if news:
            self._take_over()
        return found

    def _take_over(self) -> None:
        kept, handed, starved = self._carrier.reap()
        self._context.journal.appended(kept)
        if starved and not self._feeding:
            self._feeding = True
            Job(self._feed(), lambda _: None).step()
        for each in handed:
            self._go_on(Handed(*each))

    async def _feed(self) -> None:
        """Let those that starve receive, when it is their turn among all that wait for the disk."""
        await self._context.room(self._largest)
        self._feeding = False
        self._carrier.feed()

    def _go_on(self, handed: Handed) -> None:
        listener, begin = self._listeners[handed.listener]
        if handed.number == handed.listener:
            listener.refused(handed.began, handed.ended, handed.errno)
            return
        journal = self._context.journal
        entry = journal.restore(handed.number)
        sock = sockets.socket(listener.family, sockets.SOCK_STREAM, 0, fileno=handed.fd)
        sock.setblocking(False)
        if handed.name:
            journal.append_call(
                entry, Function(handed.name), handed.began, handed.ended, handed.result, handed.errno, size=handed.size
            )
        begin(Introduced(self._context, TracedSocket(journal, sock, entry), handed))


class Introduced(Stream):
    """A connection that was carried so far: first it sends what it owes its peer, or says what failed."""

    __slots__ = ("_handed",)

    def __init__(self, context: EngineContext, traced: TracedSocket, handed: Handed) -> None:
        super().__init__(context, traced)
        self._handed = handed

    async def begin(self) -> None:
        if self._handed.errno:
            raise OSError(self._handed.errno, os.strerror(self._handed.errno))
        if self._handed.owed:
            await self._send_kept(self._handed.owed, self._handed.owed_at)
