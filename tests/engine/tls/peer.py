"""The other end of TLS, every byte of its wire in hand: by Python's ssl over memory and a plain blocking socket."""

import asyncio
import contextlib
import socket as sockets
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from tests.support import SECONDS, peer


class TlsPeer:
    """One end.

    piece  how many bytes each send(2) takes; 0 for all at once
    """

    def __init__(self, sock: sockets.socket, context: ssl.SSLContext, name: str | None = None, piece: int = 0) -> None:
        self.sock = sock
        self.piece = piece
        self._incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self.outgoing, server_side=name is None, server_hostname=name)

    def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                assert self._receive(), "the other end has gone"
            except ssl.SSLError:
                self.flush()
                raise
            else:
                self.flush()
                return

    def send(self, data: bytes) -> None:
        self.tls.write(data)
        self.flush()

    def recv(self, size: int = 65536) -> bytes:
        """Some bytes; none at the other end's close_notify. Raises EOFError where it says nothing of the kind."""
        while True:
            try:
                return self.tls.read(size)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self.flush()
                if not self._receive():
                    raise EOFError from None

    def read_exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            parts += self.recv(size - len(parts))
        return bytes(parts)

    def read_all(self) -> bytes:
        parts = bytearray()
        while part := self.recv():
            parts += part
        return bytes(parts)

    def notify(self) -> None:
        """Send close_notify; reading goes on."""
        self.write_notify()
        self.flush()

    def write_notify(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()

    def flush(self) -> None:
        wire = self.outgoing.read()
        step = self.piece or len(wire) or 1
        for at in range(0, len(wire), step):
            self.sock.sendall(wire[at : at + step])

    def _receive(self) -> bool:
        wire = self.sock.recv(self.piece or 65536)
        self._incoming.write(wire)
        return bool(wire)


def trusting(ca: Path) -> ssl.SSLContext:
    """A client's context that trusts one authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    return context


@contextlib.contextmanager
def tls_peer(port: int, ca: Path, name: str = "localhost", piece: int = 0) -> Iterator[TlsPeer]:
    """A client after its handshake."""
    with peer(port) as sock:
        sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        end = TlsPeer(sock, trusting(ca), name, piece)
        end.shake_hands()
        yield end


@contextlib.contextmanager
def plain_server() -> Iterator[tuple[Callable[[], sockets.socket], int]]:
    """What accepts one connection, and the port."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)

        def accept() -> sockets.socket:
            sock, _ = server.accept()
            sock.settimeout(SECONDS)
            return sock

        yield accept, server.getsockname()[1]


@contextlib.asynccontextmanager
async def echoing(context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a server that sends the first message back, or is refused by its client."""
    with plain_server() as (accept, port):

        def talk() -> None:
            with accept() as sock, contextlib.suppress(ssl.SSLError, ConnectionError, EOFError):
                end = TlsPeer(sock, context)
                end.shake_hands()
                end.send(end.recv())
                end.recv()

        talking = asyncio.create_task(asyncio.to_thread(talk))
        yield port
        await talking
