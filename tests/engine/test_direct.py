"""A connection that has its socket to itself: its relays, those that send in turn, and its end."""

import asyncio
import errno as errnos
import os
import socket as sockets
import struct
from pathlib import Path

import pytest

from socktui.core.connection import ClosedHereError, RelayError
from socktui.engine.context import EngineContext
from socktui.engine.direct import Direct
from socktui.engine.memory import memory_pair
from socktui.engine.packets import Packets
from socktui.engine.stream import Stream
from tests.engine.in_process import with_context
from tests.engine.plain_ends import tcp_ends, unix_ends
from tests.support import read_all, read_exactly, until

KINDS = {"stream": (Stream, sockets.SOCK_STREAM), "packets": (Packets, sockets.SOCK_SEQPACKET)}
each_kind = pytest.mark.parametrize(("make", "kind"), KINDS.values(), ids=KINDS)


@each_kind
def test_a_relay_to_itself_is_an_echo_up_to_the_peers_fin(capture: Path, make: type[Direct], kind: int) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, make, kind) as (connection, theirs):
            relaying = asyncio.create_task(connection.relay(connection))
            for data in (b"Hello", b"World"):
                theirs.send(data)
                assert await asyncio.to_thread(theirs.recv, 100) == data
            assert connection.relays
            theirs.shutdown(sockets.SHUT_WR)
            await relaying
            assert connection.relays == ()
            assert not connection.closed  # the half-close is the caller's to answer

    with_context(capture, main)


@each_kind
def test_a_relay_to_nowhere_receives_all(capture: Path, make: type[Direct], kind: int) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, make, kind) as (connection, theirs):
            relaying = asyncio.create_task(connection.relay(None))
            for _ in range(100):
                theirs.send(b"x" * 100)
                await asyncio.sleep(0)
            theirs.close()
            await relaying
            assert (connection.socket.received, connection.socket.sent) == (10_000, 0)

    with_context(capture, main)


def test_a_relay_to_a_connection_of_another_sort(capture: Path) -> None:
    """One whose sending is no call on a socket of its own is sent to message by message."""

    async def main(context: EngineContext) -> None:
        near, far = memory_pair()
        with unix_ends(context, Stream) as (connection, theirs):
            relaying = asyncio.create_task(connection.relay(near))
            theirs.sendall(b"Hello")
            assert await far.recv() == b"Hello"
            far.close()
            theirs.sendall(b"World")
            with pytest.raises(RelayError) as told:
                await relaying
            assert (told.value.connection, told.value.errno) == (near, errnos.EPIPE)

    with_context(capture, main)


def test_a_relay_that_is_cancelled_leaves_the_socket_to_others(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (connection, theirs):
            relaying = asyncio.create_task(connection.relay(connection))
            await asyncio.sleep(0)
            relaying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await relaying
            assert connection.relays == ()
            theirs.sendall(b"for recv()")
            assert await connection.recv() == b"for recv()"

    with_context(capture, main)


def test_an_error_of_a_relay_says_whose_it_is(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with tcp_ends(context, Stream) as (source, theirs), unix_ends(context, Stream) as (sink, other):
            relaying = asyncio.create_task(source.relay(sink))
            await asyncio.sleep(0)
            theirs.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
            theirs.close()
            with pytest.raises(RelayError) as told:
                await relaying
            assert (told.value.connection, told.value.errno) == (source, errnos.ECONNRESET)
            with unix_ends(context, Stream) as (third, speaks):
                other.close()
                speaks.sendall(b"Hello")
                with pytest.raises(RelayError) as told:
                    await third.relay(sink)
            assert (told.value.connection, told.value.errno) == (sink, errnos.EPIPE)

    with_context(capture, main)


def test_a_close_here_ends_all_that_goes_on(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (connection, _):
            relaying = asyncio.create_task(connection.relay(connection))
            waiting = asyncio.create_task(connection.wait_closed())
            sending = asyncio.create_task(connection.send(os.urandom(8 << 20)))
            await until(lambda: connection.socket.sent)
            connection.close()
            for task in (waiting, sending):
                with pytest.raises(ClosedHereError):
                    await task
            with pytest.raises(RelayError) as told:
                await relaying
            assert (told.value.connection, told.value.errno) == (connection, errnos.ECONNABORTED)
            with pytest.raises(ClosedHereError):
                await connection.send(b"late")
            with pytest.raises(ClosedHereError):
                await connection.recv()

    with_context(capture, main)


def test_drain_waits_for_those_that_send(capture: Path) -> None:
    data = os.urandom(4 << 20)

    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (connection, theirs):
            await connection.drain()
            sending = asyncio.create_task(connection.send(data))
            await until(lambda: connection.socket.sent)
            draining = asyncio.create_task(connection.drain())
            await asyncio.sleep(0)
            assert not draining.done()
            assert await asyncio.to_thread(read_exactly, theirs, len(data)) == data
            await draining
            assert sending.done()

    with_context(capture, main)


def test_it_is_over_in_both_directions(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (connection, theirs):
            waiting = asyncio.create_task(connection.wait_closed())
            await connection.shutdown()
            assert await asyncio.to_thread(read_all, theirs) == b""
            theirs.sendall(b"after our FIN")
            assert await connection.recv() == b"after our FIN"
            assert not waiting.done()
            theirs.shutdown(sockets.SHUT_WR)
            await waiting

    with_context(capture, main)


def test_one_that_sends_without_waiting_lets_others_have_their_turn(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        with unix_ends(context, Stream) as (connection, _):
            running = asyncio.create_task(other())
            for _ in range(50):
                await connection.send(b"x")
            running.cancel()
        assert turns >= 49

    with_context(capture, main)
