"""Resolving names to addresses in a thread, so that a slow resolver delays neither other tasks nor the end."""

import asyncio
import errno as errnos
import socket as sockets
import threading
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any, TypeVar

from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError

T = TypeVar("T")

Resolved = tuple[int, tuple[Any, ...]]
"""An address family and an address as connect(2) takes it."""


async def resolve(endpoint: Endpoint, *, passive: bool = False) -> list[Resolved]:
    """Resolve an endpoint to addresses, those of IPv6 and IPv4 in turn (RFC 8305, section 4; getaddrinfo(3)).

    passive   they are for bind(2), not connect(2)
    Raises socket.gaierror where the name is unknown, UnicodeError where it cannot be encoded. When it is cancelled,
    the thread that resolves goes on: it is a daemon.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Any]] = loop.create_future()
    flags = sockets.AI_PASSIVE if passive else 0

    def tell(result: list[Any] | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result or [])

    def ask() -> None:
        found: list[Any] | None = None
        failure: Exception | None = None
        try:
            found = sockets.getaddrinfo(endpoint.host, endpoint.port, type=sockets.SOCK_STREAM, flags=flags)
        except (OSError, UnicodeError) as error:
            failure = error
        try:
            loop.call_soon_threadsafe(tell, found, failure)
        except RuntimeError:
            pass  # the loop was closed meanwhile: nobody wants to know any more

    if endpoint.address is not None:
        ask()
    else:
        threading.Thread(target=ask, name="socktui-resolver", daemon=True).start()
    return _in_turn(await answer)


async def first_of(endpoint: Endpoint, seconds: float, make: Callable[[Resolved], T]) -> T:
    """Call `make` with the addresses of an endpoint in turn; return what it first returns without an OSError.

    It is for sockets that are connected without an answer of the peer: datagrams. Raises the OSError of the first
    address; SocketError with ETIMEDOUT where the resolver takes longer than `seconds`; socket.gaierror.
    """
    failure: OSError = SocketError(ErrorCode.NAME_WITHOUT_ADDRESS, errnos.EADDRNOTAVAIL)
    try:
        async with asyncio.timeout(seconds):
            addresses = await resolve(endpoint)
    except TimeoutError:
        raise SocketError(ErrorCode.LOOKUP_TIMEOUT, errnos.ETIMEDOUT, seconds=f"{seconds:g}") from None
    for found in addresses:
        try:
            return make(found)
        except OSError as error:
            failure = error if found == addresses[0] else failure
    raise failure


def _in_turn(found: list[Any]) -> list[Resolved]:
    by_family: dict[int, list[Resolved]] = {}
    for family, _, _, _, address in found:
        if (family, address) not in by_family.setdefault(family, []):
            by_family[family].append((family, address))
    return [item for item in chain.from_iterable(zip_longest(*by_family.values())) if item is not None]
