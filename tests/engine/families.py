"""The kinds of sockets that the engine's tests run over: a new kind is one row more.

A kind whose plain peer is more than a socket (TLS, WebSocket) is a row of a subclass that wraps what peer() and
server() give: what they yield needs sendall, recv, shutdown, settimeout and close.
"""

import secrets
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.support import SECONDS

PIECE = 50_000
"""Bytes of a message, where a test sends more than one can have."""


@dataclass(frozen=True)
class Family:
    """A kind of socket: how its endpoints are written, and how a plain peer makes one.

    host      of internet sockets; `@` for an abstract name, empty for a path
    messages  what is sent keeps its borders
    resets    a connection can end with a RST
    """

    name: str
    scheme: str
    family: int
    kind: int
    host: str = ""
    messages: bool = False
    resets: bool = False

    @property
    def internet(self) -> bool:
        return self.family != sockets.AF_UNIX

    def anywhere(self, folder: Path) -> Endpoint:
        """An endpoint to listen on that nobody else has."""
        if self.internet:
            return Endpoint(self.scheme, self.host)
        return Endpoint(self.scheme, path=f"{self.host or folder}/{secrets.token_hex(4)}")

    def address(self, endpoint: Endpoint) -> tuple[str, int] | str:
        """An endpoint as plain sockets take it."""
        if self.internet:
            return endpoint.host, endpoint.port
        return endpoint.path.replace("@", "\0", 1) if self.host else endpoint.path

    def socket(self) -> sockets.socket:
        """A plain socket, which waits for no answer for ever."""
        sock = sockets.socket(self.family, self.kind)
        sock.settimeout(SECONDS)
        return sock

    @contextmanager
    def peer(self, endpoint: Endpoint) -> Iterator[sockets.socket]:
        """A plain client that is connected to `endpoint`."""
        with self.socket() as sock:
            if self.kind == sockets.SOCK_DGRAM and not self.internet:
                sock.bind("")  # unix(7): a name of the kernel's choice, so that it can be answered
            sock.connect(self.address(endpoint))
            yield sock

    @contextmanager
    def server(self, folder: Path, backlog: int = 16) -> Iterator[tuple[sockets.socket, Endpoint]]:
        """A plain listener, and its endpoint."""
        endpoint = self.anywhere(folder)
        with self.socket() as sock:
            sock.bind(self.address(endpoint))
            if self.kind != sockets.SOCK_DGRAM:
                sock.listen(backlog)
            if self.internet:
                endpoint = Endpoint(self.scheme, self.host, sock.getsockname()[1])
            yield sock, endpoint

    async def listen(self, engine: Engine, service: str = "echo", **options: int) -> Endpoint:
        """Have the engine listen; where."""
        number = await engine.listen(self.anywhere(engine.capture.parent), service, **options)
        with Reader(engine.capture) as reader:
            return Endpoint.at(self.scheme, reader.socket(number).local)

    def send_all(self, sock: sockets.socket, data: bytes) -> None:
        """Send it, in as many messages as it takes."""
        step = PIECE if self.messages else len(data) or 1
        for at in range(0, len(data), step):
            sock.sendall(data[at : at + step])


TCP4 = Family("tcp4", "tcp", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", resets=True)
TCP6 = Family("tcp6", "tcp", sockets.AF_INET6, sockets.SOCK_STREAM, "::1", resets=True)
UNIX = Family("unix", "unix", sockets.AF_UNIX, sockets.SOCK_STREAM)
ABSTRACT = Family("abstract", "unix", sockets.AF_UNIX, sockets.SOCK_STREAM, "@")
PACKETS = Family("packets", "unix-seqpacket", sockets.AF_UNIX, sockets.SOCK_SEQPACKET, messages=True)
UDP4 = Family("udp4", "udp", sockets.AF_INET, sockets.SOCK_DGRAM, "127.0.0.1", messages=True)
UDP6 = Family("udp6", "udp", sockets.AF_INET6, sockets.SOCK_DGRAM, "::1", messages=True)
DATAGRAMS = Family("datagrams", "unix-dgram", sockets.AF_UNIX, sockets.SOCK_DGRAM, messages=True)

STREAMS = [TCP4, TCP6, UNIX, ABSTRACT]
CONNECTED = [*STREAMS, PACKETS]
WITHOUT_CONNECTION = [UDP4, UDP6, DATAGRAMS]
MESSAGES = [PACKETS, *WITHOUT_CONNECTION]


def _over(families: list[Family]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=lambda family: family.name)


every_stream = _over(STREAMS)
"""Bytes without borders."""
every_connection = _over(CONNECTED)
"""What is accepted, and is over with a FIN."""
one_of_each = _over([TCP4, UNIX, PACKETS])
"""The same, where the two of internet sockets and the two of UNIX streams cannot differ."""
every_reset = _over([family for family in CONNECTED if family.resets])
"""What may end with a RST."""
every_message = _over(MESSAGES)
"""What keeps the borders of what is sent."""
every_listener = _over([*CONNECTED, *WITHOUT_CONNECTION])
"""Whatever has an address of its own."""
