"""The loop in C and that in Python write the same capture of the same conversation, byte by byte."""

import asyncio
import contextlib
import os
import shutil
import socket as sockets
import struct
import sysconfig
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close, SetBuffer
from socktui.core.endpoint import Endpoint
from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Socket
from socktui.engine import fastpath
from socktui.engine.poller import READ, Poller
from socktui.engine.relay import Relay, Relayable, State
from socktui.engine.socket_table import SocketTable
from socktui.journal import format
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.engine.datagrams import assert_calls_tell_all, assert_calls_tell_it_all
from tests.engine.families import TCP6
from tests.engine.in_process import with_table
from tests.engine.namespaces import with_engine
from tests.engine.test_socket_table import tapped
from tests.engine.test_space import Disk
from tests.loops import LOOPS, choose, each_loop
from tests.support import (
    ENDING,
    SECONDS,
    all_sockets,
    carried,
    fresh,
    peer,
    read_exactly,
    running_engine,
    until,
    wait_until,
)

RST = struct.pack("ii", 1, 0)


def test_where_there_is_a_compiler_the_loop_is_compiled() -> None:
    """Else a build that fails would go unnoticed: the program works without it."""
    header = Path(sysconfig.get_paths()["include"], "Python.h")
    if not (shutil.which("gcc") and header.exists()):
        pytest.skip("there is no compiler")
    assert fastpath.COMPILED, "build it anew: pip install --no-build-isolation --no-deps -e ."


class Ignored:
    """A watcher that is never called: what it watches is the fast path's."""

    def ready(self, events: int) -> None: ...


class Talk:
    """A conversation in lock-step: nothing is said before what was said last has been recorded."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self.engine = engine
        self.reader = reader
        self.ports: list[int] = []
        self.clients = contextlib.ExitStack()

    async def listen(
        self, endpoint: str, service: str = "echo", buffer: int = BUFFER_SIZE
    ) -> tuple[int, tuple[str, int]]:
        """A listener's number, and where it is."""
        number = await self.engine.listen(Endpoint.parse(endpoint), service, buffer=buffer)
        self.reader.refresh()
        local = Endpoint.at("tcp", self.reader.socket(number).local)
        self.ports.append(local.port)
        return number, (local.host, local.port)

    async def connect(self, address: tuple[str, int]) -> tuple[int, sockets.socket]:
        """A plain client, and the number of the connection in the engine."""
        before = fresh(self.reader).sockets
        sock = self.clients.enter_context(sockets.create_connection(address, SECONDS))
        self.ports.append(sock.getsockname()[1])
        await until(lambda: fresh(self.reader).sockets > before and self.reader.socket(before + 1).calls)
        return before + 1, sock

    async def echoed(self, number: int, sock: sockets.socket, data: bytes) -> None:
        before = fresh(self.reader).socket(number).sent
        sock.sendall(data)
        assert read_exactly(sock, len(data)) == data
        await until(lambda: fresh(self.reader).socket(number).sent == before + len(data))

    async def ended(self, number: int) -> None:
        await until(lambda: not fresh(self.reader).open(number))


async def everything(talk: Talk) -> None:
    """What can happen to connections that are carried."""
    call = talk.engine.request
    echo, at = await talk.listen("tcp://127.0.0.1:0")
    _, discarding = await talk.listen("tcp://[::1]:0", "discard")
    _, slowly = await talk.listen("tcp://127.0.0.1:0", buffer=20)
    (one, first), (two, second), (three, third) = [await talk.connect(at) for _ in range(3)]
    for size in (1, 13, 1000, 15000):
        for number, sock in ((one, first), (two, second), (three, third)):
            await talk.echoed(number, sock, b"x" * size)
    four, fourth = await talk.connect(discarding)
    fourth.sendall(b"y" * 500)
    await until(lambda: fresh(talk.reader).socket(four).received == 500)
    fourth.shutdown(sockets.SHUT_WR)
    assert fourth.recv(1) == b""
    await talk.ended(four)
    five, fifth = await talk.connect(slowly)
    await talk.echoed(five, fifth, b"z" * 130)
    assert await talk.engine.send([one], b"typed") == 5
    assert read_exactly(first, 5) == b"typed"
    await talk.echoed(one, first, b"and on")
    await call(SetBuffer(echo, 7))
    await talk.echoed(two, second, b"a" * 30)
    await call(SetBuffer(three, 11))
    await talk.echoed(three, third, b"b" * 30)
    await call(Close(echo))
    await talk.echoed(two, second, b"still here")
    second.shutdown(sockets.SHUT_WR)
    await talk.ended(two)
    third.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, RST)
    third.close()
    await talk.ended(three)
    for verb in ("close", "reset", "shutdown"):
        number, sock = await talk.connect(slowly)
        await talk.echoed(number, sock, b"c" * 50)
        await call(ENDING[verb](number))
        sock.close()
        await talk.ended(number)
    for number, sock in ((one, first), (five, fifth)):
        sock.close()
        await talk.ended(number)
    for _ in range(3):
        await talk.echoed(*await talk.connect(slowly), b"to the end")


def normal(data: bytes, ports: list[int]) -> bytes:
    """Bytes of the heap without ports, which differ from run to run. Nobody says a digit in the conversation."""
    for port in ports:
        data = data.replace(b"%d" % port, b"P" * len(str(port)))
    return data


def records(calls: bytes) -> list[tuple[object, ...]]:
    """All records but for their times."""
    end = format.HEADER_SIZE + format.U64.unpack_from(calls, format.COUNT_AT)[0] * format.RECORD_SIZE
    fields = format.RECORD.iter_unpack(calls[format.HEADER_SIZE : end])
    return [(*values[1:7], *values[8:]) for values in fields]


def slots(data: bytes) -> list[tuple[object, ...]]:
    """All slots but for their times."""
    found = []
    for at in range(0, len(data), format.SLOT_SIZE):
        last, calls, again, _, _, *moved = format.SLOT_HOT.unpack_from(data, at)
        *cold, _, _, names_at = format.SLOT_COLD.unpack_from(data, at + format.SLOT_COLD_AT)
        found.append((last, calls, again, *moved, *cold, names_at))
    return found


async def test_both_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for loop in LOOPS:
        choose(loop, monkeypatch)
        async with running_engine(tmp_path / f"{loop}.socktui") as engine:
            with Reader(engine.capture) as reader:
                talk = Talk(engine, reader)
                with talk.clients:
                    await everything(talk)
                    await engine.end()
        calls, sockets_, heap = ((engine.capture / name).read_bytes() for name in ("calls", "sockets", "heap"))
        written.append((records(calls), slots(sockets_), normal(heap, talk.ports)))
        assert_calls_tell_it_all(engine)
    for one, other in zip(*written, strict=True):
        assert one == other


def assert_chained(capture: Path) -> int:
    """The chain of every socket's calls is as Entry makes it, and no byte is missing; how many calls there are."""
    with Reader(capture) as reader:
        entries = [Entry(Socket(number)) for number in range(1, reader.sockets + 1)]
        for seq in range(reader.count):
            prev, jump, nth, number = reader._records.record(seq)[3:7]
            entry, call = entries[number - 1], reader.call(seq)
            socket = entry.socket
            wanted = (socket.last if socket.calls else seq, entry.link(seq), socket.calls)
            assert (prev, jump, nth) == wanted, (number, seq)
            if (call.receives or call.sends) and not reader.health.lost_calls:
                assert call.offset == (socket.received if call.receives else socket.sent), (number, seq)
            socket.apply(call)
        return reader.count


@each_loop
async def test_ten_thousand_round_trips_are_chained(engine: Engine) -> None:
    at = Endpoint.parse("tcp://127.0.0.1:0")
    number = await engine.listen(at)
    with Reader(engine.capture) as reader:
        port = Endpoint.at("tcp", reader.socket(number).local).port
    with peer(port) as sock:
        sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        for _ in range(10_000):
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
        await engine.send([2], b"and a few by Python")
    await engine.end()
    assert assert_chained(engine.capture) > 20_000


@each_loop
@pytest.mark.parametrize("service", ["echo", "discard"])
async def test_many_at_once(engine: Engine, service: str) -> None:
    """Pieces of any size, in both directions at once, by readers that are late."""
    endpoint = await TCP6.listen(engine, service)
    said = [os.urandom(size) for size in (1, 20, 1000, 65_536, 65_537, 300_000)]

    async def talk(data: bytes) -> None:
        with TCP6.peer(endpoint) as sock:
            await asyncio.to_thread(sock.sendall, data * 4)
            if service == "echo":
                assert await asyncio.to_thread(read_exactly, sock, 4 * len(data)) == data * 4
            sock.shutdown(sockets.SHUT_WR)
            assert await asyncio.to_thread(sock.recv, 1) == b""

    await asyncio.gather(*map(talk, said))
    await engine.end()
    numbers = range(2, len(said) + 2)
    received = {number: carried(engine.capture, number, "recv") for number in numbers}
    assert sorted(received.values()) == sorted(data * 4 for data in said)
    assert service == "discard" or all(carried(engine.capture, n, "send") == received[n] for n in numbers)
    assert_chained(engine.capture)
    assert_calls_tell_it_all(engine)


@each_loop
def test_a_link_local_peer_has_its_interface(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        await engine.listen(Endpoint.parse("tcp://[fe80::1%d0]:0"))
        at = Endpoint.at("tcp", fresh(reader).socket(1).local)
        with peer(at.port, "fe80::1%d0") as sock:
            port = sock.getsockname()[1]
            await until(lambda: fresh(reader).sockets == 2)
            accept = reader.call(reader.socket(2).first)
            assert (accept.answer, reader.socket(2).peer) == (["fe80::1%d0", port], f"[fe80::1%d0]:{port}")

    setup = (
        "link add d0 type veth peer name d1",
        "link set d1 up",
        "addr add fe80::1/64 dev d0 nodad",
        "link set d0 up",
    )
    with_engine(capture, body, setup=setup)


@pytest.mark.skipif(not fastpath.COMPILED, reason="there was no compiler when the program was installed")
def test_what_the_loop_in_c_refuses(capture: Path) -> None:
    from socktui.engine._fastpath import Mover

    journal = Journal(capture, ring_size=1 << 18, floor=0)
    with contextlib.closing(Poller()) as poller:
        mover = Mover(poller.fileno(), *journal.maps, 1000)
        mover.listen(1000, 1, 20, True, b"a" * 1000, b"b" * 24)
        for fd, before in ((1000, b"a" * 1025), (-1, b"")):
            with pytest.raises(ValueError, match=r"names are too long|no such descriptor"):
                mover.listen(fd, 1, 20, True, before, b"")
        for fd in (-1, 999, 1_000_000_000):
            with pytest.raises(ValueError, match="no such listener"):
                mover.stop(fd)
        mover.stop(1000)
        assert mover.poll(0, False) == ([], False)
        assert mover.reap() == ([], [], False)
        assert not mover.take(1)
        journal.close()
        with pytest.raises(ValueError, match="closed"):
            mover.poll(0, False)


@pytest.mark.skipif(not fastpath.COMPILED, reason="there was no compiler when the program was installed")
def test_its_turn_comes_though_others_wait(capture: Path) -> None:
    """Who waits for the disk behind others is not sent to the end of the queue when it is his turn."""
    from socktui.engine._fastpath import Mover

    journal = Journal(capture, ring_size=1 << 18, floor=0)
    journal.entry(service="echo")
    with contextlib.closing(Poller()) as poller, sockets.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        poller.watch(server.fileno(), READ, Ignored())
        mover = Mover(poller.fileno(), *journal.maps, 1000)
        mover.listen(server.fileno(), 1, 20, True, b"{", b"}")
        with peer(server.getsockname()[1]) as sock:
            sock.sendall(b"ping")
            wait_until(lambda: mover.poll(0.01, True) and mover.reap()[2])
            assert mover.poll(0.01, True) == ([], False)
            mover.feed()
            wait_until(lambda: mover.poll(0.01, True)[1])
            assert read_exactly(sock, 4) == b"ping"
            sock.sendall(b"ping")
            wait_until(lambda: mover.poll(0.01, True) and mover.reap()[2])
            assert mover.take(0)
            ((fd, *_),) = mover.reap()[1]
            os.close(fd)
    journal.close()


def relays_of(table: SocketTable, number: int) -> tuple[Relay, ...]:
    connection = table._residents[number].connection
    assert isinstance(connection, Relayable)
    return connection.relays


@pytest.mark.skipif(not fastpath.COMPILED, reason="there was no compiler when the program was installed")
@pytest.mark.parametrize("needed", ["send", "buffer", "shutdown", "reset"])
def test_two_sockets_are_relayed_without_python_until_it_is_needed(capture: Path, needed: str) -> None:
    """A tap has it for nothing: both directions are lent to C together, and come back together."""

    async def main(table: SocketTable) -> None:
        async with tapped(table, capture) as (tap, port, target):
            with peer(port) as client:
                server, _ = await asyncio.to_thread(target.accept)
                server.settimeout(SECONDS)
                with server:
                    for sock, other in ((client, server), (server, client)):
                        sock.sendall(b"x" * 1000)
                        assert await asyncio.to_thread(read_exactly, other, 1000) == b"x" * 1000
                    assert {relay.state for relay in relays_of(table, 3)} == {State.LENT}
                    stuck = asyncio.create_task(asyncio.to_thread(client.sendall, b"y" * (24 << 20)))
                    await until(lambda: all_sockets(capture)[2].sent > 200_000)
                    await asyncio.sleep(0.05)
                    assert {relay.state for relay in relays_of(table, 3)} == {State.LENT}
                    match needed:
                        case "send":
                            sending = asyncio.create_task(table.send(3, b"typed"))
                        case "buffer":
                            table.set_buffer(3, 100)
                        case "shutdown":
                            await table.shutdown(2)
                        case "reset":
                            await table.reset(3)
                    if needed == "reset":
                        with pytest.raises(OSError, match=r"reset|pipe"):
                            await stuck
                        return
                    await until(lambda: State.LENT not in {relay.state for relay in relays_of(table, 3)})
                    size = (24 << 20) + (5 if needed == "send" else 0)
                    data = await asyncio.to_thread(read_exactly, server, size)
                    assert data.replace(b"typed", b"") == b"y" * (24 << 20)
                    await stuck
                    if needed == "send":
                        await sending
                    assert tap.failures == []

    with_table(capture, main)
    assert_calls_tell_all(capture)
    assert_chained(capture)


@pytest.mark.skipif(not fastpath.COMPILED, reason="there was no compiler when the program was installed")
def test_the_disk_makes_lent_relays_wait_and_nothing_is_lost(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    data = os.urandom(6 << 20)

    async def main(table: SocketTable) -> None:
        async with tapped(table, capture) as (_, port, target):
            with peer(port) as client:
                server, _ = await asyncio.to_thread(target.accept)
                server.settimeout(SECONDS)
                with server:
                    sending = asyncio.create_task(asyncio.to_thread(client.sendall, data))
                    reading = asyncio.create_task(asyncio.to_thread(read_exactly, server, len(data)))
                    await asyncio.sleep(0.1)
                    assert not reading.done()
                    disk.let(1 << 40)
                    assert await reading == data
                    await sending

    try:
        with_table(capture, main, ring_size=1 << 20)
    finally:
        disk.let(1 << 40)
    assert carried(capture, 2, "recv") == carried(capture, 3, "send") == data
    assert_chained(capture)
