"""One end of a WebSocket over a stream: its handshake and the time it may take, its messages, and its end."""

import asyncio
import errno as errnos
import socket as sockets
from pathlib import Path
from typing import Any

import pytest

from socktui.core.connection import ClosedHereError, Connection
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import End
from socktui.engine.context import EngineContext
from socktui.engine.socket_table import SocketTable
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from socktui.engine.transports import TRANSPORTS
from socktui.engine.websocket import connection as websocket
from socktui.engine.websocket.connection import WebSocketConnection
from socktui.engine.websocket.frames import MESSAGE_MAX
from socktui.engine.websocket.protocol import Options, Server
from socktui.journal.reader import Reader
from socktui.services.small import echo
from tests.engine.in_process import with_context, with_table
from tests.engine.plain_ends import unix_ends
from tests.engine.websocket.peer import Browser
from tests.engine.websocket.wire import UPGRADE, close, frame
from tests.support import all_sockets, peer, read_all, until


def server(context: EngineContext, traced: TracedSocket) -> WebSocketConnection:
    return WebSocketConnection(context, Stream(context, traced), Server(Options()))


async def opened(connection: WebSocketConnection, sock: sockets.socket) -> Browser:
    """The other end, once both have the handshake behind them."""
    asking = asyncio.create_task(asyncio.to_thread(Browser, sock))
    await connection.handshake()
    return await asking


def port_of_first(capture: Path) -> int:
    with Reader(capture) as reader:
        return Endpoint.parse(reader.socket(1).local).port


# The handshake


def test_it_is_ten_seconds() -> None:
    assert websocket.OPEN_SECONDS == 10


@pytest.mark.parametrize(("said", "reason"), [(UPGRADE, "no WebSocket handshake within 0.1 s"), (b"", "")])
def test_one_who_never_ends_his_request_is_closed(
    said: bytes, reason: str, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.1)

    def ask(port: int) -> bytes:
        with peer(port) as sock:
            sock.sendall(said)
            return read_all(sock)

    async def main(table: SocketTable) -> None:
        await table.listen(Endpoint.parse("ws://127.0.0.1:0"), echo, "echo")
        assert await asyncio.to_thread(ask, port_of_first(capture)) == b""

    with_table(capture, main)
    assert all_sockets(capture)[1].reason == reason


def test_a_server_that_never_answers_is_given_up(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.1)

    async def silent(connection: Connection) -> None:
        await connection.wait_closed()

    async def main(table: SocketTable) -> None:
        await table.listen(Endpoint.parse("tcp://127.0.0.1:0"), silent, "silent")
        where = Endpoint.parse(f"ws://127.0.0.1:{port_of_first(capture)}/")
        with pytest.raises(SocketError) as told:
            await table.connect(where, echo)
        assert told.value.fields == {"reason": "no WebSocket handshake within 0.1 s"}

    with_table(capture, main)


def test_a_browser_that_asks_for_the_page_is_no_connection(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            theirs.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            theirs.shutdown(sockets.SHUT_WR)
            with pytest.raises(SocketError) as told:
                await connection.handshake()
            assert (told.value.code, told.value.errno) == (ErrorCode.NO_WEBSOCKET_ASKED, errnos.ECONNABORTED)
            assert read_all(theirs).startswith(b"HTTP/1.1 200 OK\r\n")

    with_context(capture, main)


def test_what_is_sent_within_the_handshake_waits_for_its_end(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            shaking = asyncio.create_task(connection.handshake())
            sending = asyncio.create_task(connection.send(b"early"))
            await asyncio.sleep(0)
            browser = await asyncio.to_thread(Browser, theirs)
            await shaking
            await sending
            assert browser.frame() == (0x81, b"early")

    with_context(capture, main)


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (("subprotocol", "two words"), ErrorCode.WEBSOCKET_SUBPROTOCOL_WRONG),
        (("origin", "ä"), ErrorCode.WEBSOCKET_ORIGIN_WRONG),
    ],
)
def test_an_option_that_cannot_be_written_is_told_before_anything_is_made(
    capture: Path, option: tuple[str, str], code: ErrorCode
) -> None:
    async def main(context: EngineContext) -> None:
        transport = TRANSPORTS["ws"]()
        where = Endpoint.parse("ws://127.0.0.1:0/").with_option(*option)
        asked: list[Any] = [transport.listen(context, where, "echo", 5, lambda _: None)]
        asked.append(transport.connect(context, where, 10))
        for asking in asked:
            with pytest.raises(SocketError) as told:
                await asking
            assert told.value.code is code

    with_context(capture, main)
    assert all_sockets(capture) == []


# Messages


def test_a_message_is_a_text_where_it_can_be_one(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            for data, kind, first in [
                ("κόσμε".encode(), "", 0x81),
                (b"", "", 0x81),
                (b"\xff", "", 0x82),
                (b"text", "binary", 0x82),
                (b"p", "ping", 0x89),
                (b"q", "pong", 0x8A),
            ]:
                await connection.send(data, kind)
                assert browser.frame() == (first, data)

    with_context(capture, main)


def test_what_is_forwarded_stays_of_its_kind(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            for wire, echoed in ((frame(2, b"utf-8"), (0x82, b"utf-8")), (frame(1, b"a text"), (0x81, b"a text"))):
                browser.send(wire)
                assert await connection.forward(connection)
                assert browser.frame() == echoed
            browser.send(close(1000))
            assert not await connection.forward(None)

    with_context(capture, main)


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (bytes(MESSAGE_MAX + 1), "", ErrorCode.WEBSOCKET_MESSAGE_TOO_LONG),
        (b"\xff", "text", ErrorCode.WEBSOCKET_TEXT_NOT_UTF8),
        (bytes(126), "ping", ErrorCode.WEBSOCKET_CONTROL_TOO_LONG),
        (b"", "blob", ErrorCode.WEBSOCKET_KIND_UNKNOWN),
        (b"\x03", "close", ErrorCode.WEBSOCKET_CLOSE_WRONG),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_may_not_be_sent_is_refused_and_nothing_is_lost(
    capture: Path, data: bytes, kind: str, code: ErrorCode
) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            with pytest.raises(SocketError) as told:
                await connection.send(data, kind)
            assert told.value.code is code
            await connection.send(b"goes on")
            assert browser.frame() == (0x81, b"goes on")

    with_context(capture, main)


def test_a_ping_may_go_out_between_the_frames_of_a_message(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            before = connection.socket.sent
            sending = asyncio.create_task(connection.send(bytes(1 << 20), "binary"))
            await until(lambda: connection.socket.sent > before)
            pinging = asyncio.create_task(connection.send(b"now", "ping"))
            following = asyncio.create_task(connection.send(b"the next"))
            found = [await asyncio.to_thread(browser.frame) for _ in range(18)]
            await asyncio.gather(sending, pinging, following)
            kinds = [first for first, _ in found]
            assert kinds[0] == 0x02
            assert 0 < kinds.index(0x89) < kinds.index(0x80)
            assert found[-1] == (0x81, b"the next")

    with_context(capture, main)


def test_a_broken_rule_is_told_to_both(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            browser.send(frame(1, b"well") + frame(3))
            theirs.shutdown(sockets.SHUT_WR)
            assert await connection.recv() == b"well"
            with pytest.raises(SocketError) as told:
                await connection.recv()
            assert (told.value.code, told.value.errno) == (ErrorCode.PROTOCOL, errnos.EPROTO)
            assert told.value.fields == {"reason": "opcode 3 is reserved (1002)"}
            assert browser.frame() == (0x88, b"\x03\xeaopcode 3 is reserved")

    with_context(capture, main)
    assert all_sockets(capture)[0].end is End.FAILED


# The end


def test_a_close_says_that_we_are_going_away(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            connection.close()
            assert browser.frame() == (0x88, b"\x03\xe9")
            assert browser.ends()
            with pytest.raises(ClosedHereError):
                await connection.send(b"late")

    with_context(capture, main)


def test_a_shutdown_is_a_close_that_is_sent_once(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            await connection.shutdown()
            await connection.shutdown()
            assert browser.frame() == (0x88, b"\x03\xe8")
            browser.send(frame(1, b"a last word") + close(1000))
            assert (await connection.recv(), await connection.recv()) == (b"a last word", None)
            await connection.wait_closed()  # it has said so: nothing more comes
            connection.close()
            assert browser.ends()

    with_context(capture, main)


def test_the_closing_handshake_waits_for_the_peers_close(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            browser = await opened(connection, theirs)
            closing = asyncio.create_task(connection.closing_handshake())
            assert await asyncio.to_thread(browser.frame) == (0x88, b"\x03\xe8")
            browser.send(frame(2, b"is recorded") + close(1000))
            assert await asyncio.to_thread(browser.ends)
            theirs.close()
            await closing

    with_context(capture, main)
    with Reader(capture) as reader:
        assert b"is recorded" in [reader.data(reader.call(seq)) for seq in range(reader.count)]


def test_one_that_does_not_answer_the_close_is_waited_for_no_longer_than_that(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSING_SECONDS", 0.05)

    async def main(context: EngineContext) -> None:
        with unix_ends(context, server) as (connection, theirs):
            await opened(connection, theirs)
            await connection.closing_handshake()
            assert not connection.closed

    with_context(capture, main)
