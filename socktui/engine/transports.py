"""The kinds of socket that the workbench can make: a scheme and how its listeners and connections are set up.

Adding one is a module that offers the two functions, a row here and a row in core.endpoint.SCHEMES.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from socktui.core.endpoint import Endpoint
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.listener import Accepted, Listening


@dataclass(frozen=True, slots=True)
class Transport:
    """How the sockets of a scheme are made.

    listen   from context, endpoint, the service's name, backlog and a callback for every peer to a listener
    connect  from context, endpoint and seconds to a connection, whose handshake is still to be done
    Both raise OSError as the kernel answered, SocketError, and socket.gaierror for an unknown name.
    """

    listen: Callable[[EngineContext, Endpoint, str, int, Accepted], Awaitable[Listening]]
    connect: Callable[[EngineContext, Endpoint, float], Awaitable[SocketConnection]]


def _tcp() -> Transport:
    from socktui.engine import tcp

    return Transport(tcp.listen, tcp.connect)


def _udp() -> Transport:
    from socktui.engine.datagrams import udp

    return Transport(udp.listen, udp.connect)


def _unix() -> Transport:
    from socktui.engine import unix

    return Transport(unix.listen, unix.connect)


def _unix_datagrams() -> Transport:
    from socktui.engine.datagrams import unix

    return Transport(unix.listen, unix.connect)


def _tls() -> Transport:
    from socktui.engine.tls.connection import connect, listen

    return Transport(listen, connect)


def _websocket(under: Transport) -> Transport:
    from socktui.engine.websocket.connection import connect_over, listen_over

    return Transport(listen_over(under.listen), connect_over(under.connect))


def _telnet() -> Transport:
    from socktui.engine import telnet

    return Transport(telnet.listen, telnet.connect)


def _icmp() -> Transport:
    from socktui.engine.datagrams import icmp

    return Transport(icmp.listen, icmp.connect)


def _raw() -> Transport:
    from socktui.engine.datagrams import raw

    return Transport(raw.listen, raw.connect)


TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "tcp": _tcp,
    "udp": _udp,
    "unix": _unix,
    "unix-dgram": _unix_datagrams,
    "unix-seqpacket": _unix,
    "tls": _tls,
    "ws": lambda: _websocket(_tcp()),
    "wss": lambda: _websocket(_tls()),
    "telnet": _telnet,
    "icmp": _icmp,
    "raw": _raw,
}
"""By scheme. A transport is made when it is asked for: the modules that a kind needs are loaded for that kind alone."""
