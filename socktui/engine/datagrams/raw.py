"""Raw sockets (raw(7)): IP packets of a protocol number. What is sent is the payload, the kernel adds the header."""

import socket as sockets
from collections.abc import Callable
from dataclasses import replace

from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.icmp import Header
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.bound import Bound, Connected
from socktui.engine.datagrams.traced import TracedPortless
from socktui.engine.listener import Accepted
from socktui.engine.resolve import Resolved, first_of, resolve
from socktui.engine.traced import Address

NOTE = "packets from an address to itself are recorded and not answered: the answers would be, too, for ever"


class Raw(Connected):
    """A connected raw socket. Over IPv4 calls record packets with their IP header; recv() returns them without."""

    __slots__ = ()

    async def recv(self) -> bytes | None:
        packet = await super().recv()
        if packet is None or self.traced.sock.family != sockets.AF_INET:
            return packet
        header = Header.of(packet)
        return packet[header.length :] if header else b""


async def listen(context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted) -> Bound:
    """Bind a raw socket to an address, and call `accepted` for every peer. Raises OSError, socket.gaierror."""
    family, address = (await resolve(replace(endpoint, port=0), passive=True))[0]
    if address[0] == "::":
        raise SocketError(ErrorCode.RAW_WITHOUT_ADDRESS)
    traced = _open(context, endpoint, family, service)
    with traced.closed_on_failure():
        traced.bind(address)
        traced.getsockname()
    payload = _payload_4 if family == sockets.AF_INET else _payload_6(address)
    return Bound(context, traced, accepted, payload=payload, note=NOTE)


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> Raw:
    """Connect a raw socket to an address. Raises OSError, socket.gaierror."""

    def make(found: Resolved) -> Raw:
        family, address = found
        traced = _open(context, endpoint, family)
        with traced.closed_on_failure():
            traced.connect(address)
            traced.getsockname()
        return Raw(context, traced)

    return await first_of(replace(endpoint, port=0), seconds, make)


def _open(context: EngineContext, endpoint: Endpoint, family: int, service: str = "") -> TracedPortless:
    try:
        return TracedPortless.open(
            context.journal, family, sockets.SOCK_RAW, endpoint.port, service=service, scheme=endpoint.scheme
        )  # fmt: skip
    except PermissionError as error:
        raise SocketError(ErrorCode.RAW_NOT_ALLOWED, error.errno) from error


def _payload_4(_: Address | None, packet: bytes) -> bytes | None:
    header = Header.of(packet)
    return packet[header.length :] if header and header.source != header.destination else None


def _payload_6(bound: Address) -> Callable[[Address | None, bytes], bytes | None]:
    """Packets of IPv6 come without their header."""
    return lambda source, packet: None if source and source[0] == bound[0] else packet
