"""Connected sockets that keep the borders of what is sent: UNIX packets, most of all."""

import asyncio
import errno as errnos
import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Send
from socktui.core.call import Function
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BUFFER_MAX
from socktui.core.sockets import End
from socktui.engine.context import EngineContext
from socktui.engine.packets import Packets
from socktui.engine.traced import END
from socktui.journal.reader import Reader
from tests.engine.families import PACKETS
from tests.engine.in_process import with_context
from tests.engine.plain_ends import unix_ends
from tests.support import all_calls, all_sockets, fresh, until

SEQPACKET = sockets.SOCK_SEQPACKET


def test_each_call_is_one_packet_the_empty_one_too(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Packets, SEQPACKET) as (connection, theirs):
            for data in (b"Hello", b"", b"x" * 50_000):
                await connection.send(data)
                assert theirs.recv(1 << 17) == data
                theirs.send(data)
                assert await connection.recv() == data
            connection.buffer = 4
            theirs.send(b"cut off")
            assert await connection.recv() == b"cut "
            theirs.close()
            assert await connection.recv() is None

    with_context(capture, main)
    assert [(call.result, call.length) for call in all_calls(capture) if call.receives][-2:] == [(7, 4), (0, 0)]


def test_a_packet_longer_than_the_ring_holds_many_of_is_refused_here(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Packets, SEQPACKET) as (connection, theirs):
            with pytest.raises(SocketError) as told:
                await connection.send(bytes(BUFFER_MAX + 1))
            assert (told.value.code, told.value.errno) == (ErrorCode.MESSAGE_TOO_LONG, errnos.EMSGSIZE)
            assert told.value.fields == {"size": BUFFER_MAX + 1, "most": BUFFER_MAX}
            assert connection.socket.calls == 0
            await connection.send(b"short")
            assert theirs.recv(100) == b"short"

    with_context(capture, main)


def test_what_the_peer_sent_before_it_went_comes_before_the_error(capture: Path) -> None:
    """The kernel tells ECONNRESET first, and only then gives what was sent earlier."""

    async def main(context: EngineContext) -> None:
        with unix_ends(context, Packets, SEQPACKET) as (connection, theirs):
            await connection.send(b"never read")
            for data in (b"last", b"words"):
                theirs.send(data)
            theirs.close()
            assert [await connection.recv(), await connection.recv()] == [b"last", b"words"]
            with pytest.raises(ConnectionResetError):
                await connection.recv()

    with_context(capture, main)
    [told, *_] = [call for call in all_calls(capture) if call.receives]
    assert told.errno == errnos.ECONNRESET


def test_a_relay_is_told_what_there_is_at_once(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Packets, SEQPACKET) as (connection, theirs):
            at, view = await context.space(100)
            assert connection.receive_now(at, view) is None
            for data in (b"", b"Hello"):
                theirs.send(data)
                assert connection.receive_now(at, view) == len(data)
            assert connection.send_now(b"", at) == 0
            assert connection.send_now(view[:5], at) == 5
            assert (theirs.recv(100), theirs.recv(100)) == (b"", b"Hello")
            while connection.send_now(view, at) is not None:
                pass
            theirs.shutdown(sockets.SHUT_WR)
            assert connection.receive_now(at, view) == END

    with_context(capture, main)


def test_a_reset_is_a_close(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Packets, SEQPACKET) as (connection, theirs):
            connection.reset()
            assert connection.closed
            assert await asyncio.to_thread(theirs.recv, 1) == b""

    with_context(capture, main)
    assert [call.name for call in all_calls(capture)] == [Function.CLOSE]


async def test_the_end_of_packets_is_no_empty_packet(engine: Engine) -> None:
    """recv(2) answers 0 for both. Bytes behind an empty packet arrive, even where the peer has gone already."""
    endpoint = await PACKETS.listen(engine, "discard")
    with Reader(engine.capture) as reader:
        with PACKETS.peer(endpoint) as sock:
            for data in (b"", b"a", b"", b"", b"bc"):
                sock.send(data)
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).ended)
    await engine.end()
    calls = [call for call in all_calls(engine.capture) if call.receives and call.socket == 2]
    assert [(call.result, call.empty, call.eof) for call in calls] == [
        (0, True, False), (1, False, False), (0, True, False), (0, True, False), (2, False, False), (0, False, True),
    ]  # fmt: skip
    assert all_sockets(engine.capture)[1].end is End.PEER_FIN


async def test_a_packet_that_waits_for_room_is_sent_once_and_in_turn(engine: Engine) -> None:
    endpoint = await PACKETS.listen(engine, "manual")
    with PACKETS.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        pending = [engine.begin(Send((2,), b"xxx" * 10_000))[1] for _ in range(50)]
        await until(lambda: fresh(reader).socket(2).sent > 100_000)
        assert not all(answer.done() for answer in pending)
        received = []
        for _ in range(50):
            sock.setblocking(False)
            received.append(len(await until(lambda: _received(sock))))
        assert received == [30_000] * 50
        assert [(await answer).size for answer in pending] == received


def _received(sock: sockets.socket) -> bytes:
    try:
        return sock.recv(1 << 17)
    except BlockingIOError:
        return b""
