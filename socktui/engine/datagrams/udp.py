"""UDP: how its sockets are set up, over IPv4 and IPv6, to one peer, to everybody and to groups."""

import errno as errnos
import socket as sockets

from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.bound import Bound, Connected
from socktui.engine.datagrams.multicast import Casting
from socktui.engine.datagrams.traced import TracedDatagrams
from socktui.engine.listener import Accepted
from socktui.engine.resolve import Resolved, first_of, resolve
from socktui.engine.traced import Address, TracedSocket


async def listen(context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted) -> Bound:
    """Bind a socket, and call `accepted` for every peer. Raises OSError, socket.gaierror."""
    family, address = (await resolve(endpoint, passive=True))[0]
    casting = Casting.of(endpoint, family, endpoint.option("group") or address[0])
    traced = TracedDatagrams.open(
        context.journal, family, sockets.SOCK_DGRAM, service=service, scheme=endpoint.scheme
    )  # fmt: skip
    with traced.closed_on_failure():
        if casting.group:
            traced.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        if family == sockets.AF_INET6:
            traced.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, 1)
        casting.send_by(traced)
        traced.bind(address)
        casting.join(traced)
        traced.getsockname()
    return Bound(context, traced, accepted)


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> SocketConnection:
    """Connect a socket; where many may answer (a group, a broadcast address), bind one instead.

    Raises OSError, socket.gaierror.
    """
    return await first_of(endpoint, seconds, lambda found: _connect(context, endpoint, found))


def _connect(context: EngineContext, endpoint: Endpoint, found: Resolved) -> SocketConnection:
    family, address = found
    if endpoint.option("group"):
        raise SocketError(ErrorCode.CLIENT_WITH_GROUP)
    casting = Casting.of(endpoint, family, address[0])
    many = casting.group or casting.broadcast
    traced = TracedDatagrams.open(context.journal, family, sockets.SOCK_DGRAM, scheme=endpoint.scheme)
    with traced.closed_on_failure():
        casting.send_by(traced)
        if many:
            traced.bind(("" if family == sockets.AF_INET else "::", 0))
        else:
            _connect_to(traced, address)
        traced.getsockname()
        return Bound(context, traced).ask(address) if many else Connected(context, traced)


def _connect_to(traced: TracedSocket, address: Address) -> None:
    try:
        traced.connect(address)
    except PermissionError as error:
        if error.errno == errnos.EACCES:
            raise SocketError(ErrorCode.BROADCAST_NOT_ASKED, error.errno) from error
        raise
