"""A plain socket that speaks WebSocket frame by frame, and may do it wrong."""

import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engine.websocket.wire import ACCEPT_OF_THE_RFC, UPGRADE, unframed
from tests.support import peer, read_all

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


class Browser:
    """A plain socket that has become a WebSocket."""

    def __init__(self, sock: sockets.socket, extra: bytes = b"") -> None:
        self.sock = sock
        self._wire = b""
        sock.sendall(UPGRADE + extra + b"\r\n")
        while b"\r\n\r\n" not in self._wire:
            self._more()
        self.head, _, self._wire = self._wire.partition(b"\r\n\r\n")
        assert ACCEPT_OF_THE_RFC in self.head, self.head

    def send(self, wire: bytes) -> None:
        self.sock.sendall(wire)

    def frame(self) -> tuple[int, bytes]:
        """The first byte of the next frame, and its payload."""
        while True:
            try:
                first, payload, self._wire = unframed(self._wire)
            except EOFError:
                self._more()
            else:
                return first, payload

    def ends(self) -> bool:
        """Whether nothing but the end comes."""
        return self._wire + read_all(self.sock) == b""

    def _more(self) -> None:
        data = self.sock.recv(1 << 18)
        assert data, f"the end, after {self._wire!r}"
        self._wire += data


@contextmanager
def browser(port: int, extra: bytes = b"") -> Iterator[Browser]:
    with peer(port) as sock:
        yield Browser(sock, extra)


def whole_message(peer_: Browser) -> tuple[int, bytes]:
    """The next message, put together."""
    first, data = peer_.frame()
    final = first & 0x80
    while not final:
        more, rest = peer_.frame()
        final, data = more & 0x80, data + rest
    return first | 0x80, data
