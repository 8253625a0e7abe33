"""WebSocket (RFC 6455): a connection of messages over a stream, and how its listeners and connections are set up."""

import asyncio
import errno as errnos
from collections.abc import Awaitable, Callable, Iterator
from time import monotonic_ns as now

from websockets.frames import Close, CloseCode

from socktui.core.call import Function
from socktui.core.connection import ClosedHereError, Connection, RelayError
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import End
from socktui.engine.at_once import at_once
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.layered import Layered
from socktui.engine.listener import Accepted, Listening
from socktui.engine.lock import Lock
from socktui.engine.websocket.events import Came, Closed, Event, Failed, Opened, Refused, Served
from socktui.engine.websocket.frames import MESSAGE_MAX, Message, close_of
from socktui.engine.websocket.protocol import Client, Options, Server

OPEN_SECONDS = 10.0
"""For the opening handshake."""

CLOSING_SECONDS = 2.0
"""For the closing handshake, and for the peer to receive the reason of a close."""

AT_ONCE = 32
"""Messages of one recv(2) that are handled before other tasks have their turn: one may hold thousands."""

Listen = Callable[[EngineContext, Endpoint, str, int, Accepted], Awaitable[Listening]]
Connect = Callable[[EngineContext, Endpoint, float], Awaitable[SocketConnection]]


class WebSocketConnection(Layered):
    """One end of a WebSocket. The wire is read by recv() alone: pings and the peer's close are answered then."""

    __slots__ = ("_end", "_event", "_events", "_in_a_row", "_reading", "_sending", "_wire")

    messages = True

    def __init__(self, context: EngineContext, under: SocketConnection, end: Server | Client) -> None:
        super().__init__(context, under)
        self._end = end
        self._event: Event | None = None
        self._events: Iterator[Event] = iter(())
        self._in_a_row = 0
        self._reading = Lock()
        self._sending = Lock()
        self._wire = Lock()

    async def handshake(self) -> None:
        """The opening handshake (RFC 6455, section 4). A send() of another task waits until it is done.

        Raises OSError; SocketError with EPROTO where the peer breaks the protocol, and with ECONNABORTED where it was a
        browser that asked for the page, which it has been sent.
        """
        async with self._sending:
            await self.under.handshake()
            await self._open_in_time()

    async def recv(self) -> bytes | None:
        message = await self._receive()
        return None if message is None else message.data

    async def forward(self, sink: Connection | None) -> bool:
        """Receive a message and send it to `sink` as one of the same kind; False at the end. Raises RelayError."""
        try:
            message = await self._receive()
        except OSError as error:
            raise RelayError(self, error) from error
        if message is None:
            return False
        if sink is not None:
            try:
                await sink.send(message.data, message.kind)
            except OSError as error:
                raise RelayError(sink, error) from error
        return True

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        """Send a message; with no kind, a text if it is UTF-8, else a binary one. Raises OSError.

        A ping or a pong may go out between the frames of a message. The data of a close is its code and reason.
        """
        if self.closed:
            raise ClosedHereError
        if len(data) > MESSAGE_MAX:
            raise SocketError(ErrorCode.WEBSOCKET_MESSAGE_TOO_LONG, errnos.EPROTO, size=len(data), most=MESSAGE_MAX)
        kind = kind or _fitting(data)
        if kind in ("ping", "pong"):
            await self._send_message(kind, data)
            return
        async with self._sending:
            await self._send_message(kind, data)

    async def drain(self) -> None:
        async with self._sending:
            pass
        await self.under.drain()

    async def wait_closed(self) -> None:
        """Wait until the peer has closed the WebSocket, which has no half-close, or the stream below is over."""
        if not self._end.over:
            await self.under.wait_closed()

    async def shutdown(self) -> None:
        """Send a close (1000), once."""
        async with self._sending:
            if self._end.open:
                await self._send_message("close", _payload(CloseCode.NORMAL_CLOSURE))

    async def closing_handshake(self) -> None:
        """Send a close, and receive up to the peer's (RFC 6455, section 7), for CLOSING_SECONDS at most."""
        if not self._end.handshake_done:
            return
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._part()
        except TimeoutError:
            pass  # the peer has been told

    def close(self) -> None:
        """Close, and send a close frame with 1001, going away, where that can be sent without waiting."""
        if self.socket.end is End.OPEN and (frame := self._end.close(CloseCode.GOING_AWAY)):
            try:
                at_once(self._send_close(frame, CloseCode.GOING_AWAY))
            except OSError:
                pass  # the peer does not listen any more
        self.under.close()

    # Receiving

    async def _open_in_time(self) -> None:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._open()
        except TimeoutError:
            reason = f"no WebSocket handshake within {OPEN_SECONDS:g} s"
            if isinstance(self._end, Client) or not self._end.silent:  # a browser's spare connection is no failure
                self._record_event(Function.WS_RECV, now(), -1, args=("handshake",), answer=reason)
            raise _broken(reason) from None

    async def _open(self) -> None:
        if isinstance(self._end, Client):
            await self._send_frame(self._end.opening)
        async with self._reading:
            match await self._next():
                case Served():
                    await self._drain()
                    raise SocketError(ErrorCode.NO_WEBSOCKET_ASKED, errnos.ECONNABORTED)
                case Refused(answer, reason):
                    if answer:
                        await self._drain()
                    raise _broken(reason)

    async def _receive(self) -> Message | None:
        """The next text or binary message; None when the peer has closed. Raises OSError where it broke the rules."""
        async with self._reading:
            while (event := await self._next()) is not None:
                match event:
                    case Came(_, message) if message.kind in ("text", "binary"):
                        return message
                    case Failed(answer, code, reason):
                        if answer:
                            await self._drain()
                        raise _broken(f"{reason} ({code})")
            return None

    async def _next(self) -> Event | None:
        """The next event, recorded and answered; None once the peer may send nothing more."""
        while True:
            event = self._event = self._event or next(self._events, None)
            if event is not None:
                await self._give_way()
                began = now()
                await self._record_received(event, began)
                self._event = None  # only now: where this task is cancelled, it is for the next
                await self._answer(event, began)
                return event
            if self._end.over:
                return None
            self.under.buffer = self.buffer
            self._events = self._end.receive(await self.under.recv())

    async def _give_way(self) -> None:
        self._in_a_row += 1
        if self._in_a_row == AT_ONCE:
            self._in_a_row = 0
            await asyncio.sleep(0)

    async def _record_received(self, event: Event, began: int) -> None:
        match event:
            case Refused(_, reason):
                self._record_event(Function.WS_RECV, began, -1, args=("handshake",), answer=reason)
            case Came(_, message):
                await self._record(Function.WS_RECV, began, message.data, args=(message.kind,))
            case Closed(_, code, reason, message):
                await self._record(Function.WS_RECV, began, message.data, args=("close", code, reason))
            case Failed(_, code, reason):
                self._record_event(Function.WS_RECV, began, -1, answer=f"{reason} ({code})")

    async def _answer(self, event: Event, began: int) -> None:
        match event:
            case Opened(answer) | Served(answer) | Refused(answer):
                await self._send_frame(answer)
            case Came(answer, message) if answer:
                await self._send_frame(answer)
                await self._record(Function.WS_SEND, began, message.data, args=("pong",))
            case Closed(answer, code, reason) | Failed(answer, code, reason):
                await self._answer_close(answer, code, reason)

    # Sending

    async def _send_message(self, kind: str, data: bytes | memoryview) -> None:
        began, begun = now(), False
        frames = self._end.send(kind, data)
        try:
            while True:
                async with self._wire:
                    frame = next(frames, None)
                    if frame is None:
                        break
                    begun = True
                    await self._send_wire(frame)
        except asyncio.CancelledError:
            if begun:
                self._end_later(frames)
            raise
        args = close_of(bytes(data)) if kind == "close" else ()
        await self._record(Function.WS_SEND, began, data, args=(kind, *args))

    def _end_later(self, frames: Iterator[bytes]) -> None:
        """Leave the rest of a message to whoever sends next: another one cannot begin before it has ended."""
        try:
            self._unsent += b"".join(frames)
        except SocketError:
            pass  # a close was sent meanwhile, and nothing goes out after it

    async def _answer_close(self, frame: bytes, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._send_close(frame, code, reason)
        except TimeoutError:
            pass  # the peer does not read

    async def _send_close(self, frame: bytes, code: int, reason: str = "") -> None:
        if frame:
            began = now()
            await self._send_frame(frame)
            await self._record(Function.WS_SEND, began, _payload(code, reason), args=("close", code, reason))

    async def _send_frame(self, frame: bytes) -> None:
        """Send what the end has made: where this task is cancelled before its turn, it goes out with the next."""
        try:
            await self._wire.acquire()
        except asyncio.CancelledError:
            self._unsent += frame
            raise
        try:
            await self._send_wire(frame)
        finally:
            self._wire.release()

    # Ending

    async def _part(self) -> None:
        await self.shutdown()
        async with self._reading:
            while await self._next() is not None:
                pass  # what still comes is recorded
            await self._drain()
        await self.under.closing_handshake()

    async def _drain(self) -> None:
        """Wait until the peer has taken in what was sent: the RST of a close with bytes unread would undo it.

        RFC 6455, section 7.1.1: the server is the first to close.
        """
        try:
            if isinstance(self._end, Server):
                await self.under.shutdown()
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._receive_nothing()
        except OSError:
            pass  # the peer has gone, or takes too long

    async def _receive_nothing(self) -> None:
        while await self.under.recv() is not None:
            pass


def listen_over(listen: Listen) -> Listen:
    """Return a function that listens for WebSockets, given one that listens for streams.

    It raises OSError, socket.gaierror.
    """

    async def listen_websocket(
        context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
    ) -> Listening:
        options = _options(endpoint)

        def arrived(under: SocketConnection) -> None:
            accepted(WebSocketConnection(context, under, Server(options)))

        return await listen(context, endpoint, service, backlog, arrived)

    return listen_websocket


def connect_over(connect: Connect) -> Connect:
    """Return a function that connects a WebSocket, given one that connects a stream.

    It raises OSError, socket.gaierror.
    """

    async def connect_websocket(context: EngineContext, endpoint: Endpoint, seconds: float) -> SocketConnection:
        end = Client(endpoint.host, endpoint.port, _options(endpoint), secure=endpoint.scheme == "wss")
        return WebSocketConnection(context, await connect(context, endpoint, seconds), end)

    return connect_websocket


def _options(endpoint: Endpoint) -> Options:
    names = endpoint.option("subprotocol")
    return Options(
        path=endpoint.path or "/",
        deflate=endpoint.option("deflate") != "no",
        subprotocols=tuple(name.strip() for name in names.split(",")) if names else (),
        origin=endpoint.option("origin"),
    )


def _broken(reason: str) -> SocketError:
    """A rule of the protocol that the peer has broken, as the capture tells it."""
    return SocketError(ErrorCode.PROTOCOL, errnos.EPROTO, reason=reason)


def _fitting(data: bytes | memoryview) -> str:
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return "binary"
    return "text"


def _payload(code: int, reason: str = "") -> bytes:
    return b"" if code == CloseCode.NO_STATUS_RCVD else Close(code, reason).serialize()
