"""The opening handshake without a socket: requests and answers, right and wrong, and what is agreed upon."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.websocket.events import Came, Closed, Failed, Opened, Refused, Served
from socktui.engine.websocket.protocol import HEAD_MAX, Client, Options, Server
from tests.engine.websocket.ends import OFFER, answer_of, opened, pair
from tests.engine.websocket.wire import ACCEPT_OF_THE_RFC, HELLO, UPGRADE, accepting, frame


def swap(header: bytes, new: bytes) -> bytes:
    """The request with another value of a header, or without it."""
    wire, count = re.subn(rb"(?m)^" + header + rb": .*\r\n", new and header + b": " + new + b"\r\n", UPGRADE)
    assert count == 1
    return wire + b"\r\n"


def test_the_server_answers_as_the_rfc_has_it() -> None:
    _, answer = opened()
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: " + ACCEPT_OF_THE_RFC + b"\r\n" in answer
    assert b"\r\nUpgrade: websocket\r\n" in answer
    assert b"\r\nConnection: Upgrade\r\n" in answer
    assert b"Sec-WebSocket-Extensions" not in answer


def test_what_follows_the_handshake_at_once_is_not_lost() -> None:
    wire = UPGRADE + b"\r\n" + frame(1, b"early") + frame(9)
    for at in range(1, len(wire)):
        server = Server(Options())
        events = [event for piece in (wire[:at], wire[at:]) for event in server.receive(piece)]
        assert [type(event) for event in events] == [Opened, Came, Came]
    client = Client("localhost", 80, Options(), secure=False)
    [event] = Server(Options()).receive(client.opening)
    both = list(client.receive(event.answer + frame(2, b"early", key=b"")))
    assert [type(event) for event in both] == [Opened, Came]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (swap(b"Sec-WebSocket-Version", b"8"), 426),
        (swap(b"Sec-WebSocket-Version", b""), 400),
        (swap(b"Sec-WebSocket-Key", b""), 400),
        (swap(b"Sec-WebSocket-Key", b"c2hvcnQ="), 400),
        (swap(b"Sec-WebSocket-Key", b"*** no base64 ***"), 400),
        (swap(b"Connection", b"keep-alive"), 426),
        (swap(b"Host", b""), 400),
        (UPGRADE + b"Host: twice\r\n\r\n", 400),
        (UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400),
        (UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", 505),
        (UPGRADE.replace(b"GET", b"POST") + b"Content-Length: 5\r\n\r\nHello", 405),
        (UPGRADE.replace(b"HTTP/1.1", b"HTTP/2") + b"\r\n", 400),
        (UPGRADE + b"Sec-WebSocket-Extensions: ;;\r\n\r\n", 400),
        (UPGRADE + b"Sec-WebSocket-Protocol: a b\r\n\r\n", 400),
        (UPGRADE + b"no colon\r\n\r\n", 400),
        (UPGRADE + b" folded: line\r\n\r\n", 400),
        (UPGRADE + b"X: \x00\r\n\r\n", 400),
        (UPGRADE + b"Content-Length: 5\r\n\r\n", 400),
        (UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n", 400),
        (UPGRADE.replace(b"\r\n", b"\n") + b"\n", 400),
        (UPGRADE + b"X: y\r\n" * 200 + b"\r\n", 431),
        (UPGRADE + b"X: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (UPGRADE + b"X: " + b"y" * HEAD_MAX, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"Hello\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_a_wrong_request_gets_the_status_that_says_so(request_: bytes, status: int) -> None:
    got, head, body = answer_of(request_)
    assert got == status, head
    assert b"\r\nConnection: close" in head
    assert f"\r\nContent-Length: {len(body)}".encode() in head
    assert body.endswith(b".\n")
    assert len(body) < 400
    if status == 426:
        assert b"\r\nUpgrade: websocket" in head
    if status == 405:
        assert b"\r\nAllow: GET, HEAD" in head


def test_a_wrong_version_is_told_the_right_one() -> None:
    _, head, _ = answer_of(swap(b"Sec-WebSocket-Version", b"7, 8"))
    assert b"\r\nSec-WebSocket-Version: 13" in head


def test_tls_on_a_plain_port_is_recognised_by_its_first_byte() -> None:
    [event] = Server(Options()).receive(b"\x16")
    assert isinstance(event, Refused)
    assert event.reason == "this is no HTTP request, it looks like TLS"


def test_a_path_is_a_door() -> None:
    assert answer_of(b"GET / HTTP/1.0\r\n\r\n", Options(path="/chat"))[0] == 404
    assert answer_of(UPGRADE.replace(b"/chat", b"/chat/x") + b"\r\n", Options(path="/chat"))[0] == 404
    assert answer_of(b"GET /chat?room=1 HTTP/1.0\r\n\r\n", Options(path="/chat"))[0] == 200
    opened(Options(path="/chat?room=1"))
    opened(Options(path="/"))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [(b"http://127.0.0.1:8000", True), (b"http://evil.example", False), (b"null", False), (b"", True)],
)
def test_an_origin_that_is_wanted(origin: bytes, allowed: bool) -> None:
    request = UPGRADE + (b"Origin: " + origin + b"\r\n" if origin else b"") + b"\r\n"
    opened(Options(), request)
    if allowed:
        opened(Options(origin="http://127.0.0.1:8000"), request)
    else:
        assert answer_of(request, Options(origin="http://127.0.0.1:8000"))[0] == 403


def test_subprotocols() -> None:
    assert pair(Options(subprotocols=("a", "b")), Options(subprotocols=("b", "a")))[2].subprotocol == "b"
    assert pair(Options(subprotocols=("a",)), Options(subprotocols=("b",)))[2].subprotocol == ""
    assert pair(Options(subprotocols=("a",)))[2].subprotocol == ""
    assert pair(server=Options(subprotocols=("b",)))[2].subprotocol == ""


@pytest.mark.parametrize("wrong", ["", "two words", "a,b", "x\r\nEvil: 1", "ä"])
def test_a_subprotocol_that_cannot_be_asked_for(wrong: str) -> None:
    with pytest.raises(SocketError) as told:
        Options(subprotocols=(wrong,))
    assert (told.value.code, told.value.fields) == (ErrorCode.WEBSOCKET_SUBPROTOCOL_WRONG, {"name": wrong})
    with pytest.raises(SocketError) as told:
        Options(origin="http://x\r\nEvil: 1")
    assert told.value.code is ErrorCode.WEBSOCKET_ORIGIN_WRONG


def test_deflate_is_agreed_upon_where_both_want_it() -> None:
    no = Options(deflate=False)
    assert pair()[2].deflate
    assert not pair(no)[2].deflate
    assert not pair(server=no)[2].deflate
    assert b"permessage-deflate" not in Client("x", 1, no, secure=False).opening


@pytest.mark.parametrize(
    ("offer", "accepted"),
    [
        (b"permessage-deflate", True),
        (b"permessage-deflate; server_no_context_takeover; client_no_context_takeover", True),
        (b"permessage-deflate; client_max_window_bits=9; server_max_window_bits=9", True),
        (b"permessage-deflate; server_max_window_bits=8", False),
        (b"permessage-deflate; server_max_window_bits=16", False),
        (b"permessage-deflate; server_max_window_bits", False),
        (b"permessage-deflate; made_up", False),
        (b"permessage-deflate; server_no_context_takeover; server_no_context_takeover", False),
        (b"x-webkit-deflate-frame", False),
        (b"permessage-deflate; server_max_window_bits=8, permessage-deflate", True),
        (b"permessage-bzip2, permessage-deflate", True),
    ],
)
def test_what_is_offered_of_deflate(offer: bytes, accepted: bool) -> None:
    server, answer = opened(request=UPGRADE + b"Sec-WebSocket-Extensions: " + offer + b"\r\n\r\n")
    assert (b"\r\nSec-WebSocket-Extensions: permessage-deflate" in answer) == accepted
    [wire] = server.send("text", HELLO * 20)
    assert wire[0] == (0xC1 if accepted else 0x81)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_window_is_kept_only_where_it_may_be(keeps: bool) -> None:
    extra = b"" if keeps else b"; server_no_context_takeover"
    request = UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate" + extra + b"\r\n\r\n"
    server, _ = opened(request=request)
    noise = random.Random(7).randbytes(400).hex().encode()
    sizes = [len(next(server.send("text", noise))) for _ in range(2)]
    assert (sizes[1] < sizes[0] // 4) == keeps


def test_the_client_asks_as_the_rfc_has_it() -> None:
    options = Options(path="/chat?room=1", subprotocols=("a", "b"), origin="http://o")
    wire = Client("::1", 9001, options, secure=False).opening
    assert wire.startswith(b"GET /chat?room=1 HTTP/1.1\r\n")
    for line in (
        b"Host: [::1]:9001",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Protocol: a, b",
        b"Origin: http://o",
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    ):
        assert b"\r\n" + line + b"\r\n" in wire
    assert b"Host: example\r\n" in Client("example", 443, Options(), secure=True).opening
    assert b"Host: [fe80::1]:1\r\n" in Client("fe80::1%eth0", 1, Options(), secure=False).opening
    assert Client("x", 1, Options(), secure=False).opening != Client("x", 1, Options(), secure=False).opening


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"101 Switching Protocols", b"404 Not Found", "404 Not Found, not 101"),
        (b"101 Switching Protocols", b"200 OK", "200 OK, not 101"),
        (b"101 Switching", b"banana Switching", "no HTTP"),
        (b"HTTP/1.1", b"HTTP/1.0", "HTTP/1.1"),
        (b"HTTP/1.1", b"SSH-2.0-OpenSSH", "HTTP/1.1"),
        (b"Upgrade: websocket\r\n", b"", "Upgrade"),
        (b"Upgrade: websocket", b"Upgrade: h2c", "Upgrade"),
        (b"Connection: Upgrade", b"Connection: close", "Connection"),
        (b"Accept: ", b"Accept: x", "Sec-WebSocket-Accept"),
        (b"Sec-WebSocket-Accept", b"X", "Sec-WebSocket-Accept"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: b\r\n\r\n", "subprotocol"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x-bzip\r\n\r\n", "extension"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate; made_up\r\n\r\n", "extension"),
        (b"\r\n\r\n", b"\r\nX: " + b"y" * HEAD_MAX, "head of more than"),
        (b"\r\nUpgrade", b"\r\nno colon\r\nUpgrade", "no HTTP"),
    ],
)
def test_a_wrong_answer_is_named(old: bytes, new: bytes, says: str) -> None:
    client = Client("x", 1, Options(subprotocols=("a",)), secure=False)
    answer = accepting(client.opening)
    assert isinstance(next(Client("x", 1, Options(), secure=False).receive(answer)), Refused)  # another's key
    wrong = answer.replace(old, new, 1)
    assert wrong != answer
    [event] = client.receive(wrong)
    assert isinstance(event, Refused)
    assert event.answer == b""
    assert says in event.reason
    assert len(event.reason) <= 200
    assert client.close(1000) == b""


def test_an_answer_that_ends_too_early() -> None:
    client = Client("x", 1, Options(), secure=False)
    assert list(client.receive(accepting(client.opening)[:-1])) == []
    [event] = client.receive(None)
    assert isinstance(event, Refused)
    assert "ended before" in event.reason


@given(st.binary(max_size=300))
def test_junk_opens_nothing(junk: bytes) -> None:
    server = Server(Options())
    for event in server.receive(junk):
        assert isinstance(event, Served | Refused)
    client = Client("x", 1, Options(), secure=False)
    for event in client.receive(junk):
        assert isinstance(event, Refused)


@given(st.binary(max_size=80), st.integers(0, 200))
def test_a_request_with_junk_in_it_is_answered(junk: bytes, at: int) -> None:
    wire = UPGRADE + OFFER
    at = min(at, len(wire))
    for event in Server(Options()).receive(wire[:at] + junk + wire[at:] + b"\r\n"):
        assert event.answer.startswith(b"HTTP/1.1 ") or isinstance(event, Failed | Came | Closed)
