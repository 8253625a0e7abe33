"""Connections of every kind that fail, or are given up."""

import asyncio
import errno
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Connect
from socktui.core.call import Function
from socktui.core.sockets import Role, State
from socktui.journal.reader import Reader
from tests.engine.families import Family, every_connection, every_listener
from tests.support import ENDING, all_calls, all_sockets, fresh, until


@every_connection
async def test_refused(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.server(tmp_path) as (_, endpoint):
        pass
    with pytest.raises(VerbError, match=r"Connection refused \(ECONNREFUSED\): .* start") as caught:
        await engine.connect(endpoint)
    assert caught.value.errno == "ECONNREFUSED"
    assert str(endpoint) in caught.value.text
    await engine.end()
    (socket,) = all_sockets(engine.capture)
    assert (socket.why, socket.state, socket.peer) == ("ECONNREFUSED", State.CLOSED, endpoint.authority)
    names = [call.name for call in all_calls(engine.capture)]
    asked = [Function.SETSOCKOPT, Function.CONNECT, Function.GETSOCKOPT] if family.internet else [Function.CONNECT]
    assert names == [Function.SOCKET, *asked, Function.CLOSE]


@every_listener
async def test_taken(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.server(tmp_path) as (_, endpoint):
        with pytest.raises(VerbError, match=r"\(EADDRINUSE\) by .*\(pid \d+\): .*take another") as caught:
            await engine.listen(endpoint)
        assert caught.value.errno == "EADDRINUSE"
        with family.connected(endpoint):
            pass  # and whoever has it is not disturbed
    assert [socket.why for socket in all_sockets(engine.capture)] == ["EADDRINUSE"]


@every_connection
async def test_no_answer_in_time(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.deaf(tmp_path) as endpoint, pytest.raises(VerbError, match="ETIMEDOUT"):
        await engine.connect(endpoint, seconds=0.5)


@every_connection
async def test_closed_while_connecting(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.deaf(tmp_path) as endpoint, Reader(engine.capture) as reader:
        for number, verb in enumerate(("close", "reset"), 1):
            connecting = asyncio.create_task(engine.connect(endpoint))
            await until(lambda number=number: fresh(reader).sockets == number)  # type: ignore[misc]
            await until(lambda number=number: fresh(reader).socket(number).role is Role.CLIENT)  # type: ignore[misc]
            assert reader.socket(number).peer == endpoint.authority
            with pytest.raises(VerbError, match=f"socket {number} is still connecting"):
                await engine.send([number], b"too early")
            await engine.request(ENDING[verb](number))
            with pytest.raises(VerbError, match="ECANCELED"):
                await connecting
            assert reader.socket(number).ended
            with pytest.raises(VerbError, match=f"socket {number} is no open connection"):
                await engine.request(Close(number))
    await engine.end()
    waits = errno.EINPROGRESS if family.internet else errno.EAGAIN
    assert [call.errno for call in all_calls(engine.capture) if call.failed] == [waits, waits]


@every_connection
async def test_the_end_comes_while_connecting(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.deaf(tmp_path) as endpoint:
        number, answer = engine.begin(Connect(endpoint))
        assert number
        with Reader(engine.capture) as reader:
            await until(lambda: fresh(reader).sockets and reader.socket(1).role is Role.CLIENT)
        await engine.end()
        assert answer.done()
    with Reader(engine.capture) as reader:
        assert reader.closed_in_order
        assert reader.socket(1).ended
