"""Carried connections when something goes wrong: the disk, the peers, the engine; each as with the loop in Python."""

import asyncio
import contextlib
import os
import signal
import socket as sockets
import struct
import threading
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Send, SetBuffer
from socktui.core.call import Function, address_text
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services import SERVICES, no_dial
from socktui.services.manual import client
from tests.engine.datagrams import assert_calls_tell_it_all
from tests.engine.families import TCP4
from tests.engine.test_fastpath import assert_chained
from tests.engine.test_pressure import echoed, listening, with_workbench
from tests.engine.test_space import Disk
from tests.engine.test_stream import same
from tests.loops import each_loop
from tests.support import (
    SECONDS,
    all_calls,
    all_sockets,
    carried,
    fresh,
    full,
    peer,
    read_exactly,
    running_engine,
    until,
)

RST = struct.pack("ii", 1, 0)
TYPED = b"what somebody types meanwhile"


@each_loop
async def test_a_thousand_peers_that_reset(engine: Engine) -> None:
    """Each of them has one end, and what failed is told once."""
    endpoint = await TCP4.listen(engine)
    with TCP4.peer(endpoint) as steady:
        for turn in range(1000):
            with TCP4.peer(endpoint) as sock:
                sock.sendall(b"x" * (1, 100, 50_000)[turn % 3])
                sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, RST)
            if turn % 100 == 0:
                steady.sendall(b"ping")
                assert read_exactly(steady, 4) == b"ping"
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 1002 and not any(reader.open(n) for n in range(2, 1003)))
    await engine.end()
    assert {socket.end for socket in all_sockets(engine.capture)[2:]} <= {End.PEER_RESET, End.FAILED}
    failed = [
        call.socket for call in all_calls(engine.capture) if call.failed and call.name in (Function.RECV, Function.SEND)
    ]
    assert len(failed) == len(set(failed)) == 1000
    assert_calls_tell_it_all(engine)


@each_loop
async def test_what_is_typed_comes_behind_what_is_owed(engine: Engine) -> None:
    endpoint = await TCP4.listen(engine, buffer=1 << 20)  # what is owed goes out bit by bit
    with TCP4.peer(endpoint) as sock, full(sock) as said, Reader(engine.capture) as reader:
        assert fresh(reader).socket(2).sent < reader.socket(2).received
        answer = read_exactly(sock, 400_000)
        _, typed = engine.begin(Send((2,), TYPED))
        await engine.request(SetBuffer(2, 65536))  # verbs begin in the order of asking
        answer += await asyncio.to_thread(read_exactly, sock, len(said) + len(TYPED) - len(answer))
        await typed
    before, _, behind = answer.partition(TYPED)
    assert same(before + behind, said)
    assert same(carried(engine.capture, 2, "send"), answer)
    assert_chained(engine.capture)


@each_loop
async def test_below_the_floor_it_is_said_what_the_calls_were(capture: Path) -> None:
    async with running_engine(capture, floor=1 << 60) as engine:
        endpoint = await TCP4.listen(engine)
        with TCP4.peer(endpoint) as sock:
            sock.sendall(b"x" * 50_000)
            assert read_exactly(sock, 50_000) == b"x" * 50_000
        await until(lambda: not all_sockets(capture)[1].open)
        await engine.end()
        assert_calls_tell_it_all(engine)
    with Reader(capture) as reader:
        calls = [reader.call(seq) for seq in range(reader.count)]
        assert reader.health.lost_bytes >= 50_000
        assert not reader.health.lost_calls
        assert sum(call.length for call in calls if call.sends) == 50_000
        accept = next(call for call in calls if call.name is Function.ACCEPT)
        assert address_text(accept.answer) == reader.socket(2).peer


@each_loop
def test_a_disk_without_room_for_calls(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted as lost, nobody is held up, and when there is room they are recorded again."""
    data = b"y" * 40_000  # two calls each, with a buffer of one byte, are more than what there is room for

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, TCP4, capture)
        workbench.set_buffer(1, 1)
        grow = journal._calls.grow

        def no_room() -> None:
            raise OSError(28, "No space left on device")

        with TCP4.peer(endpoint) as steady:
            monkeypatch.setattr(journal._calls, "grow", no_room)
            assert await asyncio.to_thread(echoed, TCP4, endpoint, data) == data
            assert journal.lost_calls > 10_000
            monkeypatch.setattr(journal._calls, "grow", grow)
            full = journal.count
            while journal.count == full:
                steady.sendall(b"ping")
                assert await asyncio.to_thread(read_exactly, steady, 4) == b"ping"

    with_workbench(capture, main)
    assert assert_chained(capture) > 65_000


@each_loop
def test_who_waits_for_the_disk_behind_others_has_his_turn(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing else happens then: a connection that is carried waits behind one that is not."""
    disk = Disk(monkeypatch)

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, TCP4, capture)
        with sockets.create_server(("127.0.0.1", 0)) as server, Reader(capture) as reader:
            port = server.getsockname()[1]
            number = await workbench.connect(Endpoint("tcp", "127.0.0.1", port), client)
            other, _ = server.accept()
            draining = threading.Thread(target=read_exactly, args=(other, 1 << 20))
            draining.start()
            sending = asyncio.create_task(workbench.send(number, b"p" * (1 << 20)))
            await until(lambda: reader.stalls)
            with TCP4.peer(endpoint) as sock, other:
                sock.sendall(b"ping")
                await until(lambda: fresh(reader).sockets == 3)
                await asyncio.sleep(0.02)  # it may ask for room: nothing tells
                disk.let(1 << 40)
                assert await asyncio.to_thread(read_exactly, sock, 4) == b"ping"
                assert await sending == 1 << 20
                draining.join()

    with_workbench(capture, main)


@each_loop
def test_greedy_ones_do_not_starve_a_carried_one(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow disk, where some wait for room all the time."""
    write = os.pwrite

    def slow(fd: int, data: bytes, at: int) -> int:
        threading.Event().wait(0.005)
        return write(fd, data[:65536], at)

    monkeypatch.setattr(os, "pwrite", slow)
    over = threading.Event()

    def drain(port: int) -> None:
        with peer(port) as sock:
            while not over.is_set():
                sock.recv(1 << 18)

    def talk(endpoint: Endpoint) -> None:
        with TCP4.peer(endpoint) as sock:
            for _ in range(10):
                sock.sendall(b"e" * 1000)
                assert read_exactly(sock, 1000) == b"e" * 1000

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, TCP4, capture)
        number, _ = await workbench.listen(TCP4.anywhere(capture), SERVICES["chargen"].make("", no_dial), "chargen")
        with Reader(capture) as reader:
            port = Endpoint.at("tcp", reader.socket(number).local).port
            threads = [threading.Thread(target=drain, args=(port,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            try:
                await until(lambda: reader.stalls)
                await asyncio.to_thread(talk, endpoint)
            finally:
                over.set()
                while any(thread.is_alive() for thread in threads):
                    await asyncio.sleep(0.005)

    with_workbench(capture, main)


@each_loop
def test_a_verb_for_one_that_waits_for_the_disk(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, TCP4, capture)
        with Reader(capture) as reader, TCP4.peer(endpoint) as sock:
            sock.setblocking(False)
            said = heard = 0
            while not reader.stalls:
                with contextlib.suppress(BlockingIOError):
                    said += sock.send(b"x" * 50_000)
                with contextlib.suppress(BlockingIOError):
                    heard += len(sock.recv(1 << 18))
                await asyncio.sleep(0)
            sock.setblocking(True)
            typing = asyncio.create_task(workbench.send(2, b"typed"))
            await asyncio.sleep(0)
            disk.let(1 << 40)
            answer = await asyncio.to_thread(read_exactly, sock, said + 5 - heard)
            assert await typing == 5
            assert (answer.count(b"typed"), answer.count(b"x")) == (1, said - heard)

    with_workbench(capture, main)
    assert_chained(capture)


@each_loop
async def test_a_kill_loses_nothing_that_was_echoed(engine: Engine) -> None:
    endpoint = await TCP4.listen(engine)
    said = [bytearray() for _ in range(4)]
    enough = threading.Barrier(len(said) + 1, timeout=SECONDS)

    def talk(place: int) -> int:
        heard = 0
        with TCP4.peer(endpoint) as sock, contextlib.suppress(OSError):
            for turn in range(1 << 20):
                message = bytes([place]) + os.urandom(turn * 7 % 3000)
                said[place] += message
                sock.sendall(message)
                answer = read_exactly(sock, len(message))
                heard += len(answer)
                if turn == 200:
                    enough.wait()
                if len(answer) < len(message):
                    break
        return heard

    talks = [asyncio.create_task(asyncio.to_thread(talk, place)) for place in range(len(said))]
    await asyncio.to_thread(enough.wait)
    os.kill(engine.pid, signal.SIGKILL)
    heard = await asyncio.gather(*talks)
    await engine.gone.wait()
    for number in range(2, 2 + len(said)):
        received = carried(engine.capture, number, "recv")
        place = received[0]
        assert len(received) >= heard[place] > 100_000
        assert said[place].startswith(received)
        assert received.startswith(carried(engine.capture, number, "send"))
    assert_chained(engine.capture)


@each_loop
async def test_the_end_with_many_connections(engine: Engine) -> None:
    endpoint = await TCP4.listen(engine)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(TCP4.peer(endpoint)) for _ in range(300)]
        for sock in clients:
            sock.sendall(b"ping")
        for sock in clients:
            assert read_exactly(sock, 4) == b"ping"
        await engine.end()
        assert [sock.recv(1) for sock in clients] == [b""] * 300
    assert [socket.why for socket in all_sockets(engine.capture)] == ["closed here"] * 301
    closes = [call.socket for call in all_calls(engine.capture) if call.name is Function.CLOSE]
    assert sorted(closes) == list(range(1, 302))
