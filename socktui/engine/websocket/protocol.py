"""One end of a WebSocket (RFC 6455) without any I/O: bytes in, events out, each with the bytes to be sent at once.

The library `websockets` parses HTTP and its headers, negotiates extensions, and makes the frames that are sent.
Received frames are parsed by `frames`.
"""

import errno as errnos
import http
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, SecurityError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.typing import Origin, Subprotocol
from websockets.uri import WebSocketURI

from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.websocket.events import Came, Closed, Event, Failed, Opened, Refused, Served
from socktui.engine.websocket.frames import CONTROL_MAX, FrameReader, Inflater, Message, Violation, close_of
from socktui.engine.websocket.page import page_headers, page_html

HEAD_MAX = 16 << 10
"""Bytes of the HTTP request or response that opens a connection; its lines may have half of that."""

FRAME_MAX = 64 << 10
"""Bytes of a message in one frame that is sent; a bigger message is sent in several."""

KINDS = ("text", "binary", "ping", "pong", "close")

T = TypeVar("T")

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [!-~]+ HTTP/1\.[01]\r?\n")
_HEAD_ENDS = re.compile(rb"\n\r?\n")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHOWN = 200
_WINDOW = 12  # bits: 4 KiB, so that thousands of connections have room
_DEFLATE = {"memLevel": 5}
_SILENT = logging.Logger("websocket", logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Options:
    """What an end offers, or insists on, in the opening handshake.

    path          of the resource, with its query; a server whose path is not `/` serves no other
    deflate       whether permessage-deflate may be negotiated (RFC 7692)
    subprotocols  in order of preference
    origin        the Origin that a client sends, and the only one that a server accepts of clients that send any
    Raises SocketError where a subprotocol or the origin cannot be written in a header.
    """

    path: str = "/"
    deflate: bool = True
    subprotocols: tuple[str, ...] = ()
    origin: str = ""

    def __post_init__(self) -> None:
        """Raises SocketError."""
        for name in self.subprotocols:
            if not _TOKEN.fullmatch(name):
                raise _refused(ErrorCode.WEBSOCKET_SUBPROTOCOL_WRONG, name=name)
        if not (self.origin.isascii() and (self.origin or "x").isprintable()):
            raise _refused(ErrorCode.WEBSOCKET_ORIGIN_WRONG, origin=self.origin)


class WebSocket(ABC):
    """One end. The bytes that its methods return have to be sent in the order of the calls.

    handshake_done  whether the opening handshake is done
    over            whether the peer may send nothing more
    silent          whether the peer has sent nothing yet
    """

    _library: ServerProtocol | ClientProtocol
    _masked: bool

    def __init__(self) -> None:
        self._head = bytearray()
        self._frames = FrameReader(masked=self._masked)
        self.handshake_done = False
        self.over = False
        self.silent = True

    @property
    def open(self) -> bool:
        """Whether messages can be sent."""
        return self._library.state is State.OPEN

    def receive(self, data: bytes | None) -> Iterator[Event]:
        """Yield the events of the next bytes, or of their end (None). Exhaust it before the next bytes are passed.

        Served, Refused, Closed and Failed are the last events of an end.
        """
        if self.over:
            return
        if data is None:
            self.over = True
            if self.handshake_done:
                yield Failed(b"", int(CloseCode.ABNORMAL_CLOSURE), "the connection ended without a close")
            elif self.silent:
                yield self._said_nothing()
            else:
                yield Refused(b"", "the connection ended before the handshake was done")
            return
        self.silent = False
        if not self.handshake_done:
            event, data = self._receive_head(data)
            if event is not None:
                self.handshake_done = isinstance(event, Opened)
                self.over = not self.handshake_done
                yield event
        if self.handshake_done:
            yield from self._receive_frames(data)

    def _receive_head(self, data: bytes) -> tuple[Event | None, bytes]:
        """What the other end's half of the handshake brings, once it is whole, and the bytes behind it."""
        searched = max(0, len(self._head) - 2)
        self._head += data
        ends = _HEAD_ENDS.search(self._head, searched)
        head = bytes(self._head[: ends.end() if ends else None])
        event = self._wrong_so_far(head)
        if event is None and ends is not None:
            event = self._handshake(head)
        if event is None:
            return None, b""
        rest = bytes(self._head[len(head) :])
        self._head.clear()
        return event, rest

    def _receive_frames(self, data: bytes) -> Iterator[Event]:
        try:
            for message in self._frames.feed(data):
                yield self._came(message)
                if self.over:
                    return
        except Violation as violation:
            yield self._fail(violation)

    def send(self, kind: str, data: bytes | memoryview) -> Iterator[bytes]:
        """Yield the frames of a message of one of KINDS. The data of a close is its payload: code and reason.

        Raises SocketError for what may not be sent.
        """
        if kind not in KINDS:
            raise _refused(ErrorCode.WEBSOCKET_KIND_UNKNOWN, kind=kind, kinds=", ".join(KINDS))
        if kind in ("ping", "pong", "close") and len(data) > CONTROL_MAX:
            raise _refused(ErrorCode.WEBSOCKET_CONTROL_TOO_LONG, kind=kind, size=len(data), most=CONTROL_MAX)
        if kind == "text":
            try:
                str(data, "utf-8")
            except UnicodeDecodeError:
                raise _refused(ErrorCode.WEBSOCKET_TEXT_NOT_UTF8) from None
        if kind == "close":
            try:
                code, reason = close_of(bytes(data))
            except Violation as violation:
                raise _refused(ErrorCode.WEBSOCKET_CLOSE_WRONG, reason=violation.reason) from None
            self._must_be_open()
            yield self.close(code, reason)
            return
        for at in range(0, len(data) or 1, FRAME_MAX):
            self._must_be_open()
            piece, final = data[at : at + FRAME_MAX], at + FRAME_MAX >= len(data)
            if kind == "ping":
                self._library.send_ping(piece)
            elif kind == "pong":
                self._library.send_pong(piece)
            elif at:
                self._library.send_continuation(piece, final)
            elif kind == "text":
                self._library.send_text(piece, final)
            else:
                self._library.send_binary(piece, final)
            yield self._made()

    def close(self, code: int, reason: str = "") -> bytes:
        """Return a close frame, without a code for 1005; empty if one was sent before, or the handshake is not done."""
        if not self.open:
            return b""
        self._library.send_close(None if code == CloseCode.NO_STATUS_RCVD else code, reason)
        return self._made()

    @abstractmethod
    def _handshake(self, head: bytes) -> Event:
        """What the other end's half of the handshake brings."""

    @abstractmethod
    def _said_nothing(self) -> Event:
        """What it means that the other end went without a word."""

    @abstractmethod
    def _wrong_so_far(self, head: bytes) -> Event | None:
        """What is wrong already with a head, whole or not."""

    def _opened(self, answer: bytes) -> Opened:
        inflater = None
        for extension in self._library.extensions:
            if isinstance(extension, PerMessageDeflate):
                takeover = not extension.remote_no_context_takeover
                inflater = Inflater(extension.remote_max_window_bits, takeover=takeover)
        self._frames = FrameReader(masked=self._masked, inflater=inflater)
        return Opened(answer, self._library.subprotocol or "", inflater is not None)

    def _came(self, message: Message) -> Event:
        if message.kind == "close":
            try:
                code, reason = close_of(message.data)
            except Violation as violation:
                return self._fail(violation)
            self.over = True
            return Closed(self.close(code, reason), code, reason, message)
        if message.kind == "ping":
            self._library.send_pong(message.data)  # after our close as well: RFC 6455, section 5.5.1
        return Came(self._made(), message)

    def _fail(self, violation: Violation) -> Failed:
        self.over = True
        return Failed(self.close(violation.code, violation.reason), violation.code, violation.reason)

    def _must_be_open(self) -> None:
        if not self.handshake_done:
            raise _refused(ErrorCode.WEBSOCKET_NOT_OPEN)
        if not self.open:
            raise _refused(ErrorCode.WEBSOCKET_CLOSING)

    def _made(self) -> bytes:
        return b"".join(self._library.data_to_send())


class _LenientProtocol(ServerProtocol):
    """The library's, but whoever offers no subprotocol that is known gets none, rather than a refusal."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((name for name in self.available_subprotocols or () if name in subprotocols), None)


class Server(WebSocket):
    """The server's end: it answers the opening handshake, and serves the page to browsers."""

    _masked = True

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._path = options.path.partition("?")[0]
        self._server = self._library = _LenientProtocol(
            origins=[Origin(options.origin), None] if options.origin else None,
            extensions=[
                ServerPerMessageDeflateFactory(
                    server_max_window_bits=_WINDOW, client_max_window_bits=_WINDOW, compress_settings=_DEFLATE
                )
            ]
            if options.deflate
            else None,
            subprotocols=[Subprotocol(name) for name in options.subprotocols] or None,
            logger=_SILENT,
        )
        self._server.parser.close()  # unused: in a cycle, it would keep the memory of both directions for long

    def _said_nothing(self) -> Event:
        """Browsers connect once more than they need to, just in case."""
        return Served(b"")

    def _wrong_so_far(self, head: bytes) -> Event | None:
        if len(head) > HEAD_MAX:
            return self._refuse(431, f"the request has more than {HEAD_MAX} bytes")
        if head and not _TOKEN.fullmatch(chr(head[0])):
            return self._refuse(400, "this is no HTTP request" + (", it looks like TLS" if head[0] == 0x16 else ""))
        return None

    def _handshake(self, head: bytes) -> Event:
        """RFC 6455, section 4.2."""
        method = _REQUEST.match(head)
        if method is None:
            return self._refuse(400, "this is no HTTP request")
        if method[1] not in (b"GET", b"HEAD"):
            return self._refuse(405, "there is nothing here but GET and HEAD", ("Allow", "GET, HEAD"))
        try:
            request = _parse(Request.parse, head)
        except SecurityError as error:
            return self._refuse(431, str(error))
        except (EOFError, ValueError, NotImplementedError) as error:
            return self._refuse(400, str(error))
        if request.protocol == "HTTP/1.1" and len(request.headers.get_all("Host")) != 1:
            return self._refuse(400, "the request has to name its Host once")
        if self._path not in ("/", request.path.partition("?")[0]):
            return self._refuse(404, f"there is nothing here but {self._path}")
        if not _asks_for_websocket(request):
            headers = Headers(page_headers())
            return Served(Response(200, "OK", headers, page_html() if request.method == "GET" else b"").serialize())
        return self._upgrade(request)

    def _upgrade(self, request: Request) -> Event:
        versions = request.headers.get_all("Sec-WebSocket-Version")
        if versions and versions != ["13"]:  # RFC 6455, section 4.4
            return self._refuse(
                426, "the version has to be 13", ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")
            )
        response = self._server.accept(request)
        if response.status_code != 101:
            return Refused(response.serialize(), _short(str(self._server.handshake_exc)))
        self._server.send_response(response)
        return self._opened(self._made())

    def _refuse(self, status: int, reason: str, *headers: tuple[str, str]) -> Refused:
        response = self._server.reject(http.HTTPStatus(status), f"{_short(reason)}.\n")
        for name, value in headers:
            response.headers[name] = value
        return Refused(response.serialize(), _short(reason))


class Client(WebSocket):
    """The client's end.

    opening  the request of the opening handshake, to be sent first
    """

    _masked = False

    def __init__(self, host: str, port: int, options: Options, *, secure: bool) -> None:
        super().__init__()
        path, _, query = options.path.partition("?")
        self._client = self._library = ClientProtocol(
            WebSocketURI(secure, host.partition("%")[0], port, path, query),
            origin=Origin(options.origin) if options.origin else None,
            extensions=[ClientPerMessageDeflateFactory(compress_settings=_DEFLATE)] if options.deflate else None,
            subprotocols=[Subprotocol(name) for name in options.subprotocols] or None,
            logger=_SILENT,
        )
        self._client.parser.close()
        self._client.send_request(self._client.connect())
        self.opening = self._made()

    def _said_nothing(self) -> Event:
        return Refused(b"", "the server closed without an answer")

    def _wrong_so_far(self, head: bytes) -> Event | None:
        if len(head) > HEAD_MAX:
            return Refused(b"", f"the server's answer has a head of more than {HEAD_MAX} bytes")
        if not b"HTTP/1.1 ".startswith(head[:9]):
            return Refused(b"", "the server does not answer in HTTP/1.1")
        return None

    def _handshake(self, head: bytes) -> Event:
        """RFC 6455, section 4.1."""
        try:
            response = _parse(_parse_response, head)
            if response.status_code != 101:
                said = f"{response.status_code} {response.reason_phrase}".strip()
                return Refused(b"", _short(f"the server answered {said}, not 101"))
            self._client.process_response(response)
        except InvalidHandshake as error:
            return Refused(b"", _short(f"the server's answer is wrong: {error}"))
        except (EOFError, ValueError, LookupError) as error:
            return Refused(b"", _short(f"the server's answer is no HTTP: {error}"))
        self._client.state = State.OPEN
        return self._opened(b"")


def _refused(code: ErrorCode, **fields: str | int) -> SocketError:
    """What would break the protocol."""
    return SocketError(code, errnos.EPROTO, **fields)


def _asks_for_websocket(request: Request) -> bool:
    """RFC 9110, section 7.8: any other upgrade may be passed over."""
    upgrades = ",".join(request.headers.get_all("Upgrade"))
    return "websocket" in [upgrade.strip().lower() for upgrade in upgrades.split(",")]


def _parse_response(read_line: Any) -> Generator[None, None, Response]:
    # As from a proxy: a body does not matter.
    return Response.parse(read_line, read_line, read_line, proxy=True)


def _parse(parse: Callable[[Any], Generator[None, None, T]], head: bytes) -> T:
    """What the library makes of a head that is whole."""
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    try:
        next(parse(reader.read_line))
    except StopIteration as done:
        result: T = done.value
        return result
    raise EOFError("the head is not whole")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
