"""Plain sockets on which a protocol is spoken: what is sent and received there is what the protocol carries."""

import contextlib
import re
import socket as sockets
import ssl
import threading
from collections import deque
from typing import Any

from tests.engine.websocket.wire import KEY, UPGRADE, accepting, close, frame, unframed

_WIRE = 1 << 18
_TELNET = re.compile(rb"\r\0|\xff(?:[\xfb-\xfe].|\xfa.*?\xff\xf0|[^\xfa-\xfe])", re.DOTALL)
_TELNET_BEGUN = re.compile(rb"(?:\r|\xff(?:[\xfb-\xfe]|\xfa.*)?)\Z", re.DOTALL)
_MEANT = {b"\r\0": b"\r", b"\xff\xff": b"\xff"}


class Speech:
    """From data to the wire and back; no bytes are moved here.

    messages  what is said keeps its borders
    open      the handshake is done
    over      the other end has said that it says no more
    """

    messages = False
    open = True
    over = False

    def said(self, data: bytes) -> bytes:
        """The wire of it."""
        raise NotImplementedError

    def heard(self, wire: bytes) -> list[bytes]:
        """The data in it; an empty wire is a FIN. Raises EOFError where that comes before it was announced."""
        raise NotImplementedError

    def due(self) -> bytes:
        """What has to be sent without being asked: a handshake's, or an answer."""
        return b""

    def farewell(self) -> bytes:
        """What says that no more is said."""
        return b""


class Tls(Speech):
    """One end of TLS, by Python's ssl over memory."""

    def __init__(self, context: ssl.SSLContext, name: str | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=name is None, server_hostname=name)
        self._read: list[bytes] = []
        self.open = False
        self._shake_hands()

    def said(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def heard(self, wire: bytes) -> list[bytes]:
        if not wire and not self.over:
            raise EOFError("a FIN without close_notify")
        self._incoming.write(wire)
        if not self.open:
            self._shake_hands()
        self._take_in()
        read, self._read = self._read, []
        return read

    def due(self) -> bytes:
        return self._outgoing.read()

    def farewell(self) -> bytes:
        self._take_in()  # unwrap() would throw away what has come
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        return self._outgoing.read()

    def _shake_hands(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
            self.open = True

    def _take_in(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            while self.open and not self.over:
                try:
                    data = self._tls.read(_WIRE)
                except ssl.SSLZeroReturnError:
                    data = b""
                self.over = not data
                self._read += [data] if data else []


class WebSocket(Speech):
    """One end of a WebSocket: binary messages, each in one frame."""

    messages = True

    def __init__(self, *, client: bool) -> None:
        self._key = KEY if client else b""
        self._due = UPGRADE + b"\r\n" if client else b""
        self._wire = b""
        self._message = b""
        self._parted = False
        self.open = False

    def said(self, data: bytes) -> bytes:
        return frame(2, data, key=self._key)

    def heard(self, wire: bytes) -> list[bytes]:
        if not wire and not self.over:
            raise EOFError("a FIN without a close")
        self._wire += wire
        if not self.open and b"\r\n\r\n" in self._wire:
            self._shake_hands()
        messages = []
        while self.open and not self.over:
            try:
                first, payload, self._wire = unframed(self._wire)
            except EOFError:
                break
            messages += self._frame(first, payload)
        return messages

    def due(self) -> bytes:
        due, self._due = self._due, b""
        return due

    def farewell(self) -> bytes:
        self._parted = True
        return frame(8, key=self._key)

    def _shake_hands(self) -> None:
        head, _, self._wire = self._wire.partition(b"\r\n\r\n")
        if not self._key:
            self._due = accepting(head)
        else:
            assert head.startswith(b"HTTP/1.1 101 "), head
        self.open = True

    def _frame(self, first: int, payload: bytes) -> list[bytes]:
        """The message that is whole with a frame, if any."""
        if first == 0x88:
            self.over = True
            self._due = b"" if self._parted else close(1000, key=self._key)
        elif first & 0x0F <= 2:
            self._message += payload
            if first & 0x80:
                message, self._message = self._message, b""
                return [message]
        return []


class Telnet(Speech):
    """One end of telnet (RFC 854) that answers no command."""

    def __init__(self) -> None:
        self._begun = b""

    def said(self, data: bytes) -> bytes:
        return re.sub(rb"\r(?!\n)", b"\r\0", data.replace(b"\xff", b"\xff\xff"))

    def heard(self, wire: bytes) -> list[bytes]:
        self.over = not wire
        wire = self._begun + wire
        data = bytearray()
        at = 0
        for match in _TELNET.finditer(wire):
            data += wire[at : match.start()] + _MEANT.get(match[0], b"")
            at = match.end()
        rest = wire[at:]
        begun = _TELNET_BEGUN.search(rest)
        self._begun = begun[0] if begun else b""
        data += rest.removesuffix(self._begun)
        return [bytes(data)] if data else []


class WebSocketOverTls(Speech):
    """A WebSocket over TLS. The client waits for the server to be the first to end what is below."""

    def __init__(self, low: Tls, high: WebSocket, *, client: bool) -> None:
        self._low, self._high = low, high
        self._waits = client
        self._parted = False
        self.messages = high.messages

    @property
    def open(self) -> bool:  # type: ignore[override]
        return self._low.open and self._high.open

    @property
    def over(self) -> bool:  # type: ignore[override]
        return self._high.over and (self._low.over or not self._waits)

    def said(self, data: bytes) -> bytes:
        return self._low.said(self._high.said(data))

    def heard(self, wire: bytes) -> list[bytes]:
        return [data for piece in self._low.heard(wire) for data in self._high.heard(piece)]

    def due(self) -> bytes:
        due = self._low.due()
        if high := self._low.open and self._high.due():
            due += self._low.said(high)
        if self.over and not self._parted:
            self._parted = True
            due += self._low.farewell()
        return due

    def farewell(self) -> bytes:
        return self._low.said(self._high.farewell())


class SpokenSocket(sockets.socket):
    """A connected socket, taken over, after the handshake. One thread may send while another receives."""

    def __init__(self, sock: sockets.socket, speech: Speech) -> None:
        timeout = sock.gettimeout()
        super().__init__(fileno=sock.detach())
        self.settimeout(timeout)
        self._speech = speech
        self._turn = threading.Lock()
        self._inbox: deque[bytes] = deque()
        self._unsent = b""
        while not speech.open:
            self._answer()
            self._inbox += speech.heard(super().recv(_WIRE))
        self._answer()

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        with self._turn:
            wire, self._unsent = self._unsent + self._speech.said(bytes(data)), b""
        super().sendall(wire)

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Where the socket does not block, take all of it: what the kernel has no room for waits for the next call."""
        if self.gettimeout() != 0:
            self.sendall(data)
            return len(data)
        if self._unsent:
            self._unsent = self._unsent[super().send(self._unsent) :]
        if self._unsent:
            raise BlockingIOError
        wire = self._speech.said(bytes(data))
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = super().send(wire)
        self._unsent = wire[sent:]
        return len(data)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Of a message that is longer the rest is lost. Raises EOFError where the end comes unannounced."""
        while not self._inbox and not self._speech.over:
            wire = super().recv(_WIRE)
            with self._turn:
                self._inbox += self._speech.heard(wire)
            self._answer()
        data = self._inbox.popleft() if self._inbox else b""
        if len(data) > size and not self._speech.messages:
            self._inbox.appendleft(data[size:])
        return data[:size]

    def shutdown(self, how: int, /) -> None:
        """Say farewell, and send a FIN; of a WebSocket, the server is the first to do that."""
        with self._turn:
            farewell = self._speech.farewell()
        super().sendall(farewell)
        if not self._speech.messages:
            super().shutdown(how)

    def _answer(self) -> None:
        with self._turn:
            due = self._speech.due()
        if due:
            super().sendall(due)
