"""What bytes of the peer bring, as events: which one, what it says, and what has to be sent at once."""

import pytest

from socktui.engine.websocket.events import Came, Closed, Event, Failed, Opened, Refused, Served
from socktui.engine.websocket.frames import Message
from socktui.engine.websocket.protocol import Options, Server
from tests.engine.websocket.ends import OFFER, opened
from tests.engine.websocket.wire import KEY, UPGRADE, close, frame


def events(end: Server, *wire: bytes | None) -> list[Event]:
    return [event for piece in wire for event in end.receive(piece)]


@pytest.mark.parametrize(
    ("wire", "event"),
    [
        (frame(1, b"Hello"), Came(b"", Message("text", b"Hello"))),
        (frame(2, b""), Came(b"", Message("binary", b""))),
        (frame(9, b"p"), Came(b"\x8a\x01p", Message("ping", b"p"))),
        (frame(10, b"p"), Came(b"", Message("pong", b"p"))),
        (close(1000, b"bye"), Closed(b"\x88\x05\x03\xe8bye", 1000, "bye", Message("close", b"\x03\xe8bye"))),
        (frame(8), Closed(b"\x88\x00", 1005, "", Message("close", b""))),
        (frame(3), Failed(b"\x88\x16\x03\xeaopcode 3 is reserved", 1002, "opcode 3 is reserved")),
        (close(1005), Failed(b"\x88\x22\x03\xeaclose frame: invalid status code", 1002, "")),
        (None, Failed(b"", 1006, "the connection ended without a close")),
    ],
)
def test_what_frames_and_the_end_bring(wire: bytes | None, event: Event) -> None:
    end, _ = opened()
    [found] = events(end, wire)
    if isinstance(event, Failed) and not event.reason:
        assert isinstance(found, Failed)
        event = Failed(found.answer, event.code, found.reason)
        assert found.answer.endswith(found.reason.encode())
    assert found == event


@pytest.mark.parametrize("wire", [close(1000), frame(3), None])
def test_after_the_end_nothing_more_comes(wire: bytes | None) -> None:
    end, _ = opened()
    [event] = events(end, wire)
    assert isinstance(event, Closed | Failed)
    assert events(end, frame(1, b"late"), None) == []


def test_what_was_agreed_upon_is_told_with_the_answer() -> None:
    end = Server(Options(subprotocols=("chat",)))
    [event] = events(end, UPGRADE + OFFER + b"Sec-WebSocket-Protocol: chat\r\n\r\n")
    assert isinstance(event, Opened)
    assert (event.subprotocol, event.deflate) == ("chat", True)
    assert event.answer.startswith(b"HTTP/1.1 101 ")
    [event] = events(Server(Options(deflate=False)), UPGRADE + OFFER + b"\r\n")
    assert isinstance(event, Opened)
    assert (event.subprotocol, event.deflate) == ("", False)


def test_what_opens_no_websocket_is_served_or_refused() -> None:
    [served] = events(Server(Options()), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(served, Served)
    assert served.answer.startswith(b"HTTP/1.1 200 ")
    assert events(Server(Options()), None) == [Served(b"")]
    [refused] = events(Server(Options(path="/chat")), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(refused, Refused)
    assert refused.reason == "there is nothing here but /chat"
    assert refused.answer.startswith(b"HTTP/1.1 404 ")
    assert events(Server(Options()), b"GET", None) == [
        Refused(b"", "the connection ended before the handshake was done")
    ]  # fmt: skip


def test_they_are_equal_where_they_say_the_same_and_can_be_told_apart() -> None:
    assert Came(b"", Message("text", b"x")) == Came(b"", Message("text", b"x")) != Came(b"", Message("binary", b"x"))
    match events(opened()[0], frame(9, b"p", key=KEY))[0]:
        case Came(answer, Message(kind, data)):
            assert (answer, kind, data) == (b"\x8a\x01p", "ping", b"p")
        case other:
            raise AssertionError(other)
