"""Connections that fail, and names that have to be resolved."""

import asyncio
import contextlib
import errno
import socket as sockets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Connect
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import Role, State
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services.manual import client
from tests.engine.families import TCP4, TCP6, Family, every_connection, every_listener
from tests.support import ENDING, all_calls, all_sockets, fresh, until


@contextlib.contextmanager
def deaf(family: Family, folder: Path) -> Iterator[Endpoint]:
    """Where nobody is answered: the accept queue of its listener is full."""
    with family.server(folder, backlog=0) as (server, endpoint), contextlib.ExitStack() as stack:
        for _ in range(3):
            sock = stack.enter_context(family.socket())
            sock.setblocking(False)
            sock.connect_ex(family.address(endpoint))
        assert server.fileno() >= 0
        yield endpoint


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
    with deaf(family, tmp_path) as endpoint:
        began = time.monotonic()
        with pytest.raises(VerbError, match="ETIMEDOUT"):
            await engine.connect(endpoint, seconds=0.5)
        assert 0.4 < time.monotonic() - began < 3


@every_connection
async def test_closed_while_connecting(engine: Engine, family: Family, tmp_path: Path) -> None:
    with deaf(family, tmp_path) as endpoint, Reader(engine.capture) as reader:
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
    with deaf(family, tmp_path) as endpoint:
        number, answer = engine.begin(Connect(endpoint))
        assert number
        with Reader(engine.capture) as reader:
            await until(lambda: fresh(reader).sockets and reader.socket(1).role is Role.CLIENT)
        await engine.end()
        assert answer.done()
    with Reader(engine.capture) as reader:
        assert reader.closed_in_order
        assert reader.socket(1).ended


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [("no-such-host.invalid:80", "EAI_"), ("[fe80::1]:80", "EINVAL"), ("[fe80::1%nowhere]:80", "EAI_")],
)
async def test_names_that_lead_nowhere(engine: Engine, endpoint: str, answer: str) -> None:
    with pytest.raises(VerbError) as caught:
        await engine.connect(Endpoint.parse(endpoint), seconds=5)
    assert caught.value.errno.startswith((answer, "ETIMEDOUT"))
    assert "\n" not in caught.value.text


async def test_not_ours_to_bind(engine: Engine) -> None:
    with pytest.raises(VerbError, match=r"\(EADDRNOTAVAIL\): this machine has no such address"):
        await engine.listen(Endpoint.parse("192.0.2.1:0"))


@contextlib.contextmanager
def in_this_process(capture: Path) -> Iterator[asyncio.Runner]:
    poller = Poller()
    journal = Journal(capture, ring_size=1 << 20, floor=0)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:

        async def make() -> SocketTable:
            return SocketTable(poller, journal)

        runner.context = runner.run(make())  # type: ignore[attr-defined]
        yield runner
        runner.run(runner.context.end())  # type: ignore[attr-defined]
    journal.close()


def test_a_slow_resolver_holds_up_nothing(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def slow(*_: Any, **__: Any) -> list[Any]:
        released.wait(30)
        return []

    with in_this_process(capture) as runner:
        monkeypatch.setattr(sockets, "getaddrinfo", slow)
        context: SocketTable = runner.context  # type: ignore[attr-defined]
        began = time.monotonic()
        with pytest.raises(SocketError) as told:
            runner.run(context.connect(Endpoint.parse("slow.example:80"), client, seconds=0.3))
        assert told.value.code is ErrorCode.CONNECT_TIMEOUT
        assert time.monotonic() - began < 3
    assert time.monotonic() - began < 3  # nor is the end held up
    released.set()


def answers(*found: tuple[int, str, int]) -> Any:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [(family, sockets.SOCK_STREAM, 6, "", (host, port)) for family, host, port in found]

    return getaddrinfo


def test_where_one_address_is_deaf_the_next_is_tried(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8305: a quarter of a second, not the time of a connect()."""
    folder = capture.parent
    with deaf(TCP6, folder) as dead, TCP4.server(folder) as (_, endpoint), in_this_process(capture) as runner:
        port = endpoint.port
        found = answers((sockets.AF_INET6, "::1", dead.port), (sockets.AF_INET, "127.0.0.1", port))
        monkeypatch.setattr(sockets, "getaddrinfo", found)
        context: SocketTable = runner.context  # type: ignore[attr-defined]
        began = time.monotonic()
        number = runner.run(context.connect(Endpoint.parse("two.example:80"), client, seconds=10))
        assert 0.2 < time.monotonic() - began < 2
        monkeypatch.undo()
    assert number == 2
    assert [socket.why for socket in all_sockets(capture)] == ["closed here", "closed here"]
    assert all_calls(capture)[-1].name is Function.CLOSE


async def test_localhost_where_only_one_family_listens(engine: Engine, tmp_path: Path) -> None:
    with TCP4.server(tmp_path) as (server, endpoint):
        port = endpoint.port
        number = await engine.connect(Endpoint.parse(f"localhost:{port}"), seconds=5)
        server.accept()[0].close()
        with Reader(engine.capture) as reader:
            assert reader.socket(number).peer == f"127.0.0.1:{port}"
