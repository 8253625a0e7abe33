"""Messages both ways without a socket, and how they end."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.errors import SocketError
from socktui.engine.websocket.events import Came, Closed, Event, Failed
from socktui.engine.websocket.protocol import FRAME_MAX, Options, Server, WebSocket
from tests.engine.websocket.cases import RIGHT, WRONG, Right, Wrong
from tests.engine.websocket.ends import OFFER, opened, pair
from tests.engine.websocket.wire import HELLO, UPGRADE, close, fragments, frame, unframed


def end(*, deflate: bool) -> Server:
    return opened(request=UPGRADE + (OFFER if deflate else b"") + b"\r\n")[0]


def all_of(end: WebSocket, *wire: bytes) -> list[Event]:
    return [event for piece in wire for event in end.receive(piece)]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_what_is_wrong_is_answered_by_a_close(case: Wrong) -> None:
    server = end(deflate=case.deflate)
    *_, event = all_of(server, case.wire)
    assert isinstance(event, Failed)
    assert event.code == case.code
    first, payload, rest = unframed(event.answer)
    assert (first, payload, rest) == (0x88, case.code.to_bytes(2, "big") + event.reason.encode(), b"")
    assert all_of(server, frame(1, b"more"), frame(9)) == []
    assert (server.open, server.over) == (False, True)


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_what_is_right_is_answered_as_it_has_to_be(case: Right) -> None:
    events = all_of(end(deflate=case.deflate), case.wire)
    assert len(events) == len(case.messages)
    for event, (kind, data) in zip(events, case.messages, strict=True):
        assert isinstance(event, Came | Closed)
        assert (event.message.kind, event.message.data) == (kind, data)
        if kind in ("ping", "close"):
            assert unframed(event.answer) == (0x8A if kind == "ping" else 0x88, data, b"")
        else:
            assert event.answer == b""


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 65537, 200_000, 4 << 20])
@pytest.mark.parametrize("deflate", [True, False])
def test_a_big_message_is_sent_in_frames_of_bounded_size(size: int, deflate: bool) -> None:
    one, other, _ = pair(Options(deflate=deflate))
    data = random.Random(size).randbytes(size)
    for here, there in ((one, other), (other, one)):
        frames = list(here.send("binary", memoryview(data)))
        assert len(frames) == max(1, -(-size // FRAME_MAX))
        assert max(map(len, frames)) < FRAME_MAX + 1024
        [event] = all_of(there, *frames)
        assert isinstance(event, Came)
        assert (event.message.kind, event.message.data) == ("binary", data)


def test_the_client_masks_and_the_server_does_not() -> None:
    one, other, _ = pair(Options(deflate=False))
    [masked], [clear] = one.send("text", b"Hello"), other.send("text", b"Hello")
    assert (masked[1], clear) == (0x85, b"\x81\x05Hello")
    assert len({next(one.send("text", b"Hello")) for _ in range(9)}) == 9
    [event] = one.receive(masked)
    assert isinstance(event, Failed)
    assert event.code == 1002


def test_a_ping_between_the_frames_of_a_message() -> None:
    one, other, _ = pair()
    data = random.Random(1).randbytes(3 * FRAME_MAX)
    wire = []
    for piece in one.send("binary", data):
        wire += [piece, *one.send("ping", b"now")]
    kinds = [event.message.kind for event in all_of(other, *wire) if isinstance(event, Came)]
    assert kinds == ["ping", "ping", "binary", "ping"]


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("ping", b"x" * 126, "websocket-control-too-long .* size=126 most=125"),
        ("pong", b"x" * 126, "websocket-control-too-long .* size=126 most=125"),
        ("close", b"\x03\xe8" + b"x" * 124, "websocket-control-too-long .* size=126 most=125"),
        ("close", b"\x03", "close frame too short"),
        ("close", (1005).to_bytes(2, "big"), "invalid status code"),
        ("close", b"\x03\xe8\xff", "not UTF-8"),
        ("text", b"\xff", "websocket-text-not-utf8"),
        ("blob", b"", "websocket-kind-unknown kind='blob'"),
    ],
)
def test_what_may_not_be_sent(kind: str, data: bytes, says: str) -> None:
    server = end(deflate=False)
    with pytest.raises(SocketError, match=says):
        next(server.send(kind, data))
    assert next(server.send("text", b"goes on"))


# The end


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x0f\xa0bye"])
def test_a_close_is_answered_by_the_same(payload: bytes) -> None:
    one, other, _ = pair()
    [wire] = one.send("close", payload)
    [event] = other.receive(wire)
    assert isinstance(event, Closed)
    assert unframed(event.answer) == (0x88, payload, b"")
    [answer] = one.receive(event.answer)
    assert isinstance(answer, Closed)
    assert answer.answer == b""
    code = int.from_bytes(payload[:2], "big") if payload else 1005
    assert (answer.code, answer.reason) == (code, payload[2:].decode())
    assert list(one.receive(None)) == list(other.receive(None)) == []


def test_after_a_close_nothing_may_be_sent_but_everything_may_come() -> None:
    one, other, _ = pair()
    [closing] = one.send("close", b"\x03\xe8")
    for kind in ("text", "ping", "close"):
        with pytest.raises(SocketError, match="websocket-closing"):
            next(one.send(kind, b""))
    assert one.close(1001) == b""
    late = [*other.send("text", b"late"), *other.send("ping", b"p")]
    message, ping = all_of(one, *late)
    assert isinstance(message, Came)
    assert message.message.data == b"late"
    assert isinstance(ping, Came)
    assert unframed(ping.answer) == (0x8A, b"p", b"")
    [event] = other.receive(closing)
    assert isinstance(event, Closed)


def test_a_close_in_the_middle_of_a_message_that_is_sent() -> None:
    one, other, _ = pair()
    frames = one.send("binary", bytes(3 * FRAME_MAX))
    next(frames)
    [event] = one.receive(next(other.send("close", b"")))
    assert isinstance(event, Closed)
    with pytest.raises(SocketError, match="websocket-closing"):
        next(frames)


def test_messages_before_the_close_are_taken_in_before_it_is_answered() -> None:
    server = end(deflate=False)
    events = server.receive(frame(1, b"question") + close(1000))
    assert isinstance(next(events), Came)
    assert next(server.send("text", b"answer"))
    assert isinstance(next(events), Closed)


def test_an_end_without_a_close() -> None:
    server = end(deflate=False)
    [event] = server.receive(None)
    assert isinstance(event, Failed)
    assert (event.code, event.answer) == (1006, b"")
    assert event.reason == "the connection ended without a close"


messages = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.text(max_size=400).map(str.encode)),
        st.tuples(st.just("binary"), st.binary(max_size=400)),
        st.tuples(st.sampled_from(["ping", "pong"]), st.binary(max_size=125)),
    ),
    max_size=8,
)


@given(messages, messages, st.booleans(), st.integers(1, 97))
def test_two_ends_understand_each_other(
    there: list[tuple[str, bytes]], back: list[tuple[str, bytes]], deflate: bool, size: int
) -> None:
    one, other, _ = pair(Options(deflate=deflate))
    for here, far, sent in ((one, other, there), (other, one, back)):
        wire = b"".join(piece for kind, data in sent for piece in here.send(kind, data))
        events = all_of(far, *(wire[at : at + size] for at in range(0, len(wire), size)))
        assert [(e.message.kind, e.message.data) for e in events if isinstance(e, Came)] == sent


def test_fragments_of_a_deflated_message_come_from_one_stream() -> None:
    stream = zlib.compressobj(wbits=-15)
    parts = [stream.compress(HELLO) + stream.flush(zlib.Z_SYNC_FLUSH) for _ in range(3)]
    parts[-1] = parts[-1][:-4]
    [event] = all_of(end(deflate=True), fragments(1, parts, reserved=4))
    assert isinstance(event, Came)
    assert event.message.data == HELLO * 3
