"""How a WebSocket ends: the closing handshake, and those who leave it out."""

import asyncio

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Reset, Send, Shutdown
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from tests.engine.websocket.engine import ANY, broken, connected, ended, messages, send
from tests.engine.websocket.peer import browser
from tests.engine.websocket.wire import close, frame
from tests.support import (
    all_sockets,
    listening,
    until,
)


@pytest.mark.parametrize("side", ["client", "server"])
async def test_closing_says_goodbye_first(engine: Engine, side: str) -> None:
    port = await listening(engine, ANY)
    client = await connected(engine, port)
    await send(engine, client, b"Hello")
    await until(lambda: len(messages(engine, client)) == 2)
    server = 5 - client
    await engine.request(Close(client if side == "client" else server))
    for number in (client, server):
        await ended(engine, number)
        ends = [what for what in messages(engine, number) if what[1][0] == "close"]
        assert sorted(what[:2] for what in ends) == [("recv", ("close", 1000, "")), ("send", ("close", 1000, ""))]
        assert broken(engine, number) == []


async def test_shutdown_sends_a_close_and_still_receives(engine: Engine) -> None:
    port = await listening(engine, ANY, "manual")
    with browser(port) as peer_:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        await engine.request(Shutdown(2))
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


async def test_the_end_of_the_engine_is_told_over_tls(engine: Engine) -> None:
    port = await listening(engine, "wss://127.0.0.1:0")
    number = await engine.connect(Endpoint.parse(f"wss://127.0.0.1:{port}/?verify=no"))
    await engine.end()
    assert ("send", ("close", 1001, "")) in [what[:2] for what in messages(engine, number)]


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
        _, sending = engine.begin(Send((2,), bytes(4 << 20), count=20))
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
        await engine.request(Reset(2))
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
