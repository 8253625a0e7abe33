"""Servers of ws:// and plain peers: messages, mistakes, and what the capture says."""

import asyncio
import random
import socket as sockets

from socktui.control.client import Engine
from socktui.core.call import Function, Layer
from socktui.core.sockets import End
from tests.engine.websocket.cases import RIGHT, WRONG
from tests.engine.websocket.engine import ANY, broken, ended, messages
from tests.engine.websocket.peer import OFFER, browser, whole_message
from tests.engine.websocket.wire import UPGRADE, bomb, close, deflated, fragments, frame
from tests.support import (
    all_calls,
    carried,
    listening,
    peer,
    read_all,
    resident_mib,
)


async def test_echo_answers_in_the_same_kind_and_the_capture_has_both_layers(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with browser(port) as peer_:
        peer_.send(frame(1, b"Hello"))
        assert peer_.frame() == (0x81, b"Hello")
        peer_.send(frame(2, b"\x00text"))
        assert peer_.frame() == (0x82, b"\x00text")
        peer_.send(frame(1))
        assert peer_.frame() == (0x81, b"")
        peer_.send(close(1000, b"bye"))
        assert peer_.frame() == (0x88, b"\x03\xe8bye")
        assert peer_.ends()
    socket = await ended(engine, 2)
    assert socket.end is End.PEER_FIN
    assert messages(engine, 2) == [
        ("recv", ("text",), b"Hello"),
        ("send", ("text",), b"Hello"),
        ("recv", ("binary",), b"\x00text"),
        ("send", ("binary",), b"\x00text"),
        ("recv", ("text",), b""),
        ("send", ("text",), b""),
        ("recv", ("close", 1000, "bye"), b"\x03\xe8bye"),
        ("send", ("close", 1000, "bye"), b"\x03\xe8bye"),
    ]
    assert carried(engine.capture, 2, "send").endswith(b"\x81\x05Hello\x82\x05\x00text\x81\x00\x88\x05\x03\xe8bye")
    wire = [call for call in all_calls(engine.capture) if call.socket == 2 and call.layer is Layer.WIRE]
    assert all(call.under for call in wire if call.sends or call.receives)
    assert all(call.message for call in all_calls(engine.capture) if call.layer is Layer.WS)
    assert broken(engine, 2) == []


async def test_pings_are_answered_and_recorded(engine: Engine) -> None:
    port = await listening(engine, ANY, "discard")
    with browser(port) as peer_:
        peer_.send(frame(1, b"a", final=False) + frame(9, b"now") + frame(0, b"b") + frame(10, b"unasked"))
        assert peer_.frame() == (0x8A, b"now")
        peer_.send(frame(8))
        assert peer_.frame() == (0x88, b"")
    await ended(engine, 2)
    assert messages(engine, 2) == [
        ("recv", ("ping",), b"now"),
        ("send", ("pong",), b"now"),
        ("recv", ("text",), b"ab"),
        ("recv", ("pong",), b"unasked"),
        ("recv", ("close", 1005, ""), b""),
        ("send", ("close", 1005, ""), b""),
    ]


async def test_each_mistake_gets_its_close_code_and_the_server_goes_on(engine: Engine) -> None:
    port = await listening(engine, ANY)
    before = resident_mib(engine.pid)

    def make(wire: bytes, extra: bytes) -> tuple[int, bytes]:
        with browser(port, extra) as peer_:
            peer_.send(wire)
            while (answer := peer_.frame())[0] != 0x88:
                pass  # what was right before
            assert peer_.ends()
            return answer

    for number, case in enumerate(WRONG, 2):
        first, payload = await asyncio.to_thread(make, case.wire, OFFER if case.deflate else b"")
        assert (case.name, first, int.from_bytes(payload[:2], "big")) == (case.name, 0x88, case.code)
        socket = await ended(engine, number)
        [failure] = broken(engine, number)
        assert str(failure.answer) == socket.reason == f"{payload[2:].decode()} ({case.code})"
        assert socket.end is End.FAILED
    with browser(port) as peer_:
        peer_.send(frame(1, b"well"))
        assert peer_.frame() == (0x81, b"well")
    assert resident_mib(engine.pid, "VmHWM") - before < 64


async def test_what_is_right_is_echoed(engine: Engine) -> None:
    port = await listening(engine, f"{ANY}?deflate=yes")
    for case in RIGHT:
        want = [(kind, data) for kind, data in case.messages if kind not in ("pong", "close")]
        with browser(port, OFFER if case.deflate else b"") as peer_:
            peer_.send(case.wire)
            if not case.deflate:
                opcodes = {0x81: "text", 0x82: "binary", 0x8A: "ping"}
                came = [(opcodes[first], data) for first, data in (whole_message(peer_) for _ in want)]
                assert (case.name, came) == (case.name, want)
            else:
                first, _ = peer_.frame()
                assert first & 0x40 or first == 0x8A
            peer_.send(close(1000))


async def test_a_bomb_costs_no_memory(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with browser(port) as warm:
        warm.send(frame(2, bytes(4 << 20)))
        await asyncio.to_thread(whole_message, warm)
        before = resident_mib(engine.pid)
        for _ in range(3):
            with browser(port, OFFER) as peer_:
                peer_.send(frame(2, bomb(300), reserved=4))
                assert peer_.frame()[1][:2] == b"\x03\xf1"
    assert resident_mib(engine.pid, "VmHWM") - before < 64


async def test_one_who_never_reads_costs_no_memory(engine: Engine) -> None:
    port = await listening(engine, ANY)
    wire = frame(2, random.Random(1).randbytes(1 << 20))
    with browser(port) as peer_:
        before = resident_mib(engine.pid)

        def pour() -> int:
            peer_.sock.settimeout(0.5)
            sent = 0
            try:
                while sent < 100 << 20:
                    sent += peer_.sock.send(wire[sent % len(wire) :])
            except TimeoutError:
                pass
            return sent

        assert await asyncio.to_thread(pour) < 100 << 20
        assert resident_mib(engine.pid) - before < 64
        with browser(port) as other:
            other.send(frame(1, b"still here"))
            assert other.frame() == (0x81, b"still here")


async def test_a_message_in_pieces_of_one_byte(engine: Engine) -> None:
    port = await listening(engine, ANY, buffer=1)
    with browser(port) as peer_:
        for byte in frame(1, b"slow") + fragments(2, [b"a", b"b"]):
            peer_.send(bytes([byte]))
        assert peer_.frame() == (0x81, b"slow")
        assert peer_.frame() == (0x82, b"ab")


async def test_deflate_where_the_client_offers_it(engine: Engine) -> None:
    port = await listening(engine, ANY)
    text = b"Hello, World! " * 500
    with browser(port, OFFER) as peer_:
        assert b"permessage-deflate" in peer_.head
        peer_.send(frame(1, deflated(text), reserved=4))
        first, payload = peer_.frame()
        assert first == 0xC1
        assert len(payload) < 200
    await ended(engine, 2)
    assert carried(engine.capture, 2, "ws_send")[: len(text)] == text
    port = await listening(engine, f"{ANY}?deflate=no")
    with browser(port, OFFER) as peer_:
        assert b"permessage-deflate" not in peer_.head


async def test_an_end_without_a_close_is_told_as_such(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with browser(port) as peer_:
        peer_.sock.shutdown(sockets.SHUT_WR)
        assert peer_.ends()
    socket = await ended(engine, 2)
    assert (socket.end, socket.reason) == (End.FAILED, "the connection ended without a close (1006)")


async def test_a_connection_that_is_not_used_is_no_failure(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with peer(port) as sock:
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b""
    assert (await ended(engine, 2)).end is End.PEER_FIN
    assert broken(engine, 2) == []


async def test_what_is_no_websocket_is_answered_in_http(engine: Engine) -> None:
    port = await listening(engine, "ws://127.0.0.1:0/chat?subprotocol=a,b&origin=http://ok.example")
    with peer(port) as sock:
        sock.sendall(b"GET /chat HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK\r\n")
    with peer(port) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 404 Not Found\r\n")
    with peer(port) as sock:
        sock.sendall(UPGRADE + b"Origin: http://evil.example\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 403 Forbidden\r\n")
    with browser(port, b"Origin: http://ok.example\r\nSec-WebSocket-Protocol: b\r\n") as peer_:
        assert b"\r\nSec-WebSocket-Protocol: b" in peer_.head
        page, refused = await ended(engine, 2), await ended(engine, 3)
        assert broken(engine, 2) == []
        assert page.reason == ""
        assert refused.reason == "there is nothing here but /chat"


def test_calls_of_its_layer_are_of_its_layer() -> None:
    assert [str(name) for name in (Function.WS_SEND, Function.WS_RECV)] == ["ws_send", "ws_recv"]
