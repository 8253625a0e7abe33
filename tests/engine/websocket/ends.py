"""Both ends of a WebSocket without a socket."""

from socktui.engine.websocket.events import Opened, Refused, Served
from socktui.engine.websocket.protocol import Client, Options, Server
from tests.engine.websocket.wire import UPGRADE

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def opened(options: Options | None = None, request: bytes = UPGRADE + b"\r\n") -> tuple[Server, bytes]:
    """A server that has been connected to, and what it answered."""
    server = Server(options or Options())
    [event] = server.receive(request)
    assert isinstance(event, Opened), event
    return server, event.answer


def pair(client: Options | None = None, server: Options | None = None) -> tuple[Client, Server, Opened]:
    """Two ends that talk to each other, and what they agreed upon."""
    one = Client("localhost", 80, client or Options(), secure=False)
    other = Server(server or Options())
    [there] = other.receive(one.opening)
    assert isinstance(there, Opened), there
    [here] = one.receive(there.answer)
    assert isinstance(here, Opened), here
    assert (here.deflate, here.subprotocol) == (there.deflate, there.subprotocol)
    return one, other, there


def answer_of(request: bytes, options: Options | None = None) -> tuple[int, bytes, bytes]:
    """Status, head and body of what a server answers to what opens no WebSocket; it says no more."""
    server = Server(options or Options())
    [event] = server.receive(request)
    assert isinstance(event, Served | Refused), event
    assert (server.over, server.open) == (True, False)
    assert list(server.receive(b"GET / HTTP/1.1\r\n\r\n")) == []
    head, _, body = event.answer.partition(b"\r\n\r\n")
    return int(head[9:12]), head, body
