"""ws:// through the engine: real sockets, plain peers, and what the capture says."""

import asyncio
import base64
import random
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.call import Call, Layer, Name
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Socket
from socktui.journal.reader import Reader
from tests.engine.websocket_cases import RIGHT, WRONG
from tests.engine.websocket_peer import OFFER, browser, whole_message
from tests.engine.websocket_wire import UPGRADE, bomb, close, deflated, fragments, frame
from tests.support import (
    SECONDS,
    all_calls,
    all_sockets,
    carried,
    listening,
    peer,
    read_all,
    read_exactly,
    resident_mib,
    until,
)

ANY = "ws://127.0.0.1:0"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificates of wss:// are made in a folder of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def messages(engine: Engine, number: int) -> list[tuple[str, tuple[Any, ...], bytes]]:
    """What the capture has of a socket's WebSocket calls: send or recv, the arguments, the data."""
    found = []
    with Reader(engine.capture) as reader:
        for call in map(reader.call, range(reader.count)):
            if call.socket == number and call.layer is Layer.WS and not call.failed:
                found.append((str(call.name)[3:], call.args, reader.data(call) or b""))
    return found


async def ended(engine: Engine, number: int) -> Socket:
    """A socket once it is over."""
    await until(lambda: len(all_sockets(engine.capture)) >= number and not all_sockets(engine.capture)[number - 1].open)
    return all_sockets(engine.capture)[number - 1]


def broken(engine: Engine, number: int) -> list[Call]:
    return [c for c in all_calls(engine.capture) if c.socket == number and c.layer is Layer.WS and c.failed]


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


# Clients of ours


async def connected(engine: Engine, port: int, options: str = "") -> int:
    return await engine.connect(Endpoint.parse(f"ws://127.0.0.1:{port}/{options}"))


async def send(engine: Engine, number: int, data: bytes, kind: str = "") -> None:
    await engine.call("send", sockets=[number], data=base64.b64encode(data).decode(), kind=kind)


async def test_frames_of_each_kind_are_sent_by_hand(engine: Engine) -> None:
    port = await listening(engine, ANY)
    number = await connected(engine, port)
    await send(engine, number, b"a text by itself")
    await send(engine, number, b"\xff")
    await send(engine, number, b"text", "binary")
    await send(engine, number, b"p", "ping")
    await send(engine, number, b"q", "pong")
    await send(engine, number, (4000).to_bytes(2, "big") + b"done", "close")
    await ended(engine, number)
    ours = messages(engine, number)
    sent = [what[1:] for what in ours if what[0] == "send"]
    received = [what[1:] for what in ours if what[0] == "recv"]
    assert sent == [
        (("text",), b"a text by itself"),
        (("binary",), b"\xff"),
        (("binary",), b"text"),
        (("ping",), b"p"),
        (("pong",), b"q"),
        (("close", 4000, "done"), b"\x0f\xa0done"),
    ]
    assert received == [*sent[:3], (("pong",), b"p"), sent[5]]
    assert {socket.end for socket in all_sockets(engine.capture)[1:]} == {End.PEER_FIN}


@pytest.mark.parametrize(
    ("kind", "data", "says"),
    [
        ("text", b"\xff", "a text has to be UTF-8"),
        ("ping", b"x" * 126, "a ping has at most 125 bytes: these are 126"),
        ("close", b"\x03\xed", "close frame: invalid status code"),
        ("blob", b"", "'blob' is no kind of message: text, binary, ping, pong, close"),
    ],
)
async def test_what_may_not_be_sent_is_said_and_nothing_is_lost(
    engine: Engine, kind: str, data: bytes, says: str
) -> None:
    number = await connected(engine, await listening(engine, ANY))
    with pytest.raises(VerbError, match=says.replace("(", r"\(")):
        await send(engine, number, data, kind)
    await send(engine, number, b"goes on")
    await until(lambda: ("recv", ("text",), b"goes on") in messages(engine, number))


async def test_after_a_close_nothing_can_be_sent(engine: Engine) -> None:
    port = await listening(engine, ANY, "clogged")
    number = await connected(engine, port)
    await send(engine, number, b"", "close")
    with pytest.raises(VerbError, match="nothing may follow"):
        await send(engine, number, b"late")


@pytest.mark.parametrize("size", [0, 1, 65536, 4 << 20])
@pytest.mark.parametrize("options", ["", "?deflate=no"])
async def test_big_messages_both_ways(engine: Engine, size: int, options: str) -> None:
    number = await connected(engine, await listening(engine, ANY), options)
    data = b"\xff" + random.Random(size).randbytes(size)[: size - 1] if size else b""
    await send(engine, number, data)
    await until(lambda: len(messages(engine, number)) == 2)
    kind = "binary" if size else "text"
    assert messages(engine, number) == [("send", (kind,), data), ("recv", (kind,), data)]


async def test_more_than_a_message_may_have(engine: Engine) -> None:
    number = await connected(engine, await listening(engine, ANY))
    with pytest.raises(VerbError, match="a message has at most 4194304 bytes: these are 4194305"):
        await send(engine, number, bytes((4 << 20) + 1))


async def test_a_file_is_sent_in_messages(engine: Engine) -> None:
    number = await connected(engine, await listening(engine, ANY))
    data = random.Random(3).randbytes(300_000)
    path = engine.capture.parent / "data"
    path.write_bytes(data)
    await engine.call("send", sockets=[number], file=str(path))
    await until(lambda: len(carried(engine.capture, number, "ws_recv")) >= len(data))
    assert carried(engine.capture, number, "ws_recv") == carried(engine.capture, number, "ws_send") == data


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "the server answered 404 Not Found, not 101"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the server does not answer in HTTP/1.1"),
        (b"", "the server closed without an answer"),
        (b"HTTP/1.1 101", "the connection ended before the handshake was done"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
            "the server's answer is wrong: invalid Sec-WebSocket-Accept header: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ),
    ],
)
async def test_a_server_that_is_none(engine: Engine, answer: bytes, says: str) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        connecting = asyncio.ensure_future(connected(engine, server.getsockname()[1]))
        peer_, _ = await asyncio.to_thread(server.accept)
        with peer_:
            peer_.settimeout(SECONDS)
            request = await asyncio.to_thread(peer_.recv, 65536)
            assert request.startswith(b"GET / HTTP/1.1\r\n")
            peer_.sendall(answer)
            peer_.shutdown(sockets.SHUT_WR)
            with pytest.raises(VerbError) as told:
                await connecting
    assert told.value.text.endswith(says)
    assert (await ended(engine, 1)).reason == says


@contextmanager
def silent_server() -> Iterator[tuple[sockets.socket, int]]:
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server, server.getsockname()[1]


async def test_a_handshake_can_be_given_up(engine: Engine) -> None:
    with silent_server() as (server, port):
        connecting = asyncio.ensure_future(connected(engine, port))
        peer_, _ = await asyncio.to_thread(server.accept)
        with peer_:
            assert await asyncio.to_thread(read_exactly, peer_, 4) == b"GET "
            await engine.call("close", socket=1)
            with pytest.raises(VerbError):
                await connecting


@pytest.mark.parametrize("option", ["subprotocol=two words", "origin=ä"])
async def test_an_option_that_cannot_be_sent(engine: Engine, option: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(VerbError, match=f"the {name} .* is wrong"):
        await engine.connect(Endpoint.parse(f"ws://127.0.0.1:1/?{option}"))
    assert all_sockets(engine.capture) == []


async def test_over_tls(engine: Engine) -> None:
    port = await listening(engine, "wss://127.0.0.1:0")
    number = await engine.connect(Endpoint.parse(f"wss://127.0.0.1:{port}/?verify=no"))
    for data in (b"Hello", random.Random(5).randbytes(300_000)):
        before = len(messages(engine, number))
        await send(engine, number, data)
        await until(lambda before=before: len(messages(engine, number)) == before + 2)  # type: ignore[misc]
        assert [what[2] for what in messages(engine, number)[before:]] == [data, data]
    layers = {call.layer for call in all_calls(engine.capture) if call.socket == number and call.length}
    assert layers == {Layer.WIRE, Layer.TLS, Layer.WS}
    await engine.call("close", socket=number)
    for which in (number, 5 - number):
        await ended(engine, which)
        kinds = [what[:2] for what in messages(engine, which) if what[1][0] == "close"]
        assert sorted(kinds) == [("recv", ("close", 1000, "")), ("send", ("close", 1000, ""))]
        assert broken(engine, which) == []


async def test_the_end_of_the_engine_is_told_over_tls(engine: Engine) -> None:
    port = await listening(engine, "wss://127.0.0.1:0")
    number = await engine.connect(Endpoint.parse(f"wss://127.0.0.1:{port}/?verify=no"))
    await engine.end()
    assert ("send", ("close", 1001, "")) in [what[:2] for what in messages(engine, number)]


# The end


@pytest.mark.parametrize("side", ["client", "server"])
async def test_closing_says_goodbye_first(engine: Engine, side: str) -> None:
    port = await listening(engine, ANY)
    client = await connected(engine, port)
    await send(engine, client, b"Hello")
    await until(lambda: len(messages(engine, client)) == 2)
    server = 5 - client
    await engine.call("close", socket=client if side == "client" else server)
    for number in (client, server):
        await ended(engine, number)
        ends = [what for what in messages(engine, number) if what[1][0] == "close"]
        assert sorted(what[:2] for what in ends) == [("recv", ("close", 1000, "")), ("send", ("close", 1000, ""))]
        assert broken(engine, number) == []


async def test_shutdown_sends_a_close_and_still_receives(engine: Engine) -> None:
    port = await listening(engine, ANY, "manual")
    with browser(port) as peer_:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        await engine.call("shutdown", socket=2)
        assert peer_.frame() == (0x88, b"\x03\xe8")
        peer_.send(frame(1, b"a last word"))
        await until(lambda: ("recv", ("text",), b"a last word") in messages(engine, 2))
        peer_.send(close(1000))
        assert peer_.ends()
    assert (await ended(engine, 2)).end is End.PEER_FIN


async def test_the_end_of_the_engine_is_told_to_the_peers(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with browser(port) as fresh, browser(port) as busy:
        busy.send(frame(1, b"Hello"))
        assert busy.frame() == (0x81, b"Hello")
        await engine.end()
        for peer_ in (fresh, busy):
            assert peer_.frame() == (0x88, b"\x03\xe9")
            assert peer_.ends()
    assert ("send", ("close", 1001, ""), b"\x03\xe9") in messages(engine, 2)


async def test_a_service_that_ends_says_goodbye(engine: Engine) -> None:
    port = await listening(engine, ANY, "daytime")
    with browser(port) as peer_:
        first, text = peer_.frame()
        assert first == 0x81
        assert text.endswith(b"\r\n")
        assert peer_.frame() == (0x88, b"\x03\xe8")
        peer_.send(close(1000))
        assert peer_.ends()
    await ended(engine, 2)


async def test_one_who_does_not_answer_the_close_is_waited_for_so_long_and_no_longer(engine: Engine) -> None:
    port = await listening(engine, ANY, "daytime")
    with browser(port):
        await ended(engine, 2)


async def test_one_who_breaks_the_rules_and_does_not_read_is_not_kept(engine: Engine) -> None:
    port = await listening(engine, ANY, "manual")
    with browser(port) as peer_:
        data = base64.b64encode(bytes(4 << 20)).decode()
        _, sending = engine.begin("send", sockets=[2], data=data, count=20)
        sent = [0]

        def stuck() -> bool:
            sent.append(all_sockets(engine.capture)[1].sent)
            return sent[-1] > 1 << 20 and len(set(sent[-40:])) == 1

        await until(stuck)
        peer_.send(frame(3))
        await ended(engine, 2)
        with pytest.raises(VerbError):
            await sending
    assert all_sockets(engine.capture)[1].reason == "opcode 3 is reserved (1002)"


async def test_a_reset_is_a_reset(engine: Engine) -> None:
    port = await listening(engine, ANY)
    with browser(port) as peer_:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        await engine.call("reset", socket=2)
        with pytest.raises(ConnectionResetError):
            peer_.sock.recv(1)
    socket = await ended(engine, 2)
    assert socket.end is End.RESET
    assert messages(engine, 2) == []


async def test_words_that_cross_the_close(engine: Engine) -> None:
    """Many of ours at once, each of which says something and closes before it was answered."""
    port = await listening(engine, ANY)

    def talk(number: int) -> list[tuple[int, bytes]]:
        with browser(port) as peer_:
            peer_.send(frame(1, b"%d" % number) + close(1000))
            return [peer_.frame(), peer_.frame()]

    for number, came in enumerate(await asyncio.gather(*(asyncio.to_thread(talk, number) for number in range(20)))):
        assert came == [(0x81, b"%d" % number), (0x88, b"\x03\xe8")]


def test_calls_of_its_layer_are_of_its_layer() -> None:
    assert [str(name) for name in (Name.WS_SEND, Name.WS_RECV)] == ["ws_send", "ws_recv"]
