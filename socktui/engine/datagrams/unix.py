"""UNIX datagram sockets (unix(7)): how they are set up. A client has an abstract name, so that it can be answered."""

import socket as sockets

from socktui.core.endpoint import Endpoint
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.bound import Bound, Connected
from socktui.engine.datagrams.traced import TracedDatagrams
from socktui.engine.listener import Accepted
from socktui.engine.socketfile import bind_path, unix_address
from socktui.engine.traced import TracedSocket


async def listen(context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted) -> Bound:
    """Bind a socket to a path or an abstract name, and call `accepted` for every peer. Raises OSError.

    Peers without a name cannot be told apart, or answered: they are one peer.
    """
    traced = TracedDatagrams.open(
        context.journal, sockets.AF_UNIX, sockets.SOCK_DGRAM, service=service, scheme=endpoint.scheme
    )  # fmt: skip
    with traced.closed_on_failure():
        file = bind_path(traced, endpoint.path, replace=endpoint.option("replace") == "yes")
        with file.removed_on_failure():
            traced.getsockname()
    return Bound(context, traced, accepted, leaving=file.remove)


async def connect(context: EngineContext, endpoint: Endpoint, _: float) -> Connected:
    """Connect a socket to a path or an abstract name; its own name is one of the kernel's choice (unix(7): autobind).

    Raises OSError.
    """
    traced = TracedSocket.open(context.journal, sockets.AF_UNIX, sockets.SOCK_DGRAM, scheme=endpoint.scheme)
    with traced.closed_on_failure():
        traced.bind("")
        traced.connect(unix_address(endpoint.path))
        traced.getsockname()
    return Connected(context, traced)
