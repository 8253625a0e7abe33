"""The kinds of sockets that the engine's tests run over: a new kind is one row more.

A kind on whose plain sockets a protocol is spoken (TLS, WebSocket) is a row of a subclass that says which.
"""

import asyncio
import secrets
import socket as sockets
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.call import Layer
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.engine.tls import authority
from socktui.journal.reader import Reader
from tests.engine.protocol_peers import Speech, SpokenSocket, Telnet, Tls, WebSocket, WebSocketOverTls
from tests.engine.tls.certificates import Certificates
from tests.engine.tls.peer import trusting
from tests.loops import PURE
from tests.support import SECONDS, carried

GOOD = "good.pem"
_NAMES = {
    Layer.WIRE: ("recv", "send"),
    Layer.TLS: ("SSL_read", "SSL_write"),
    Layer.WS: ("ws_recv", "ws_send"),
    Layer.TELNET: ("telnet_recv", "telnet_send"),
}

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

    @property
    def accepts(self) -> bool:
        """Whether a listener has a socket of its own for each peer."""
        return self.kind != sockets.SOCK_DGRAM

    @property
    def names(self) -> tuple[str, str]:
        """The calls that receive and send what a service does, of what has connections."""
        return _NAMES[(Layer.WIRE, *SCHEMES[self.scheme].layers)[-1]]

    def received(self, capture: Path, number: int) -> bytes:
        """All bytes that a socket received, in clear."""
        return carried(capture, number, self.names[0])

    def sent(self, capture: Path, number: int) -> bytes:
        return carried(capture, number, self.names[1])

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
    def connected(self, endpoint: Endpoint) -> Iterator[sockets.socket]:
        """A plain socket that is connected to `endpoint`, and says nothing."""
        with self.socket() as sock:
            if not self.accepts and not self.internet:
                sock.bind("")  # unix(7): a name of the kernel's choice, so that it can be answered
            sock.connect(self.address(endpoint))
            yield sock

    @contextmanager
    def peer(self, endpoint: Endpoint) -> Iterator[sockets.socket]:
        """A plain client of `endpoint`."""
        with self.connected(endpoint) as sock, self.as_client(sock) as client:
            yield client

    @contextmanager
    def server(self, folder: Path, backlog: int = 16) -> Iterator[tuple[sockets.socket, Endpoint]]:
        """A plain listener, and its endpoint."""
        endpoint = self.anywhere(folder)
        with self.socket() as sock:
            sock.bind(self.address(endpoint))
            if self.accepts:
                sock.listen(backlog)
            if self.internet:
                endpoint = Endpoint.at(self.scheme, Endpoint.of_address("tcp", sock.getsockname()).authority)
            yield sock, self.known(endpoint, folder)

    @contextmanager
    def deaf(self, folder: Path) -> Iterator[Endpoint]:
        """Where nobody is answered: the accept queue of its listener is full."""
        with self.server(folder, backlog=0) as (server, endpoint), ExitStack() as stack:
            for _ in range(3):
                sock = stack.enter_context(self.socket())
                sock.setblocking(False)
                sock.connect_ex(self.address(endpoint))
            assert server.fileno() >= 0
            yield endpoint

    async def met(self, engine: Engine, server: sockets.socket, endpoint: Endpoint) -> tuple[int, sockets.socket]:
        """Have the engine connect to a plain listener: the number of its client, and the other end."""

        def accept() -> sockets.socket:
            sock, _ = server.accept()
            sock.settimeout(SECONDS)
            return self.as_server(sock, endpoint)

        other, number = await asyncio.gather(asyncio.to_thread(accept), engine.connect(endpoint))
        return number, other

    def known(self, endpoint: Endpoint, folder: Path) -> Endpoint:
        """The endpoint of a plain listener as the engine has to know it."""
        return endpoint

    def as_client(self, sock: sockets.socket) -> sockets.socket:
        """What is spoken, on a plain socket that is connected."""
        return sock

    def as_server(self, sock: sockets.socket, endpoint: Endpoint) -> sockets.socket:
        """What is spoken, on one that `endpoint` has accepted."""
        return sock

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


class Spoken(Family):
    """A kind whose plain sockets speak a protocol over TCP."""

    def as_client(self, sock: sockets.socket) -> sockets.socket:
        return SpokenSocket(sock, self.client())

    def as_server(self, sock: sockets.socket, endpoint: Endpoint) -> sockets.socket:
        return SpokenSocket(sock, self.serving(endpoint))

    def client(self) -> Speech:
        raise NotImplementedError

    def serving(self, endpoint: Endpoint) -> Speech:
        raise NotImplementedError


class OverTelnet(Spoken):
    def client(self) -> Speech:
        return Telnet()

    def serving(self, endpoint: Endpoint) -> Speech:
        return Telnet()


class OverWebSocket(Spoken):
    def client(self) -> Speech:
        return WebSocket(client=True)

    def serving(self, endpoint: Endpoint) -> Speech:
        return WebSocket(client=False)


class OverTls(Spoken):
    """Plain clients trust the engine's authority, and plain servers have one of their own, which the engine is told."""

    def known(self, endpoint: Endpoint, folder: Path) -> Endpoint:
        certificates = Certificates(folder)
        assert certificates.good().name == GOOD
        return endpoint.with_option("ca", str(certificates.ca))

    def client(self) -> Tls:
        return Tls(trusting(authority.folder() / authority.CERTIFICATE), self.host)

    def serving(self, endpoint: Endpoint) -> Tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(endpoint.option("ca")).with_name(GOOD))
        return Tls(context)


class OverBoth(OverTls):
    """WebSocket over TLS."""

    def as_client(self, sock: sockets.socket) -> sockets.socket:
        return SpokenSocket(sock, WebSocketOverTls(self.client(), WebSocket(client=True), client=True))

    def as_server(self, sock: sockets.socket, endpoint: Endpoint) -> sockets.socket:
        return SpokenSocket(sock, WebSocketOverTls(self.serving(endpoint), WebSocket(client=False), client=False))


TCP4 = Family("tcp4", "tcp", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", resets=True)
TCP6 = Family("tcp6", "tcp", sockets.AF_INET6, sockets.SOCK_STREAM, "::1", resets=True)
UNIX = Family("unix", "unix", sockets.AF_UNIX, sockets.SOCK_STREAM)
ABSTRACT = Family("abstract", "unix", sockets.AF_UNIX, sockets.SOCK_STREAM, "@")
PACKETS = Family("packets", "unix-seqpacket", sockets.AF_UNIX, sockets.SOCK_SEQPACKET, messages=True)
UDP4 = Family("udp4", "udp", sockets.AF_INET, sockets.SOCK_DGRAM, "127.0.0.1", messages=True)
UDP6 = Family("udp6", "udp", sockets.AF_INET6, sockets.SOCK_DGRAM, "::1", messages=True)
DATAGRAMS = Family("datagrams", "unix-dgram", sockets.AF_UNIX, sockets.SOCK_DGRAM, messages=True)

TLS = OverTls("tls", "tls", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", resets=True)
WS = OverWebSocket("ws", "ws", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", messages=True, resets=True)
WSS = OverBoth("wss", "wss", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", messages=True, resets=True)
TELNET = OverTelnet("telnet", "telnet", sockets.AF_INET, sockets.SOCK_STREAM, "127.0.0.1", resets=True)

STREAMS = [TCP4, TCP6, UNIX, ABSTRACT]
CONNECTED = [*STREAMS, PACKETS]
SPOKEN = [TLS, WS, WSS, TELNET]
WITHOUT_CONNECTION = [UDP4, UDP6, DATAGRAMS]
KEPT_BY_THE_KERNEL = [PACKETS, *WITHOUT_CONNECTION]


def over(*families: Family) -> pytest.MarkDecorator:
    """Run a test over these, and over TCP with the loop in Python as well: where there is a compiler, it is in C."""
    rows = [pytest.param(family, "", id=family.name) for family in families]
    if TCP4 in families:
        rows.append(pytest.param(TCP4, PURE, id="tcp4-pure"))
    return pytest.mark.parametrize(("family", "inner_loop"), rows, indirect=["inner_loop"])


every_stream = over(*STREAMS, TLS, TELNET)
"""Bytes without borders."""
every_connection = over(*CONNECTED, *SPOKEN)
"""What is accepted, and is over with a FIN."""
every_half_close = over(*CONNECTED, TLS, TELNET)
"""What goes on one way when the other is over; a WebSocket's close is answered by a close (RFC 6455, section 5.5.1)."""
one_of_each = over(TCP4, UNIX, PACKETS)
"""What is accepted, where the two of internet sockets and the two of UNIX streams cannot differ, nor what is spoken."""
one_of_each_spoken = over(TCP4, UNIX, PACKETS, TLS, WS, WSS, TELNET)
"""The same, where it can."""
every_reset = over(*(family for family in (*CONNECTED, *SPOKEN) if family.resets))
"""What may end with a RST."""
every_message = over(*KEPT_BY_THE_KERNEL, WS, WSS)
"""What keeps the borders of what is sent."""
every_message_of_the_kernel = over(*KEPT_BY_THE_KERNEL)
"""The same by itself: a WebSocket's message may come in many pieces, and has bounds of its own."""
every_listener = over(*CONNECTED, *SPOKEN, *WITHOUT_CONNECTION)
"""Whatever has an address of its own."""
