"""Clients of ws:// and wss://: what is sent by hand, and servers that are none."""

import asyncio
import random
import socket as sockets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, SendFile
from socktui.core.call import Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from tests.engine.websocket.engine import ANY, broken, connected, ended, messages, send
from tests.support import (
    SECONDS,
    all_calls,
    all_sockets,
    carried,
    listening,
    read_exactly,
    until,
)


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
    assert all_sockets(engine.capture)[number - 1].end is End.PEER_FIN
    assert (await ended(engine, 5 - number)).end is End.PEER_FIN


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


@pytest.mark.parametrize("options", ["", "?deflate=no"])
async def test_big_messages_both_ways(engine: Engine, options: str) -> None:
    number = await connected(engine, await listening(engine, ANY), options)
    for size in (0, 1, 65536, 4 << 20):
        data = b"\xff" + random.Random(size).randbytes(size)[: size - 1] if size else b""
        await send(engine, number, data)
        message = (("binary",) if size else ("text",), data)
        await until(lambda message=message: messages(engine, number)[-1] == ("recv", *message))  # type: ignore[misc]
        assert messages(engine, number)[-2] == ("send", *message)


async def test_more_than_a_message_may_have(engine: Engine) -> None:
    number = await connected(engine, await listening(engine, ANY))
    with pytest.raises(VerbError, match="a message has at most 4194304 bytes: these are 4194305"):
        await send(engine, number, bytes((4 << 20) + 1))


async def test_a_file_is_sent_in_messages(engine: Engine) -> None:
    number = await connected(engine, await listening(engine, ANY))
    data = random.Random(3).randbytes(300_000)
    path = engine.capture.parent / "data"
    path.write_bytes(data)
    await engine.request(SendFile((number,), str(path)))
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
            await engine.request(Close(1))
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
    await engine.request(Close(number))
    for which in (number, 5 - number):
        await ended(engine, which)
        kinds = [what[:2] for what in messages(engine, which) if what[1][0] == "close"]
        assert sorted(kinds) == [("recv", ("close", 1000, "")), ("send", ("close", 1000, ""))]
        assert broken(engine, which) == []
