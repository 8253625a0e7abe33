"""TCP: how its listeners and connections are set up. Names with several addresses are tried as RFC 8305 says."""

import asyncio
import errno as errnos
import socket as sockets

from socktui.core.connection import ClosedHereError
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.context import EngineContext
from socktui.engine.listener import Accepted, Listener
from socktui.engine.resolve import Resolved, resolve
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket

ATTEMPT_DELAY = 0.25  # RFC 8305, section 5


async def listen(
    context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
) -> Listener:
    """Listen on an endpoint, and call `accepted` for every connection. Raises OSError, socket.gaierror."""
    family, address = (await resolve(endpoint, passive=True))[0]
    traced = TracedSocket.open(
        context.journal, family, sockets.SOCK_STREAM, service=service, scheme=endpoint.scheme
    )  # fmt: skip
    with traced.closed_on_failure():
        traced.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        if family == sockets.AF_INET6:
            traced.setsockopt(sockets.IPPROTO_IPV6, sockets.IPV6_V6ONLY, 1)
        traced.bind(address)
        traced.listen(backlog)
        traced.getsockname()

    def arrived(peer: TracedSocket) -> None:
        try:
            peer.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        except OSError:
            pass  # reset before it was looked at: the service's first recv() tells why
        accepted(Stream(context, peer))

    return Listener(context, traced, arrived)


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> Stream:
    """Connect to an endpoint; where its name has several addresses, to the first that answers (RFC 8305).

    seconds  for the resolution of its name and all attempts together
    Raises OSError as the last attempt was answered; SocketError with ETIMEDOUT, or with ECANCELED where an attempt was
    closed meanwhile; socket.gaierror for an unknown name.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _race(context, endpoint.scheme, await resolve(endpoint))
    except TimeoutError as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise SocketError(ErrorCode.CONNECT_TIMEOUT, errnos.ETIMEDOUT, seconds=f"{seconds:g}") from None


async def _race(context: EngineContext, scheme: str, addresses: list[Resolved]) -> Stream:
    """Start an attempt when the one before has failed or taken too long; the first to succeed wins."""
    tasks: list[asyncio.Task[Stream]] = []
    running: set[asyncio.Task[Stream]] = set()
    failure: BaseException = SocketError(ErrorCode.NAME_WITHOUT_ADDRESS, errnos.EADDRNOTAVAIL)
    waiting = list(addresses)
    try:
        while waiting or running:
            if waiting:
                tasks.append(asyncio.ensure_future(_attempt(context, scheme, waiting.pop(0))))
                running.add(tasks[-1])
            delay = ATTEMPT_DELAY if waiting else None
            done, running = await asyncio.wait(running, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    tasks.remove(task)
                    return task.result()
                if isinstance(error, ClosedHereError):  # one of a name's attempts gives up the others as well
                    raise SocketError(ErrorCode.CLOSED_WHILE_CONNECTING, errnos.ECANCELED) from error
                failure = error
        raise failure
    finally:
        for task in tasks:
            task.cancel()
        for lost in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(lost, Stream):
                lost.close()


async def _attempt(context: EngineContext, scheme: str, address: Resolved) -> Stream:
    family, where = address
    traced = TracedSocket.open(context.journal, family, sockets.SOCK_STREAM, scheme=scheme)
    connection = Stream(context, traced)
    try:
        traced.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        try:
            traced.connect(where)
        except BlockingIOError:
            with context.attempting(connection):
                error = await connection.connected()
            if error:
                raise OSError(error, "") from None
        traced.getsockname()
    except BaseException:
        connection.close()
        raise
    return connection
