"""The kinds of sockets that the engine's tests run over: a new kind is one row more."""

import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from socktui.control.client import Engine
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.support import SECONDS


@dataclass(frozen=True)
class Family:
    """A kind of stream socket: how its endpoints are written, and how a plain peer makes one."""

    name: str
    any_endpoint: str
    family: int
    host: str

    def endpoint(self, port: int) -> Endpoint:
        return Endpoint(Endpoint.parse(self.any_endpoint).scheme, self.host, port)

    @contextmanager
    def peer(self, port: int) -> Iterator[sockets.socket]:
        """A plain client that is connected to `port`."""
        with sockets.socket(self.family, sockets.SOCK_STREAM) as sock:
            sock.settimeout(SECONDS)
            sock.connect((self.host, port))
            yield sock

    @contextmanager
    def server(self, backlog: int = 16) -> Iterator[tuple[sockets.socket, int]]:
        """A plain listener, and its port."""
        with sockets.socket(self.family, sockets.SOCK_STREAM) as sock:
            sock.settimeout(SECONDS)
            sock.bind((self.host, 0))
            sock.listen(backlog)
            yield sock, sock.getsockname()[1]

    async def listen(self, engine: Engine, service: str = "echo", **options: int) -> int:
        """Have the engine listen; the port."""
        number = await engine.listen(Endpoint.parse(self.any_endpoint), service, **options)
        with Reader(engine.capture) as reader:
            return Endpoint.parse(reader.socket(number).local).port


FAMILIES = [
    Family("tcp4", "tcp://127.0.0.1:0", sockets.AF_INET, "127.0.0.1"),
    Family("tcp6", "tcp://[::1]:0", sockets.AF_INET6, "::1"),
]

every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
