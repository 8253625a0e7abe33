"""Names to addresses, where a slow resolver can hold up neither a verb nor the end of the program."""

import asyncio
import socket as sockets
import threading
from itertools import chain, zip_longest
from typing import Any

from socktui.core.endpoint import Endpoint

Resolved = tuple[int, tuple[Any, ...]]
"""An address family and an address as connect(2) takes it."""


async def resolve(endpoint: Endpoint, *, passive: bool = False) -> list[Resolved]:
    """The addresses of an endpoint, IPv6 and IPv4 in turn (RFC 8305, section 4).

    passive   for bind(2) rather than connect(2)
    Raises socket.gaierror where the name is not known. Cancelling it leaves the resolver's thread behind,
    a daemon that nobody waits for.
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


def _in_turn(found: list[Any]) -> list[Resolved]:
    by_family: dict[int, list[Resolved]] = {}
    for family, _, _, _, address in found:
        if (family, address) not in by_family.setdefault(family, []):
            by_family[family].append((family, address))
    return [item for item in chain.from_iterable(zip_longest(*by_family.values())) if item is not None]
