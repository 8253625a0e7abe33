"""The kinds of socket that the workbench can make: a scheme and how its listeners and connections are set up.

Adding one is a module that offers the two functions, a row here and a row in core.endpoint.SCHEMES.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from socktui.core.endpoint import Endpoint
from socktui.engine import tcp, telnet, unix
from socktui.engine.bench import Bench
from socktui.engine.connection import Connection
from socktui.engine.datagrams import icmp, raw, udp
from socktui.engine.datagrams import unix as unix_datagrams
from socktui.engine.listener import Accepted, Listening
from socktui.engine.tcp import Attempts


@dataclass(frozen=True, slots=True)
class Transport:
    """listen(bench, endpoint, service's name, backlog, accepted) and connect(bench, endpoint, attempts, seconds).

    Both raise OSError as the kernel answered, and socket.gaierror for a name that is not known. A connection in
    progress is entered in `attempts`, by its socket's number, so that it can be seen and given up.

    carried  its connections may be carried by C, as nothing is between them and their TCP socket
    """

    listen: Callable[[Bench, Endpoint, str, int, Accepted], Awaitable[Listening]]
    connect: Callable[[Bench, Endpoint, Attempts, float], Awaitable[Connection]]
    carried: bool = False


def _tls() -> Transport:
    from socktui.engine.tls.connection import connect, listen

    return Transport(listen, connect)


def _websocket(under: Transport) -> Transport:
    from socktui.engine.websocket.connection import connect_over, listen_over

    return Transport(listen_over(under.listen), connect_over(under.connect))


_TCP = Transport(tcp.listen, tcp.connect, carried=True)
_UNIX = Transport(unix.listen, unix.connect)

TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "tcp": lambda: _TCP,
    "udp": lambda: Transport(udp.listen, udp.connect),
    "unix": lambda: _UNIX,
    "unix-dgram": lambda: Transport(unix_datagrams.listen, unix_datagrams.connect),
    "unix-seqpacket": lambda: _UNIX,
    "tls": _tls,
    "ws": lambda: _websocket(_TCP),
    "wss": lambda: _websocket(_tls()),
    "telnet": lambda: Transport(telnet.listen, telnet.connect),
    "icmp": lambda: Transport(icmp.listen, icmp.connect),
    "raw": lambda: Transport(raw.listen, raw.connect),
}
"""Made when they are asked for: what a library has to be loaded for is not waited for by others."""
