"""The workbench: it owns the sockets and the jobs that run on them, and carries out the verbs."""

import asyncio
import errno as errnos
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BACKLOG, BUFFER_SIZE, CONNECT_SECONDS
from socktui.engine.carrying import Carrying, carries
from socktui.engine.connection import Connection
from socktui.engine.context import EngineContext
from socktui.engine.listener import Listener, Listening
from socktui.engine.tcp import Attempts
from socktui.engine.transports import TRANSPORTS
from socktui.jobs.job import Job, run
from socktui.jobs.poller import Poller
from socktui.journal.writer import Journal

CHUNK, MESSAGE = 65536, 8192
"""How much of a file is sent at a time, of a stream and as a message."""

CLOSING_SECONDS = 2.0

_log = logging.getLogger(__name__)

ServiceFunction = Callable[[Connection], Coroutine[Any, Any, None]]


class NoSuchSocket(SocketError):
    """The socket that a verb names is not open (any more), or is of another kind."""


@dataclass(slots=True)
class Serving:
    """A listener and what it does with a connection."""

    listener: Listening
    service: ServiceFunction


@dataclass(slots=True)
class Held:
    """A connection and the jobs on it: the one that runs its service, and those that send what was typed.

    ending  the goodbye is being said
    """

    connection: Connection
    ending: bool = False
    jobs: set[Job] = field(default_factory=set)


class SocketTable:
    """All sockets of the engine. Numbers are those of the sockets in the capture."""

    def __init__(self, poller: Poller, journal: Journal) -> None:
        self._context = EngineContext(poller, journal)
        self._carrying = Carrying(self._context) if carries() else None
        self._listeners: dict[int, Serving] = {}
        self._connections: dict[int, Held] = {}
        self._attempts: Attempts = {}

    # Verbs

    async def listen(
        self,
        endpoint: Endpoint,
        service: ServiceFunction,
        name: str,
        *,
        buffer: int = BUFFER_SIZE,
        backlog: int = BACKLOG,
        echoes: bool | None = None,
    ) -> tuple[int, str]:
        """Listen, and run `service` on every connection; the listener's number and what there is to say of it.

        echoes  the service does nothing but send back what comes (True), or throw it away (False)
        Raises OSError, socket.gaierror.
        """
        transport = TRANSPORTS[endpoint.scheme]()
        listener = await transport.listen(self._context, endpoint, name, backlog, self._accepted)
        listener.buffer = buffer
        number = listener.traced.number
        self._listeners[number] = Serving(listener, service)
        if self._carrying and echoes is not None and transport.carried and isinstance(listener, Listener):

            def begin(connection: Connection) -> None:
                connection.buffer = listener.buffer
                self._begin(connection, service)

            self._carrying.carry(listener, begin, echoes=echoes)
        return number, listener.note

    async def connect(
        self,
        endpoint: Endpoint,
        service: ServiceFunction,
        *,
        seconds: float = CONNECT_SECONDS,
        buffer: int = BUFFER_SIZE,
    ) -> int:
        """Connect, and run `service` on the connection; its number, once bytes can be sent.

        Raises OSError, socket.gaierror.
        """
        transport = TRANSPORTS[endpoint.scheme]()
        connection = await transport.connect(self._context, endpoint, self._attempts, seconds)
        connection.buffer = buffer
        begun = self._begin(connection, service)
        try:
            await _unless_closed(asyncio.shield(begun))
        except asyncio.CancelledError:  # given up within its handshake
            if held := self._connections.get(connection.traced.number):
                self._end(held)
            raise
        return connection.traced.number

    async def send(self, number: int, data: bytes, kind: str = "") -> int:
        """Send bytes on a connection, behind what it is sending; how many. Raises OSError, NoSuchSocket.

        kind  of a WebSocket's message: text, binary, ping, pong or close
        """
        await self._on(number, lambda connection: connection.send(data, kind))
        return len(data)

    async def send_file(self, number: int, path: Path) -> int:
        """Send a file's bytes as they are, a piece at a time; how many. Raises OSError, NoSuchSocket."""
        with _open(path) as file:
            total = 0

            async def pieces(connection: Connection) -> None:
                nonlocal total
                while piece := file.read(MESSAGE if connection.messages else CHUNK):
                    await connection.send(piece)
                    total += len(piece)

            await self._on(number, pieces)
            return total

    async def shutdown(self, number: int) -> None:
        """Half-close: send a FIN, go on receiving. Raises OSError, NoSuchSocket."""
        await self._on(number, lambda connection: connection.shutdown())

    async def close(self, number: int) -> None:
        """Close a connection, give up one in progress, or stop a listener (its connections go on).

        A connection that has a goodbye to say says it first, for so long as GOODBYE_SECONDS; asked again, it is
        closed at once. Raises NoSuchSocket.
        """
        if serving := self._listeners.pop(number, None):
            serving.listener.close()
            for peer in [held for held in self._connections.values() if not held.connection.socket.open]:
                self._drop(peer)  # of a datagram socket: it had no other
            return
        self._introduce(number)
        held = self._connections.get(number)
        if held is None or held.ending:
            self._close(number)
            return
        held.ending = True
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._on(number, lambda connection: connection.closing_handshake())
        except (OSError, TimeoutError):
            pass  # the peer did not want to hear it
        if held.connection.traced.fd >= 0:
            self._end(held)

    async def reset(self, number: int) -> None:
        """Close a connection with a RST. Raises NoSuchSocket."""
        self._close(number, reset=True)

    def set_buffer(self, number: int, size: int) -> None:
        """Set how many bytes each recv() asks for, on a connection or on all those of a listener."""
        serving = self._listeners.get(number)
        if serving is None:
            self._connection(number).connection.buffer = size
            return
        serving.listener.buffer = size
        if self._carrying:
            self._carrying.set_buffer(number, size)
        for held in self._connections.values():
            if held.connection.socket.parent == number:
                held.connection.buffer = size

    def end(self) -> None:
        """Say goodbye: close every socket."""
        if self._carrying:
            self._carrying.end()
        for number in [*self._attempts, *self._connections]:
            try:
                self._close(number)
            except NoSuchSocket:
                pass  # it ended with another
        for serving in self._listeners.values():
            serving.listener.close()
        self._listeners.clear()

    # Connections

    def _accepted(self, connection: Connection) -> None:
        serving = self._listeners[connection.socket.parent]
        connection.buffer = serving.listener.buffer
        self._begin(connection, serving.service)

    def _begin(self, connection: Connection, service: ServiceFunction) -> "asyncio.Future[None]":
        """Run a service on a connection; a future that is done when the connection can be used."""
        held = self._connections[connection.traced.number] = Held(connection)
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(error: BaseException | None) -> None:
            held.jobs.discard(job)
            self._end(held)
            if not begun.done():
                begun.set_exception(error) if isinstance(error, OSError) else begun.cancel()
                begun.cancelled() or begun.exception()  # seen: perhaps nobody waits for it
            if error is not None and not isinstance(error, OSError):
                _log.error("the service of socket %d failed", connection.traced.number, exc_info=error)

        async def serve() -> None:
            await connection.begin()
            begun.set_result(None)
            await _once(service, connection)
            while await connection.next_datagram():
                await _once(service, connection)
            await connection.drain()  # what somebody typed meanwhile goes out as well
            await connection.closing_handshake()

        job = Job(serve(), ended)
        held.jobs.add(job)
        job.step()
        return begun

    def _close(self, number: int, *, reset: bool = False) -> None:
        if attempt := self._attempts.get(number):
            connection, job = attempt
            connection.reset() if reset else connection.close()
            job.cancel()
        else:
            self._end(self._connection(number), reset=reset)

    def _end(self, held: Held, *, reset: bool = False) -> None:
        """Take a connection away and end what runs on it. A descriptor is free then: listeners may go on."""
        if held.connection.traced.fd >= 0:
            held.connection.reset() if reset else held.connection.close()
        self._drop(held)
        for serving in self._listeners.values():
            serving.listener.resume()

    def _drop(self, held: Held) -> None:
        self._connections.pop(held.connection.traced.number, None)
        for job in list(held.jobs):
            job.cancel()

    async def _on(self, number: int, work: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
        """Run something on a connection, as one of its jobs. ECANCELED where it is closed meanwhile."""
        held = self._connection(number)
        job, done = run(work(held.connection))
        held.jobs.add(job)
        try:
            await _unless_closed(done)
        finally:
            held.jobs.discard(job)
            job.cancel()

    def _introduce(self, number: int) -> None:
        """Make a connection one of ours that was carried so far."""
        if self._carrying and number not in self._connections:
            self._carrying.introduce(number)

    def _connection(self, number: int) -> Held:
        self._introduce(number)
        held = self._connections.get(number)
        if held is None:
            if number in self._attempts:
                raise NoSuchSocket(ErrorCode.STILL_CONNECTING, socket=number)
            raise NoSuchSocket(ErrorCode.NO_OPEN_CONNECTION, socket=number)
        return held


async def _once(service: ServiceFunction, connection: Connection) -> None:
    """Run a service to its end. A datagram that could not be sent ends nothing: the next one may be answered."""
    try:
        await service(connection)
    except OSError:
        if not connection.socket.datagrams:
            raise


def _open(path: Path) -> BinaryIO:
    """A file to be read to its end. Raises OSError for what may have none, such as a pipe or a device."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind):
        return open(fd, "rb")
    os.close(fd)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errnos.EISDIR, os.strerror(errnos.EISDIR), str(path))
    raise SocketError(ErrorCode.NOT_A_REGULAR_FILE, path=str(path))


async def _unless_closed(done: Awaitable[None]) -> None:
    try:
        await done
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise SocketError(ErrorCode.CLOSED_MEANWHILE, errnos.ECONNABORTED) from None
