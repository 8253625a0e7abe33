"""The table of sockets: all that the engine has open, the tasks and relays that run on them, and the verbs."""

import asyncio
import errno as errnos
import os
import stat
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from socktui.core.connection import ClosedHereError, Connection, RelayError
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BACKLOG, BUFFER_SIZE, CONNECT_SECONDS
from socktui.core.service import RelayTo, ServiceFunction
from socktui.engine import fastpath
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext, unexpected
from socktui.engine.fastpath import Handoff
from socktui.engine.listener import Listening
from socktui.engine.poller import Poller
from socktui.engine.relay import Relay, Relayable
from socktui.engine.transports import TRANSPORTS
from socktui.journal.writer import Journal

CHUNK, MESSAGE = 65536, 8192
"""How much of a file is sent at a time, of a stream and as a message."""

CLOSING_SECONDS = 2.0
"""For the closing handshake of a connection that is closed by a verb."""


class NoSuchSocket(SocketError):
    """The socket that a verb names is not open (any more), or is of another kind."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A listener and what it does with a connection.

    relay  all that the service does is to move bytes there: no task is needed for that
    """

    listener: Listening
    service: ServiceFunction
    relay: RelayTo | None


@dataclass(slots=True)
class Resident:
    """A connection of the table.

    runner   the task of its service, or the relay in its place; None of one that a service has dialed
    users    verbs that do something on it
    closing  the closing handshake is going on
    """

    connection: SocketConnection
    runner: "asyncio.Task[None] | Relay | None" = None
    users: "tuple[Use, ...]" = ()
    closing: bool = False


class Use:
    """While a verb does something on a connection. It is given up when that is closed: ClosedHereError is raised."""

    def __init__(self, resident: Resident) -> None:
        self._resident = resident
        self._over = False

    async def __aenter__(self) -> SocketConnection:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._resident.users += (self,)
        return self._resident.connection

    def give_up(self) -> None:
        """The connection is being closed."""
        self._over = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._resident.users = tuple(each for each in self._resident.users if each is not self)
        # As asyncio.timeout() tells its own cancellation from that of others.
        if self._over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ClosedHereError from error


class SocketTable:
    """All sockets of the engine. Numbers are those of the sockets in the capture."""

    def __init__(self, poller: Poller, journal: Journal) -> None:
        self._context = EngineContext(poller, journal)
        self._fastpath = fastpath.of(self._context)
        self._listeners: dict[int, Serving] = {}
        self._residents: dict[int, Resident] = {}

    # Verbs

    async def listen(
        self,
        endpoint: Endpoint,
        service: ServiceFunction,
        name: str,
        *,
        buffer: int = BUFFER_SIZE,
        backlog: int = BACKLOG,
        relay: RelayTo | None = None,
    ) -> tuple[int, str]:
        """Listen, and run `service` on every connection; the listener's number and what there is to say of it.

        relay  the service does nothing but move bytes there
        Raises OSError, socket.gaierror.
        """
        transport = TRANSPORTS[endpoint.scheme]()
        listener = await transport.listen(self._context, endpoint, name, backlog, self._accepted)
        listener.buffer = buffer
        number = listener.traced.number
        serving = self._listeners[number] = Serving(listener, service, relay)
        if relay is not None:
            self._fastpath.accept(listener, relay, partial(self._handed_over, serving, relay))
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
        resident = await self._connect(endpoint, seconds, buffer)
        resident.runner = self._spawn(resident, self._serve(resident, service))
        return resident.connection.number

    async def dial(
        self, endpoint: Endpoint, *, seconds: float = CONNECT_SECONDS, buffer: int = BUFFER_SIZE
    ) -> Connection:
        """Connect for a service: the connection is its own, and closed at the latest when the calling task ends.

        It is in the table like any other: seen, typed into, closed by verbs, which its user is told by
        ClosedHereError. Raises OSError, socket.gaierror.
        """
        resident = await self._connect(endpoint, seconds, buffer)
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: self._end(resident))
        return resident.connection

    async def send(self, number: int, data: bytes, kind: str = "") -> int:
        """Send bytes on a connection, behind what it is sending; how many. Raises OSError, NoSuchSocket.

        kind  of a WebSocket's message: text, binary, ping, pong or close
        """
        async with Use(self._resident(number)) as connection:
            await connection.send(data, kind)
        return len(data)

    async def send_file(self, number: int, path: Path) -> int:
        """Send a file's bytes as they are, a piece at a time; how many. Raises OSError, NoSuchSocket."""
        total = 0
        with _open(path) as file:
            async with Use(self._resident(number)) as connection:
                while piece := file.read(MESSAGE if connection.messages else CHUNK):
                    await connection.send(piece)
                    total += len(piece)
        return total

    async def shutdown(self, number: int) -> None:
        """Half-close: send a FIN, go on receiving. Raises OSError, NoSuchSocket."""
        async with Use(self._resident(number)) as connection:
            await connection.shutdown()

    async def close(self, number: int) -> None:
        """Close a connection, give up one in progress, or stop a listener (its connections go on).

        A protocol's closing handshake may take CLOSING_SECONDS; asked again, it is closed at once. Raises NoSuchSocket.
        """
        if serving := self._listeners.pop(number, None):
            serving.listener.close()
            for peer in [each for each in self._residents.values() if not each.connection.socket.open]:
                self._end(peer)  # of a datagram socket: it had no other
            return
        if attempt := self._context.attempts.get(number):
            attempt.close()
            return
        resident = self._resident(number)
        if not resident.closing:
            resident.closing = True
            try:
                async with asyncio.timeout(CLOSING_SECONDS), Use(resident) as connection:
                    await connection.closing_handshake()
            except (OSError, TimeoutError):
                pass  # the peer did not want to hear it
        self._end(resident)

    async def reset(self, number: int) -> None:
        """Close a connection with a RST. Raises NoSuchSocket."""
        if attempt := self._context.attempts.get(number):
            attempt.reset()
        else:
            self._end(self._resident(number), reset=True)

    def set_buffer(self, number: int, size: int) -> None:
        """Set how many bytes each recv() asks for, on a connection or on all those of a listener. NoSuchSocket."""
        self._fastpath.set_buffer(number, size)
        serving = self._listeners.get(number)
        if serving is None:
            self._resident(number).connection.buffer = size
            return
        serving.listener.buffer = size
        for resident in self._residents.values():
            if resident.connection.socket.parent == number:
                resident.connection.buffer = size

    async def end(self) -> None:
        """Close every socket, and wait until nothing runs on any of them."""
        self._fastpath.end()
        for attempt in list(self._context.attempts.values()):
            attempt.close()
        for resident in list(self._residents.values()):
            self._end(resident)
        for serving in self._listeners.values():
            serving.listener.close()
        self._listeners.clear()
        await self._context.end()

    # Connections

    async def _connect(self, endpoint: Endpoint, seconds: float, buffer: int) -> Resident:
        """A connection that is in the table from its handshake on: it can be given up then."""
        connection = await TRANSPORTS[endpoint.scheme]().connect(self._context, endpoint, seconds)
        connection.buffer = buffer
        resident = self._residents[connection.number] = Resident(connection)
        try:
            async with Use(resident):
                await connection.handshake()
        except BaseException:
            self._end(resident)
            raise
        return resident

    def _accepted(self, connection: SocketConnection) -> None:
        serving = self._listeners[connection.socket.parent]
        connection.buffer = serving.listener.buffer
        resident = self._residents[connection.number] = Resident(connection)
        if serving.relay is not None and isinstance(connection, Relayable):
            self._relay(resident, connection, serving.relay)
        else:
            resident.runner = self._spawn(resident, self._accept_and_serve(resident, serving.service))

    def _handed_over(self, serving: Serving, to: RelayTo, handoff: Handoff) -> None:
        """Go on with a connection that the fast path has accepted."""
        connection = handoff.connection
        connection.buffer = serving.listener.buffer
        resident = self._residents[connection.number] = Resident(connection)
        if handoff.error:
            self._end(resident)
        else:
            self._relay(resident, connection, to, handoff.left, handoff.left_at)

    def _spawn(self, resident: Resident, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return self._context.spawn(coroutine, f"the service of socket {resident.connection.number}")

    def _relay(
        self, resident: Resident, connection: Relayable, to: RelayTo, left: bytes = b"", left_at: int = 0
    ) -> None:
        """Move bytes in place of a task that does nothing else."""
        sink = connection if to is RelayTo.ITSELF else None
        resident.runner = relay = Relay(self._context.ring, connection, sink, self._relay_ended)
        relay.start(left=left, left_at=left_at)

    def _relay_ended(self, relay: Relay, error: RelayError | None) -> None:
        resident = self._residents.get(relay.source.number)
        if resident is None:
            return
        if error is None and relay.source.sending.locked:
            resident.runner = self._spawn(resident, self._close_in_order(resident))
        else:
            self._end(resident)

    async def _accept_and_serve(self, resident: Resident, service: ServiceFunction) -> None:
        try:
            await resident.connection.handshake()
        except BaseException:
            self._end(resident)
            raise
        await self._serve(resident, service)

    async def _serve(self, resident: Resident, service: ServiceFunction) -> None:
        """Run a service on a connection, and close that in the end."""
        connection = resident.connection
        try:
            await _once(service, connection)
            while await connection.next_datagram():
                await _once(service, connection)
        except BaseException:
            self._end(resident)
            raise
        await self._close_in_order(resident)

    async def _close_in_order(self, resident: Resident) -> None:
        """Close a connection when what somebody typed meanwhile has gone out as well."""
        try:
            await resident.connection.drain()
            await resident.connection.closing_handshake()
        finally:
            self._end(resident)

    def _end(self, resident: Resident | None, *, reset: bool = False) -> None:
        """Take a connection away and end what runs on it. A descriptor is free then: listeners may go on."""
        if resident is None or self._residents.pop(resident.connection.number, None) is None:
            return
        for use in resident.users:
            use.give_up()
        runner, resident.runner = resident.runner, None  # a task that was cancelled would hold what holds it
        match runner:
            case Relay() as relay:
                relay.stop()
            case asyncio.Task() as task if task is not asyncio.current_task():
                task.cancel()
        if not resident.connection.closed:
            resident.connection.reset() if reset else resident.connection.close()
        for serving in self._listeners.values():
            serving.listener.resume()

    def _resident(self, number: int) -> Resident:
        if number not in self._residents:
            self._fastpath.hand_over(number)
        resident = self._residents.get(number)
        if resident is None:
            if number in self._context.attempts:
                raise NoSuchSocket(ErrorCode.STILL_CONNECTING, socket=number)
            raise NoSuchSocket(ErrorCode.NO_OPEN_CONNECTION, socket=number)
        return resident


async def _once(service: ServiceFunction, connection: SocketConnection) -> None:
    """Run a service to its end. A datagram that could not be sent ends nothing: the next one may be answered."""
    try:
        await service(connection)
    except (OSError, BaseExceptionGroup) as error:
        if unexpected(error) or not connection.socket.datagrams:
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
