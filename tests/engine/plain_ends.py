"""One connection of the engine's, and the plain socket at its other end."""

import socket as sockets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.traced import TracedSocket
from tests.support import SECONDS

C = TypeVar("C", bound=SocketConnection)


def traced(context: EngineContext, sock: sockets.socket, scheme: str = "unix") -> TracedSocket:
    """A socket that was made elsewhere: from now on its calls are recorded."""
    sock.setblocking(False)
    return TracedSocket(context.journal, sock, context.journal.entry(scheme=scheme))


@contextmanager
def unix_ends(
    context: EngineContext, make: Callable[[EngineContext, TracedSocket], C], kind: int = sockets.SOCK_STREAM
) -> Iterator[tuple[C, sockets.socket]]:
    """A connection over one of a pair of UNIX sockets, and the other of them, which blocks with a time-out."""
    ours, theirs = sockets.socketpair(sockets.AF_UNIX, kind)
    yield from _ends(context, make, ours, theirs, "unix")


@contextmanager
def tcp_ends(
    context: EngineContext, make: Callable[[EngineContext, TracedSocket], C]
) -> Iterator[tuple[C, sockets.socket]]:
    """The same over TCP, which has a RST."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        ours = sockets.create_connection(server.getsockname()[:2])
        theirs, _ = server.accept()
    yield from _ends(context, make, ours, theirs, "tcp")


def _ends(
    context: EngineContext,
    make: Callable[[EngineContext, TracedSocket], C],
    ours: sockets.socket,
    theirs: sockets.socket,
    scheme: str,
) -> Iterator[tuple[C, sockets.socket]]:
    theirs.settimeout(SECONDS)
    connection = make(context, traced(context, ours, scheme))
    with theirs:
        try:
            yield connection, theirs
        finally:
            connection.close()
