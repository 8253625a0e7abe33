"""A connection that speaks a protocol over another: what it records, and what it leaves to the one below."""

import asyncio
import threading
from pathlib import Path
from time import monotonic_ns as now

import pytest

from socktui.core.call import Function, Layer
from socktui.core.connection import ClosedHereError
from socktui.core.sockets import End
from socktui.engine.context import EngineContext
from socktui.engine.layered import Layered
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from socktui.journal.reader import Reader
from tests.engine.in_process import with_context
from tests.engine.plain_ends import tcp_ends, unix_ends
from tests.support import all_calls, all_sockets, read_all


class Upside(Layered):
    """A protocol whose wire is what it says, backwards."""

    async def recv(self) -> bytes | None:
        began = now()
        wire = await self.under.recv()
        if wire is None:
            self._record_event(Function.TELNET_RECV, began, 0)
            return None
        await self._record(Function.TELNET_RECV, began, wire[::-1], size=100)
        return wire[::-1]

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        began = now()
        if not data:
            self._record_event(Function.TELNET_SEND, began, -1, answer="there is nothing to say")
            return
        await self.under.send(bytes(data)[::-1])
        await self._record(Function.TELNET_SEND, began, data, args=("backwards",))


def upside(context: EngineContext, traced: TracedSocket) -> Upside:
    return Upside(context, Stream(context, traced))


def test_what_is_said_stands_in_the_capture_beside_its_wire(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, upside) as (connection, theirs):
            assert connection.traced is connection.under.traced
            await connection.send(b"abc")
            assert theirs.recv(100) == b"cba"
            theirs.sendall(b"fed")
            assert await connection.recv() == b"def"
            await connection.send(b"")
            theirs.close()
            assert await connection.recv() is None

    with_context(capture, main)
    with Reader(capture) as reader:
        calls = [reader.call(seq) for seq in range(reader.count)]
        assert [(call.name, call.result, call.size, call.args, reader.data(call)) for call in calls[:4]] == [
            (Function.SEND, 3, 3, (), b"cba"),
            (Function.TELNET_SEND, 3, 3, ("backwards",), b"abc"),
            (Function.RECV, 3, 65536, (), b"fed"),
            (Function.TELNET_RECV, 3, 100, (), b"def"),
        ]
        said, end = calls[4], calls[6]
        assert (said.name, said.result, said.answer) == (Function.TELNET_SEND, -1, "there is nothing to say")
        assert (end.name, end.result, end.layer) == (Function.TELNET_RECV, 0, Layer.TELNET)
        assert all(call.duration >= 0 for call in calls)
        assert {call.layer for call in calls[:4]} == {Layer.WIRE, Layer.TELNET}
    [socket] = all_sockets(capture)
    assert (socket.sent, socket.received) == (3, 3)  # bytes of the wire are counted, once


def test_one_that_is_closed_while_the_disk_is_behind_records_no_more(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, upside) as (connection, _):
            released = asyncio.Event()
            space = context.space

            async def late(self: EngineContext, size: int) -> object:
                await released.wait()
                return await space(size)

            monkeypatch.setattr(EngineContext, "space", late)
            recording = asyncio.create_task(connection._record(Function.TELNET_SEND, now(), b"late"))
            await asyncio.sleep(0)
            connection.close()
            released.set()
            with pytest.raises(ClosedHereError):
                await recording

    with_context(capture, main)
    assert [call.name for call in all_calls(capture)] == [Function.CLOSE]


def test_the_end_is_that_of_the_connection_below(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, upside) as (connection, theirs):
            waiting = asyncio.create_task(connection.wait_closed())
            await connection.drain()
            await connection.shutdown()
            assert await asyncio.to_thread(read_all, theirs) == b""
            theirs.shutdown(1)
            await waiting
            connection.close()
            assert connection.closed
            assert connection.under.closed
        with tcp_ends(context, upside) as (connection, theirs):
            connection.reset()
            with pytest.raises(ConnectionResetError):
                theirs.recv(1)

    with_context(capture, main)
    assert all_sockets(capture)[1].end is End.RESET


def test_drain_waits_for_what_the_connection_below_sends(capture: Path) -> None:
    data = bytes(1 << 20)

    async def main(context: EngineContext) -> None:
        with unix_ends(context, upside) as (connection, theirs):
            sending = asyncio.create_task(connection.send(data))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            draining = asyncio.create_task(connection.drain())
            await asyncio.sleep(0)
            assert not draining.done()
            reading = threading.Thread(target=lambda: read_all(theirs))
            reading.start()
            await draining
            await sending
            await connection.shutdown()
            await asyncio.to_thread(reading.join)

    with_context(capture, main)
