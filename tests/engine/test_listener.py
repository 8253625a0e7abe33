"""A listening socket: whom it accepts, what it does when nothing can be accepted, and who accepts in its place."""

import asyncio
import errno as errnos
import resource
import socket as sockets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.engine import listener as module
from socktui.engine.context import EngineContext
from socktui.engine.listener import ACCEPTS_AT_ONCE, Listener
from socktui.engine.traced import TracedSocket
from socktui.journal.reader import Reader
from tests.engine.families import Family, every_connection
from tests.engine.in_process import with_context
from tests.support import all_calls, fresh, peer, read_exactly, until

Take = Callable[[TracedSocket], None]


def listening(context: EngineContext, accepted: Take) -> Listener:
    traced = TracedSocket.open(context.journal, sockets.AF_INET, sockets.SOCK_STREAM)
    traced.bind(("127.0.0.1", 0))
    traced.listen(200)
    traced.getsockname()
    return Listener(context, traced, accepted)


class Closable(Protocol):
    def close(self) -> None: ...


def close_all(*each: Closable) -> None:
    for one in each:
        one.close()


def address(listener: Listener) -> tuple[str, int]:
    endpoint = Endpoint.at("tcp", listener.socket.local)
    return endpoint.host, endpoint.port


class Refusing:
    """accept(2) that fails with these errnos, one after the other, before it is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: int) -> None:
        self.left = list(errors)
        accept = TracedSocket.accept
        journal_of = TracedSocket._failed

        def refuse(traced: TracedSocket, *, quiet: bool = False) -> TracedSocket | None:
            if not self.left:
                return accept(traced, quiet=quiet)
            error = OSError(self.left.pop(0), "refused")
            if not quiet:
                journal_of(traced, Function.ACCEPT, 1, error, 0)
            raise error

        monkeypatch.setattr(TracedSocket, "accept", refuse)


def test_it_accepts_so_many_at_once_and_the_others_in_the_next_turn(capture: Path) -> None:
    turns: list[int] = []

    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []
        listener = listening(context, peers.append)
        clients = [sockets.create_connection(address(listener)) for _ in range(ACCEPTS_AT_ONCE + 10)]
        while len(peers) < len(clients):
            await asyncio.sleep(0)
            if not turns or turns[-1] != len(peers):
                turns.append(len(peers))
        assert {each.entry.socket.parent for each in peers} == {listener.traced.number}
        assert listener.family == sockets.AF_INET
        close_all(*clients, *peers, listener)

    with_context(capture, main)
    assert [count for count in turns if count] == [ACCEPTS_AT_ONCE, ACCEPTS_AT_ONCE + 10]


@pytest.mark.parametrize("errno", [errnos.ECONNABORTED, errnos.EPROTO, errnos.EPERM])
def test_a_connection_that_has_gone_already_is_passed_over(
    capture: Path, monkeypatch: pytest.MonkeyPatch, errno: int
) -> None:
    Refusing(monkeypatch, errno, errno)

    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []
        listener = listening(context, peers.append)
        with sockets.create_connection(address(listener)):
            await until(lambda: peers)
        close_all(*peers, listener)

    with_context(capture, main)


@pytest.mark.parametrize("errno", [errnos.EMFILE, errnos.ENFILE, errnos.ENOBUFS, errnos.ENOMEM])
def test_without_a_descriptor_it_waits_and_does_not_spin(
    capture: Path, monkeypatch: pytest.MonkeyPatch, errno: int
) -> None:
    """It looks again by itself after a while, or at once where a descriptor becomes free; it is recorded once."""
    refusing = Refusing(monkeypatch, *[errno] * 3)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 3600.0)

    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []
        listener = listening(context, peers.append)
        with sockets.create_connection(address(listener)):
            for left in (2, 1, 0):
                await until(lambda left=left: len(refusing.left) == left)  # type: ignore[misc]
                for _ in range(10):
                    await asyncio.sleep(0)
                assert len(refusing.left) == left
                assert not peers
                listener.resume()
            await until(lambda: peers)
            listener.resume()  # it does not wait: nothing to be done
        close_all(*peers, listener)

    with_context(capture, main)
    accepts = [call for call in all_calls(capture) if call.name is Function.ACCEPT]
    assert [call.errno for call in accepts] == [errno, 0]


def test_it_looks_again_by_itself(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Refusing(monkeypatch, errnos.EMFILE)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)

    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []
        listener = listening(context, peers.append)
        with sockets.create_connection(address(listener)):
            await until(lambda: peers)
        close_all(*peers, listener)

    with_context(capture, main)


def test_it_can_be_closed_by_whoever_it_tells_and_while_it_waits(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []

        def only_one(each: TracedSocket) -> None:
            peers.append(each)
            listener.close()

        listener = listening(context, only_one)
        clients = [sockets.create_connection(address(listener)) for _ in range(3)]
        await until(lambda: peers)
        assert listener.traced.fd < 0
        listener.close()
        Refusing(monkeypatch, errnos.EMFILE)
        paused = listening(context, peers.append)
        clients.append(sockets.create_connection(address(paused)))
        await until(lambda: any(call.errno == errnos.EMFILE for call in all_calls(capture)))
        paused.close()
        await asyncio.sleep(0)
        assert len(peers) == 1
        close_all(*clients, *peers)

    with_context(capture, main)


class Delegate:
    def __init__(self) -> None:
        self.stopped: list[Listener] = []

    def stop(self, listener: Listener) -> None:
        self.stopped.append(listener)


def test_whoever_accepts_in_its_place_is_stopped_with_it(capture: Path) -> None:
    """What failed there is recorded here, and makes it wait as if it had failed here."""

    async def main(context: EngineContext) -> None:
        peers: list[TracedSocket] = []
        listener, delegate = listening(context, peers.append), Delegate()
        listener.delegate(delegate)
        listener.refused(1, 2, errnos.ECONNABORTED)
        listener.refused(3, 4, errnos.EMFILE)
        with sockets.create_connection(address(listener)):
            for _ in range(10):
                await asyncio.sleep(0)
            assert not peers
            listener.resume()
            await until(lambda: peers)
        assert delegate.stopped == []
        listener.close()
        listener.close()
        assert delegate.stopped == [listener]
        peers[0].close()

    with_context(capture, main)
    accepts = [call for call in all_calls(capture) if call.name is Function.ACCEPT]
    assert [(call.time, call.duration, call.errno) for call in accepts[:2]] == [
        (1, 1, errnos.ECONNABORTED),
        (3, 1, errnos.EMFILE),
    ]


async def test_a_listener_that_waits_is_woken_by_a_close(engine: Engine) -> None:
    """Closing any connection wakes a listener that paused."""
    number = await engine.listen(Endpoint.parse(":0"), "manual")
    with Reader(engine.capture) as reader:
        port = Endpoint.parse(reader.socket(number).local).port
        with peer(port):
            await until(lambda: fresh(reader).sockets == 2)
            resource.prlimit(engine.pid, resource.RLIMIT_NOFILE, (reader.socket(2).fd + 1, 64))
            with peer(port) as two:
                await until(lambda: any(reader.call(seq).errno == 24 for seq in range(fresh(reader).count)))
                await engine.request(Close(2))
                await until(lambda: fresh(reader).sockets == 3)
                assert two.fileno() > 0


@every_connection
async def test_a_listener_stops_and_its_connections_go_on(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock:
        sock.sendall(b"a")
        assert read_exactly(sock, 1) == b"a"
        await engine.request(Close(1))
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)), family.peer(endpoint):
            pass
        sock.sendall(b"b")
        assert read_exactly(sock, 1) == b"b"
    with pytest.raises(VerbError, match="socket 1 is no open connection"):
        await engine.request(Close(1))
