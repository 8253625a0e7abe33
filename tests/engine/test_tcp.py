"""TCP: how listeners and connections are set up, and the race of a name's addresses (RFC 8305)."""

import asyncio
import errno as errnos
import socket as sockets
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import State
from socktui.engine import tcp
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.journal.reader import Reader
from tests.engine.families import TCP4, TCP6
from tests.engine.in_process import with_context
from tests.support import all_calls, all_sockets, until

NAMED = Endpoint.parse("tcp://two.example:80")


def answers(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, str, int]) -> None:
    """Have every name resolve to these addresses, each with a port of its own."""

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [(family, sockets.SOCK_STREAM, 6, "", (host, port)) for family, host, port in found]

    monkeypatch.setattr(sockets, "getaddrinfo", getaddrinfo)


def nobody() -> int:
    """A port at which nobody listens."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listener_and_a_connection_of_ours(capture: Path, host: str) -> None:
    """TCP_NODELAY at both ends; a listener on IPv6 is no one for IPv4."""

    async def main(context: EngineContext) -> None:
        accepted: asyncio.Queue[SocketConnection] = asyncio.Queue()
        listener = await tcp.listen(context, Endpoint("tcp", host), "echo", 7, accepted.put_nowait)
        socket = listener.socket
        assert (socket.state, socket.backlog, socket.service) == (State.LISTEN, 7, "echo")
        client = await tcp.connect(context, Endpoint.at("tcp", socket.local), 10)
        server = await accepted.get()
        for each in (client, server):
            assert each.traced.sock.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)
            assert not each.traced.sock.getblocking()
        assert client.socket.peer == server.socket.local == socket.local
        assert client.socket.local == server.socket.peer
        assert context.attempts == {}
        for end in (client, server, listener):
            end.close()

    with_context(capture, main)
    told = [(call.socket, call.args[1]) for call in all_calls(capture) if call.name is Function.SETSOCKOPT]
    only_six = [(1, "IPV6_V6ONLY")] if host == "::1" else []
    assert told[: 1 + len(only_six)] == [(1, "SO_REUSEADDR"), *only_six]
    assert sorted(told[1 + len(only_six) :]) == [(2, "TCP_NODELAY"), (3, "TCP_NODELAY")]


def test_a_listener_that_cannot_be_leaves_nothing_open(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with sockets.create_server(("127.0.0.1", 0)) as server:
            where = Endpoint("tcp", *server.getsockname()[:2])
            with pytest.raises(OSError, match="Address already in use"):
                await tcp.listen(context, where, "echo", 7, lambda _: None)

    with_context(capture, main)
    [socket] = all_sockets(capture)
    assert (socket.open, socket.why) == (False, "EADDRINUSE")


def test_where_one_address_is_deaf_the_next_is_tried(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a quarter of a second, not after the time of a connect(); what lost the race is closed."""

    async def main(context: EngineContext) -> None:
        connection = await tcp.connect(context, NAMED, 3600)
        assert connection.socket.peer == alive.authority
        assert context.attempts == {}
        connection.close()

    with TCP6.deaf(capture.parent) as dead, TCP4.server(capture.parent) as (_, alive):
        answers(monkeypatch, (sockets.AF_INET6, "::1", dead.port), (sockets.AF_INET, "127.0.0.1", alive.port))
        with_context(capture, main)
    assert [socket.why for socket in all_sockets(capture)] == ["closed here", "closed here"]
    assert [call.errno for call in all_calls(capture) if call.name is Function.CONNECT] == [errnos.EINPROGRESS] * 2


def test_where_one_address_refuses_the_next_is_tried_at_once(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "ATTEMPT_DELAY", 3600.0)

    async def main(context: EngineContext) -> None:
        connection = await tcp.connect(context, NAMED, 3600)
        assert connection.number == 2
        connection.close()

    with TCP4.server(capture.parent) as (_, alive):
        answers(monkeypatch, (sockets.AF_INET, "127.0.0.1", nobody()), (sockets.AF_INET, "127.0.0.1", alive.port))
        with_context(capture, main)
    assert [socket.why for socket in all_sockets(capture)] == ["ECONNREFUSED", "closed here"]


def test_where_all_refuse_it_is_told(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, *((sockets.AF_INET, "127.0.0.1", nobody()) for _ in range(2)))

    async def main(context: EngineContext) -> None:
        with pytest.raises(ConnectionRefusedError):
            await tcp.connect(context, NAMED, 10)

    with_context(capture, main)
    assert [socket.why for socket in all_sockets(capture)] == ["ECONNREFUSED"] * 2


def test_a_name_without_an_address(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)

    async def main(context: EngineContext) -> None:
        with pytest.raises(SocketError) as told:
            await tcp.connect(context, NAMED, 10)
        assert (told.value.code, told.value.errno) == (ErrorCode.NAME_WITHOUT_ADDRESS, errnos.EADDRNOTAVAIL)

    with_context(capture, main)
    assert all_sockets(capture) == []


def test_the_time_includes_that_of_the_resolver(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(tcp, "resolve", never)

    async def main(context: EngineContext) -> None:
        with pytest.raises(SocketError) as told:
            await tcp.connect(context, NAMED, 0.01)
        assert (told.value.code, told.value.errno) == (ErrorCode.CONNECT_TIMEOUT, errnos.ETIMEDOUT)
        assert told.value.fields == {"seconds": "0.01"}

    with_context(capture, main)


def test_one_attempt_that_is_closed_gives_up_the_others(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "ATTEMPT_DELAY", 0.0)

    async def main(context: EngineContext) -> None:
        connecting = asyncio.create_task(tcp.connect(context, NAMED, 3600))
        await until(lambda: len(context.attempts) == 2)
        context.attempts[1].close()
        with pytest.raises(SocketError) as told:
            await connecting
        assert (told.value.code, told.value.errno) == (ErrorCode.CLOSED_WHILE_CONNECTING, errnos.ECANCELED)
        assert context.attempts == {}

    with TCP6.deaf(capture.parent) as six, TCP4.deaf(capture.parent) as four:
        answers(monkeypatch, (sockets.AF_INET6, "::1", six.port), (sockets.AF_INET, "127.0.0.1", four.port))
        with_context(capture, main)
    assert [socket.open for socket in all_sockets(capture)] == [False, False]


async def test_not_ours_to_bind(engine: Engine) -> None:
    with pytest.raises(VerbError, match=r"\(EADDRNOTAVAIL\): this machine has no such address"):
        await engine.listen(Endpoint.parse("192.0.2.1:0"))


async def test_localhost_where_only_one_family_listens(engine: Engine, tmp_path: Path) -> None:
    with TCP4.server(tmp_path) as (server, endpoint):
        port = endpoint.port
        number = await engine.connect(Endpoint.parse(f"localhost:{port}"), seconds=5)
        server.accept()[0].close()
        with Reader(engine.capture) as reader:
            assert reader.socket(number).peer == f"127.0.0.1:{port}"
