"""Sockets of datagrams, connected and bound, of every kind: borders, peers, what is refused, and what is recorded."""

import asyncio
import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Reset, SetBuffer, Shutdown
from socktui.core.call import Function
from socktui.core.connection import ClosedHereError, Connection
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.datagrams import udp
from socktui.engine.datagrams.bound import Bound
from socktui.engine.datagrams.traced import TracedDatagrams
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from tests.engine.datagrams import KINDS, Kind, assert_calls_tell_it_all, calls_of, every_kind
from tests.engine.in_process import with_context, with_table
from tests.support import all_calls, all_sockets, fresh, until

UDP, _, _ = KINDS


@every_kind
async def test_borders_are_kept_and_every_peer_has_its_row(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine)
    messages = [b"Hello, World!", b"", b"\0\x1b[31m\xff", b"x" * kind.largest]
    with kind.peer(where) as one, kind.peer(where) as two:
        for message in messages:
            one.send(message)
            assert one.recv(70000) == message
        two.send(b"I am another")
        assert two.recv(70000) == b"I am another"
        names = [kind.endpoint(sock).authority for sock in (one, two)]
    with Reader(engine.capture) as reader:
        await until(lambda: len(calls_of(reader, 2)) == 8)
        mine = calls_of(reader, 2)
        assert [call.name for call in mine] == [Function.RECVFROM, Function.SENDTO] * 4
        assert {call.via for call in mine} == {1}
        assert [reader.data(call) for call in mine[::2]] == [reader.data(call) for call in mine[1::2]] == messages
        assert [call.result for call in mine[::2]] == [len(message) for message in messages]
        assert mine[2].empty
        assert not mine[2].eof
    await engine.end()
    bound, first, second = all_sockets(engine.capture)
    assert (bound.role, bound.netid, bound.state, bound.service) == (Role.LISTENER, kind.netid, State.CLOSED, "echo")
    assert [first.peer, second.peer] == names
    assert (first.role, first.parent, first.fd, first.end) == (Role.ACCEPTED, 1, bound.fd, End.CLOSED)
    assert first.received == first.sent == sum(map(len, messages))
    assert_calls_tell_it_all(engine)


@every_kind
async def test_a_client_talks_to_a_plain_socket(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock, Reader(engine.capture) as reader:
        number = await engine.connect(kind.endpoint(sock))
        for message in (b"one", b"", b"three"):
            await engine.send([number], message)
            data, address = sock.recvfrom(70000)
            assert data == message
            sock.sendto(data[::-1], address)
        await until(lambda: fresh(reader).socket(number).received == 8)
        assert [call.result for call in calls_of(reader, number) if call.receives] == [3, 0, 5]
        socket = reader.socket(number)
        assert (socket.role, socket.state, socket.peer) == (
            Role.CLIENT,
            State.ESTAB,
            kind.endpoint(sock).authority,
        )
        await engine.request(Shutdown(number))
        assert reader.socket(number).open
        with pytest.raises(VerbError, match="EPIPE"):
            await engine.send([number], b"too late")
        await engine.request(Close(number))
        assert reader.socket(number).why == "EPIPE" or reader.socket(number).end is End.CLOSED
    await engine.end()
    assert_calls_tell_it_all(engine)


@every_kind
async def test_what_does_not_fit_the_buffer_is_lost_and_the_call_says_so(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, buffer=20)
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(bytes(range(50)))
        assert sock.recv(100) == bytes(range(20))
        sock.send(b"x" * 20)
        assert sock.recv(100) == b"x" * 20
        cut, whole = [call for call in calls_of(reader, 2) if call.receives]
        assert (cut.result, cut.length, cut.size, reader.data(cut)) == (50, 20, 20, bytes(range(20)))
        assert (whole.result, whole.length) == (20, 20)
        await engine.request(SetBuffer(1, 30))
        sock.send(b"y" * 50)
        assert sock.recv(100) == b"y" * 30
        number = await engine.connect(where, buffer=7)
        await engine.send([number], b"longer than seven")
        await until(lambda: fresh(reader).socket(number).received)
        (cut,) = [call for call in calls_of(reader, number) if call.receives]
        assert (cut.result, cut.length, cut.size) == (17, 7, 7)


@every_kind
async def test_one_that_is_too_long_is_told_and_ends_nothing(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock, Reader(engine.capture) as reader:
        number = await engine.connect(kind.endpoint(sock))
        for size in (300_000, (1 << 20) + 1):
            with pytest.raises(VerbError, match=r"\(EMSGSIZE\)") as caught:
                await engine.send([number], bytes(size))
            assert caught.value.errno == "EMSGSIZE"
        assert fresh(reader).socket(number).why == "EMSGSIZE"
        await engine.send([number], b"short")
        assert sock.recv(100) == b"short"
        assert reader.socket(number).open
    where = await kind.listen(engine, "manual")
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(b"hello")
        await until(lambda: fresh(reader).sockets == 3 and reader.socket(3).received)
        with pytest.raises(VerbError, match="EMSGSIZE"):
            await engine.send([3], bytes(300_000))
        failed = calls_of(reader, 3)[-1]
        assert (failed.name, failed.size, failed.via) == (Function.SENDTO, 300_000, 2)
        await engine.send([3], b"short")
        assert sock.recv(100) == b"short"
    await engine.end()
    assert_calls_tell_it_all(engine)


@every_kind
async def test_nobody_there_is_told_and_ends_nothing(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock:
        where = kind.endpoint(sock)
        number = await engine.connect(where)
    with Reader(engine.capture) as reader:
        if kind.family == sockets.AF_UNIX:
            with pytest.raises(VerbError, match="ECONNREFUSED"):
                await engine.send([number], b"anybody?")
        else:
            await engine.send([number], b"anybody?")
            await until(lambda: fresh(reader).socket(number).errno)
            failed = calls_of(reader, number)[-1]
            assert (failed.name, failed.result, failed.message) == (Function.RECV, -1, True)
        assert (reader.socket(number).why, reader.socket(number).open) == ("ECONNREFUSED", True)
        if kind.family == sockets.AF_UNIX:
            return
        with sockets.socket(kind.family, sockets.SOCK_DGRAM) as back:
            back.settimeout(20)
            back.bind(kind.address(where))
            await engine.send([number], b"and now?")
            data, address = back.recvfrom(100)
            back.sendto(data, address)
            await until(lambda: fresh(reader).socket(number).received == 8)


@every_kind
async def test_a_peer_that_was_closed_comes_back_as_a_new_row(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, "manual")
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(b"first")
        await until(lambda: fresh(reader).sockets == 2)
        await engine.send([2], b"answer")
        assert sock.recv(100) == b"answer"
        with pytest.raises(VerbError, match="there is no half-close: the socket has other peers, too"):
            await engine.request(Shutdown(2))
        await engine.request(Close(2))
        assert (reader.socket(2).state, reader.socket(2).why) == (State.CLOSED, "closed here")
        with pytest.raises(VerbError, match="socket 2 is no open connection"):
            await engine.send([2], b"more")
        sock.send(b"second")
        await until(lambda: fresh(reader).sockets == 3)
        await engine.request(Reset(3))
        assert reader.socket(3).ended
        sock.send(b"third")
        await until(lambda: fresh(reader).sockets == 4)
        await engine.request(Close(1))
        assert [reader.socket(number).why for number in (1, 4)] == ["closed here"] * 2
        assert reader.socket(4).ended == reader.socket(1).ended
        with pytest.raises(VerbError, match="socket 4 is no open connection"):
            await engine.request(Close(4))


@every_kind
async def test_a_service_that_says_one_thing_says_it_for_every_datagram(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, "time")
    with kind.peer(where) as sock, kind.peer(where) as other:
        for _ in range(3):
            sock.send(b"what time is it?")
            assert len(sock.recv(100)) == 4
        for _ in range(3):
            other.send(b"?")
        assert {len(other.recv(100)) for _ in range(3)} == {4}
    assert len(all_sockets(engine.capture)) == 3


def test_a_service_that_ends_is_run_once_for_every_datagram(capture: Path) -> None:
    """Whether it received that or not; and what it did not is not for its next run."""
    runs = 0

    async def greet(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        if runs % 2:
            await connection.recv()
        await connection.send(b"%d" % runs)

    async def main(table: SocketTable) -> None:
        number, _ = await table.listen(Endpoint.parse("udp://127.0.0.1:0"), greet, "greet")
        with Reader(capture) as reader, UDP.peer(Endpoint.at("udp", reader.socket(number).local)) as sock:
            for run in range(1, 7):
                sock.send(b"hello")
                assert await asyncio.to_thread(sock.recv, 100) == b"%d" % run
            await until(lambda: len(calls_of(reader, 2)) == 12)

    with_table(capture, main)
    assert runs == 6


def test_the_peers_of_a_socket_share_its_buffer_and_its_end(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        peers: asyncio.Queue[SocketConnection] = asyncio.Queue()
        bound = await udp.listen(context, Endpoint.parse("udp://127.0.0.1:0"), "test", 5, peers.put_nowait)
        with UDP.peer(Endpoint.at("udp", bound.socket.local)) as one, UDP.socket() as another:
            one.send(b"one")
            another.sendto(b"another", one.getpeername())
            first, second = await peers.get(), await peers.get()
            first.buffer = 3
            assert (second.buffer, bound.buffer) == (3, 3)
            assert (await first.recv(), await second.recv()) == (b"one", b"another")
            another.sendto(b"cut off", one.getpeername())
            assert await second.recv() == b"cut"
            receiving, waiting = asyncio.create_task(first.recv()), asyncio.create_task(second.wait_closed())
            await asyncio.sleep(0)
            bound.close()
            for task in (receiving, waiting):
                with pytest.raises(ClosedHereError):
                    await task
            assert (first.closed, second.closed) == (True, True)
            with pytest.raises(ClosedHereError):
                await first.send(b"late")

    with_context(capture, main)
    assert [call.name for call in all_calls(capture)][-1] is Function.CLOSE


def test_one_that_asks_many_gets_what_anybody_answers(capture: Path) -> None:
    """As a question to a group: who answers has a row of its own, and the socket ends with the one that asked."""

    async def main(context: EngineContext) -> None:
        traced = TracedDatagrams.open(context.journal, sockets.AF_INET, sockets.SOCK_DGRAM, scheme="udp")
        traced.bind(("127.0.0.1", 0))
        traced.getsockname()
        with UDP.socket() as asked, UDP.socket() as another:
            peer = Bound(context, traced).ask(asked.getsockname())
            await peer.send(b"who is there?")
            data, address = await asyncio.to_thread(asked.recvfrom, 100)
            assert data == b"who is there?"
            for sock in (asked, another):
                sock.sendto(b"I am", address)
            assert [await peer.recv(), await peer.recv()] == [b"I am"] * 2
            peer.close()
            assert traced.fd < 0

    with_context(capture, main)
    bound, asked, another = all_sockets(capture)
    assert (asked.role, asked.parent, asked.received) == (Role.CLIENT, bound.number, 4)
    assert (another.role, another.parent, another.received) == (Role.ACCEPTED, bound.number, 4)
    assert not any(socket.open for socket in (bound, asked, another))


def test_what_is_not_for_services_is_recorded_alone(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        peers: asyncio.Queue[SocketConnection] = asyncio.Queue()
        left: list[str] = []
        traced = TracedDatagrams.open(context.journal, sockets.AF_INET, sockets.SOCK_DGRAM, scheme="udp")
        traced.bind(("127.0.0.1", 0))
        bound = Bound(
            context,
            traced,
            peers.put_nowait,
            payload=lambda _, data: None if data.startswith(b"#") else data.upper(),
            leaving=lambda: left.append("leaving"),
            note="a note",
        )
        with UDP.socket() as sock:
            for data in (b"# a remark", b"for all"):
                sock.sendto(data, traced.sock.getsockname())
            peer = await peers.get()
            assert await peer.recv() == b"FOR ALL"
            assert (peer.socket.received, peers.empty(), bound.note) == (17, True, "a note")
        bound.close()
        bound.close()
        assert left == ["leaving"]

    with_context(capture, main)
