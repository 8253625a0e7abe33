"""UNIX sockets (unix(7)): how listeners and connections of streams and of packets are set up."""

import asyncio
import errno as errnos
import socket as sockets
from collections.abc import Callable

from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.listener import Accepted, Listener
from socktui.engine.packets import Packets
from socktui.engine.socketfile import SocketFile, bind_path, unix_address
from socktui.engine.stream import Stream
from socktui.engine.traced import Address, TracedSocket
from socktui.host.processes import described

RETRY_SECONDS = 0.02


class UnixStream(Stream):
    """A UNIX stream socket."""

    __slots__ = ()

    def reset(self) -> None:
        """Close: UNIX sockets have no RST. The peer gets ECONNRESET if bytes that it sent are unread (unix(7))."""
        self.close()


class UnixListener(Listener):
    """A listening UNIX socket, and the file that is removed when it stops."""

    def __init__(
        self, context: EngineContext, traced: TracedSocket, accepted: Callable[[TracedSocket], None], file: SocketFile
    ) -> None:
        super().__init__(context, traced, accepted)
        self._file = file

    def close(self) -> None:
        """Remove the socket's file, and close (unlink(2), close(2))."""
        if self.traced.fd >= 0:
            self._file.remove()
        super().close()


_KINDS: dict[str, tuple[int, Callable[[EngineContext, TracedSocket], SocketConnection]]] = {
    "unix": (sockets.SOCK_STREAM, UnixStream),
    "unix-seqpacket": (sockets.SOCK_SEQPACKET, Packets),
}


async def listen(
    context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
) -> Listener:
    """Listen on a path or an abstract name, and call `accepted` for every connection. Raises OSError."""
    kind, connection = _KINDS[endpoint.scheme]
    traced = TracedSocket.open(context.journal, sockets.AF_UNIX, kind, service=service, scheme=endpoint.scheme)
    with traced.closed_on_failure():
        file = bind_path(traced, endpoint.path, replace=endpoint.option("replace") == "yes")
        with file.removed_on_failure():
            traced.listen(backlog)
            traced.getsockname()

    def arrived(peer: TracedSocket) -> None:
        _recognise(context, peer)
        accepted(connection(context, peer))

    return UnixListener(context, traced, arrived, file)


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> SocketConnection:
    """Connect to a path or an abstract name.

    seconds  how long to wait while the listener's queue is full (connect(2): EAGAIN)
    Raises OSError as connect(2) answered; SocketError with ETIMEDOUT where the queue stays full, with ECANCELED where
    the socket is closed meanwhile.
    """
    kind, make = _KINDS[endpoint.scheme]
    traced = TracedSocket.open(context.journal, sockets.AF_UNIX, kind, scheme=endpoint.scheme)
    connection = make(context, traced)
    try:
        address = unix_address(endpoint.path)
        try:
            traced.connect(address)
        except BlockingIOError:
            with context.attempting(connection):
                await _try_again(traced, address, seconds)
        _recognise(context, traced)
    except BaseException:
        connection.close()
        raise
    return connection


async def _try_again(traced: TracedSocket, address: Address, seconds: float) -> None:
    """Connect where the listener's queue was full. No readiness tells when it has room: try every RETRY_SECONDS."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.sleep(RETRY_SECONDS)
                if traced.fd < 0:
                    raise SocketError(ErrorCode.CLOSED_WHILE_CONNECTING, errnos.ECANCELED)
                try:
                    traced.connect(address, quiet=True)
                    return
                except BlockingIOError:
                    continue
    except TimeoutError:
        raise SocketError(ErrorCode.QUEUE_FULL, errnos.ETIMEDOUT, seconds=f"{seconds:g}") from None


def _recognise(context: EngineContext, peer: TracedSocket) -> None:
    """Note which process is at the other end."""
    pid, uid, _ = peer.get_peer_credentials()
    context.journal.describe(peer.entry, who=described(pid, uid))
