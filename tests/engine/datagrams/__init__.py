"""The kinds of datagram sockets that the tests run over, and plain peers for them."""

import secrets
import socket as sockets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.core.call import Call
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.engine.socketfile import unix_address
from socktui.journal.reader import Reader
from tests.support import SECONDS, all_sockets


@dataclass(frozen=True)
class Kind:
    """A kind of datagram socket.

    anywhere  a new endpoint to listen on
    largest   bytes that one datagram can have
    """

    name: str
    family: int
    netid: str
    anywhere: Callable[[], str]
    largest: int

    async def listen(self, engine: Engine, service: str = "echo", **options: Any) -> Endpoint:
        """Have the engine listen; where."""
        endpoint = Endpoint.parse(self.anywhere())
        number = await engine.listen(endpoint, service, **options)
        with Reader(engine.capture) as reader:
            return Endpoint.at(endpoint.scheme, reader.socket(number).local)

    @property
    def host(self) -> str:
        return Endpoint.parse(self.anywhere()).host

    @contextmanager
    def socket(self) -> Iterator[sockets.socket]:
        """A plain socket that is bound to an address of its own."""
        with sockets.socket(self.family, sockets.SOCK_DGRAM) as sock:
            sock.settimeout(SECONDS)
            sock.bind("" if self.family == sockets.AF_UNIX else (self.host, 0))
            yield sock

    @contextmanager
    def peer(self, endpoint: Endpoint) -> Iterator[sockets.socket]:
        """The same, connected."""
        with self.socket() as sock:
            sock.connect(self.address(endpoint))
            yield sock

    def address(self, endpoint: Endpoint) -> Any:
        return unix_address(endpoint.path) if endpoint.path else (endpoint.host, endpoint.port)

    def endpoint(self, sock: sockets.socket) -> Endpoint:
        """Where a plain socket is bound."""
        address = sock.getsockname()
        if self.family == sockets.AF_UNIX:
            return Endpoint("unix-dgram", path="@" + address[1:].decode())
        return Endpoint("udp", *address[:2])


KINDS = [
    Kind("udp4", sockets.AF_INET, "udp", lambda: "udp://127.0.0.1:0", 65507),
    Kind("udp6", sockets.AF_INET6, "udp", lambda: "udp://[::1]:0", 65527),
    Kind("unix", sockets.AF_UNIX, "u_dgr", lambda: f"unix-dgram://@socktui-{secrets.token_hex(8)}", 65536),
]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def calls_of(reader: Reader, number: int) -> list[Call]:
    """All calls of a socket so far."""
    reader.refresh()
    return [call for call in map(reader.call, range(reader.count)) if call.socket == number]


def assert_calls_tell_it_all(engine: Engine) -> None:
    """assert_calls_tell_all() of an engine's capture."""
    assert_calls_tell_all(engine.capture)


def assert_calls_tell_all(capture: Path) -> None:
    """The sockets made again from the calls are those of the capture; when a peer was over, no call says."""
    known = all_sockets(capture)
    with Reader(capture) as reader:
        again = reader._rebuild()

    def told(socket: Socket) -> Socket:
        socket.ended = bool(socket.ended)
        return socket

    assert [told(socket) for socket in again] == [told(socket) for socket in known]
