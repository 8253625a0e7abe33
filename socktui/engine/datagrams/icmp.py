"""Echo requests as ping(8) sends them, over a raw socket or, without the right to one, ICMP's own kind (icmp(7))."""

import asyncio
import secrets
import socket as sockets
import struct
from pathlib import Path
from typing import cast

from socktui.core import icmp
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.bound import Connected
from socktui.engine.datagrams.traced import TracedPortless
from socktui.engine.listener import Accepted, Listening
from socktui.engine.resolve import Resolved, first_of
from socktui.engine.traced import TracedSocket

ANSWER_SECONDS = 2.0
FIRST_PAYLOAD = bytes(range(56))

_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1  # linux/icmp.h, linux/icmpv6.h
_GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")


class Echoes(Connected):
    """A socket whose messages are the payloads of echo requests and of their replies (RFC 792, RFC 4443).

    version     of IP: 4 or 6
    identifier  16 bits, in each request and its reply
    The kernel also delivers replies to other programs' requests to the same host: they are recorded, and not returned.
    """

    __slots__ = ("_identifier", "_sequence", "_timer", "_version")

    def __init__(self, context: EngineContext, traced: TracedSocket, version: int, identifier: int) -> None:
        super().__init__(context, traced)
        self._version = version
        self._identifier = identifier
        self._sequence = 0
        self._timer: asyncio.TimerHandle | None = None

    async def handshake(self) -> None:
        """Send the first echo request."""
        await self.send(FIRST_PAYLOAD)

    async def recv(self) -> bytes | None:
        while (packet := await super().recv()) is not None:
            reply = icmp.message(packet)
            if reply and (reply.type, reply.identifier) == (icmp.ECHO_REPLY[self._version], self._identifier):
                self._answered(reply.sequence)
                return reply.payload
        return None

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        sequence = self._sequence = self._sequence + 1 & 0xFFFF
        await super().send(icmp.echo_request(self._version, self._identifier, sequence, bytes(data)))
        self._await_answer(sequence)

    def close(self) -> None:
        self._stop_waiting()
        super().close()

    def _await_answer(self, sequence: int) -> None:
        self._stop_waiting()
        text = f"no answer to echo request {sequence} within {ANSWER_SECONDS:g} s"
        self._timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._tell, text)

    def _answered(self, sequence: int) -> None:
        if sequence == self._sequence:
            self._stop_waiting()
        if self.socket.reason:
            self._tell("")

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _tell(self, reason: str) -> None:
        """Show in the row that a reply is missing, or (empty) no longer."""
        self.socket.reason = reason
        self._context.journal.describe(self.traced.entry)


async def listen(
    context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
) -> Listening:
    """Raise SocketError: the kernel answers echo requests itself."""
    number = 58 if ":" in endpoint.host else 1
    raise SocketError(ErrorCode.KERNEL_ANSWERS_ECHO, raw=f"raw://{endpoint.authority}:{number}")


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> Echoes:
    """Open a socket that sends echo requests to a host. Raises OSError, socket.gaierror."""
    return await first_of(endpoint, seconds, lambda found: _connect(context, endpoint, found))


def _connect(context: EngineContext, endpoint: Endpoint, found: Resolved) -> Echoes:
    family, address = found
    version = 4 if family == sockets.AF_INET else 6
    traced = _open(context, endpoint, family)
    raw = traced.sock.type == sockets.SOCK_RAW
    with traced.closed_on_failure():
        if raw:
            _only_replies(traced, version)
        traced.connect(address)
        local = traced.getsockname()
    # The kernel chooses the identifiers of its own kind of socket, and calls them ports.
    return Echoes(context, traced, version, secrets.randbits(16) if raw else cast(tuple[str, int], local)[1])


def _open(context: EngineContext, endpoint: Endpoint, family: int) -> TracedSocket:
    """Open a raw socket, or where that is not allowed one of ICMP's own kind. Raises SocketError where neither is."""
    protocol = sockets.IPPROTO_ICMP if family == sockets.AF_INET else sockets.IPPROTO_ICMPV6
    try:
        return TracedPortless.open(context.journal, family, sockets.SOCK_RAW, protocol, scheme=endpoint.scheme)
    except PermissionError:
        pass
    try:
        return TracedPortless.open(context.journal, family, sockets.SOCK_DGRAM, protocol, scheme=endpoint.scheme)
    except PermissionError as error:
        groups = " to ".join(_GROUPS.read_text().split())
        raise SocketError(ErrorCode.ECHO_NOT_ALLOWED, error.errno, groups=groups) from error


def _only_replies(traced: TracedSocket, version: int) -> None:
    """Have the kernel drop what is no echo reply: raw sockets get every message that the machine gets."""
    if version == 4:
        mask = struct.pack("=I", 0xFFFFFFFF ^ 1 << icmp.ECHO_REPLY[4])
        traced.setsockopt_struct(_SOL_RAW, _ICMP_FILTER, mask, ("SOL_RAW", "ICMP_FILTER", "all but ICMP_ECHOREPLY"))
        return
    words = [0xFFFFFFFF] * 8
    words[icmp.ECHO_REPLY[6] // 32] ^= 1 << icmp.ECHO_REPLY[6] % 32
    traced.setsockopt_struct(
        sockets.IPPROTO_ICMPV6,
        _ICMPV6_FILTER,
        struct.pack("=8I", *words),
        ("IPPROTO_ICMPV6", "ICMPV6_FILTER", "all but ICMPV6_ECHO_REPLY"),
    )
