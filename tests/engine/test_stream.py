"""Servers and clients on real sockets: bytes, FIN, RST, and what the capture says of them."""

import asyncio
import contextlib
import os
import socket as sockets
import struct
import threading
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Reset, Send, SendFile, SetBuffer, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from socktui.journal.reader import Reader
from tests.engine.families import (
    TCP4,
    Family,
    every_connection,
    every_half_close,
    every_reset,
    every_stream,
    one_of_each_spoken,
)
from tests.loops import each_loop
from tests.support import (
    all_calls,
    all_sockets,
    carried,
    cpu_seconds,
    fresh,
    read_all,
    read_exactly,
    resident_mib,
    until,
)

RST = struct.pack("ii", 1, 0)
MUCH = 20 << 20
MUCH_SPOKEN = 4 << 20
"""Bytes, and fewer where a protocol is spoken in Python at both ends."""


def reset(sock: sockets.socket) -> None:
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, RST)
    sock.close()


async def exchange(family: Family, endpoint: Endpoint, data: bytes) -> bytes:
    """Send everything and a FIN, and read to the end at the same time."""

    def talk() -> bytes:
        with family.peer(endpoint) as sock:

            def send() -> None:
                family.send_all(sock, data)
                sock.shutdown(sockets.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            answer = read_all(sock)
            sender.join()
            return answer

    return await asyncio.to_thread(talk)


@every_connection
async def test_what_is_sent_comes_back_and_is_captured(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock:
        for message in (b"Hello, World!", b"\0\x1b[31m\xff", b"x" * 3000):
            sock.sendall(message)
            assert read_exactly(sock, len(message)) == message
        sock.shutdown(sockets.SHUT_WR)
        assert sock.recv(1) == b""
    await until(lambda: not all_sockets(engine.capture)[1].open)
    await engine.end()
    assert family.received(engine.capture, 2) == b"Hello, World!\0\x1b[31m\xff" + b"x" * 3000
    assert family.sent(engine.capture, 2) == family.received(engine.capture, 2)
    listener, connection = all_sockets(engine.capture)
    assert (listener.role, listener.netid, listener.service) == (Role.LISTENER, endpoint.kind.netid, "echo")
    assert (connection.role, connection.parent, connection.end) == (Role.ACCEPTED, 1, End.PEER_FIN)
    wire = [len(carried(engine.capture, 2, name)) for name in ("recv", "send")]
    assert [connection.received, connection.sent] == wire
    assert endpoint.kind.layers or wire == [3020, 3020]
    assert connection.local == listener.local == endpoint.authority
    if family.internet:
        assert Endpoint.at(family.scheme, connection.peer).host == family.host
    else:
        assert f"(pid {os.getpid()}, " in connection.who


@every_connection
async def test_a_last_word_cuts_nothing_off(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    sizes = (1, MUCH_SPOKEN if endpoint.kind.layers else MUCH)
    said = [os.urandom(size) for size in sizes]
    for data in said:
        assert same(await exchange(family, endpoint, data), data)
    await engine.end()
    for number, data in enumerate(said, 2):
        assert same(family.received(engine.capture, number), data)
        assert same(family.sent(engine.capture, number), data)


def same(one: bytes, other: bytes) -> bool:
    """As one bit: pytest would show how megabytes differ."""
    return one == other


@every_stream
async def test_the_buffer_of_the_lecture(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine, buffer=20)
    data = bytes(range(50))
    assert await exchange(family, endpoint, data) == data
    await engine.end()
    received = [call for call in all_calls(engine.capture) if call.receives]
    assert received[-1].eof
    clear = [call for call in received if str(call.name) == family.names[0]]
    assert {call.size for call in clear} == {20}
    assert sum(call.length for call in clear) == 50


@each_loop
async def test_a_buffer_is_changed_while_it_is_used(engine: Engine) -> None:
    number = await engine.listen(Endpoint.parse(":0"))
    port = port_of(engine, number)
    with sockets.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"x" * 30)
        assert len(read_exactly(sock, 30)) == 30
        await engine.request(SetBuffer(number, 7))
        sock.sendall(b"y" * 30)
        assert len(read_exactly(sock, 30)) == 30
    for size in (0, -1, 1 << 30):
        with pytest.raises(VerbError, match="its size has to be a whole number from 1 to 1048576, not"):
            await engine.request(SetBuffer(number, size))
    await engine.end()
    sizes = [call.size for call in all_calls(engine.capture) if call.name is Function.RECV]
    assert sizes[0] == 65536
    assert sizes[-1] == 7


def port_of(engine: Engine, number: int) -> int:
    with Reader(engine.capture) as reader:
        return Endpoint.parse(reader.socket(number).local).port


@every_half_close
async def test_a_reply_after_the_peers_fin(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.server(tmp_path) as (server, endpoint), Reader(engine.capture) as reader:
        number, other = await family.met(engine, server, endpoint)
        with other:
            other.shutdown(sockets.SHUT_WR)
            await until(lambda: fresh(reader).socket(number).why == "peer FIN")
            assert await engine.send([number], b"late reply") == 10
            assert read_exactly(other, 10) == b"late reply"
            await engine.request(Shutdown(number))
            assert other.recv(1) == b""
            await until(lambda: reader.socket(number).ended)
            assert reader.socket(number).why == "peer FIN"


@every_half_close
async def test_what_the_peer_says_after_our_fin(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.server(tmp_path) as (server, endpoint), Reader(engine.capture) as reader:
        number, other = await family.met(engine, server, endpoint)
        with other:
            await engine.request(Shutdown(number))
            assert other.recv(1) == b""
            assert fresh(reader).socket(number).state is State.FIN_WAIT_2
            with pytest.raises(VerbError, match="EPIPE"):
                await engine.send([number], b"too late")
            other.sendall(b"I go on")
            await until(lambda: family.received(engine.capture, number) == b"I go on")
            assert reader.socket(number).open
            other.shutdown(sockets.SHUT_WR)
            await until(lambda: reader.socket(number).ended)
            assert reader.socket(number).why == "peer FIN"


@every_connection
async def test_what_ours_say_and_hear(engine: Engine, family: Family, tmp_path: Path) -> None:
    """By each way to send: bytes, again and again, and a file."""
    (tmp_path / "file").write_bytes(bytes(range(256)) * 30)
    with family.server(tmp_path) as (server, endpoint), Reader(engine.capture) as reader:
        number, other = await family.met(engine, server, endpoint)
        with other:
            assert await engine.send([number], b"Hello") == 5
            assert read_exactly(other, 5) == b"Hello"
            await engine.request(Send((number,), b"...", count=3, interval=1))
            assert read_exactly(other, 3) + read_exactly(other, 3) + read_exactly(other, 3) == b"." * 9
            assert (await engine.request(SendFile((number,), str(tmp_path / "file")))).size == 7680
            assert read_exactly(other, 7680) == (tmp_path / "file").read_bytes()
            other.sendall(b"World")
            await until(lambda: family.received(engine.capture, number) == b"World")
            closing = asyncio.create_task(engine.request(Close(number)))
            assert await asyncio.to_thread(other.recv, 1) == b""
        await closing
        socket = fresh(reader).socket(number)
        assert (socket.open, socket.role) == (False, Role.CLIENT)
        assert socket.end in (End.CLOSED, End.PEER_FIN)
    assert family.sent(engine.capture, number).startswith(b"Hello.........\0\1\2")


@every_connection
async def test_closed_while_data_waits(engine: Engine, family: Family) -> None:
    """Whoever sends is told; the peer gets what the kernel took, and then the end."""
    endpoint = await family.listen(engine, "manual")
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        pending = engine.begin(Send((2,), b"x" * 50_000, count=1000))[1]
        await until(lambda: fresh(reader).socket(2).sent > 100_000)
        await engine.request(Close(2))
        with pytest.raises(VerbError, match=r"ECONNABORTED|EPIPE|no open connection|nothing may follow"):
            await pending
        assert reader.socket(2).ended
        with contextlib.suppress(EOFError):  # a goodbye that had no room
            assert len(read_all(sock)) > 10_000


@every_reset
async def test_a_reset_is_a_reset(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine, "manual")
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        await engine.request(Reset(2))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        assert reader.socket(2).why == "RST sent"
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 3)
        reset(sock)
        await until(lambda: reader.socket(3).ended)
        assert reader.socket(3).why == "peer RST (ECONNRESET)"


@every_reset
async def test_peers_that_reset_in_the_middle_disturb_nobody(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as steady:
        for _ in range(50):
            with family.peer(endpoint) as sock:
                sock.sendall(b"x" * 100_000)
                reset(sock)
            steady.sendall(b"ping")
            assert read_exactly(steady, 4) == b"ping"
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 52 and all(reader.socket(n).ended for n in range(2, 53)))
        reader.refresh()
        assert {reader.socket(n).end for n in range(3, 53)} <= {End.PEER_RESET, End.FAILED}


@one_of_each_spoken
async def test_many_clients_at_once(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(family.peer(endpoint)) for _ in range(200)]
        for turn in range(3):
            for number, sock in enumerate(clients):
                sock.sendall(b"%d/%d" % (turn, number))
            for number, sock in enumerate(clients):
                wanted = b"%d/%d" % (turn, number)
                assert read_exactly(sock, len(wanted)) == wanted
    with Reader(engine.capture) as reader:
        await until(lambda: all(fresh(reader).socket(n).ended for n in range(2, 202)))


@every_connection
async def test_a_peer_that_never_reads_costs_little_and_slows_nobody(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as deaf, family.peer(endpoint) as other:
        before = resident_mib(engine.pid)
        deaf.setblocking(False)
        sent = 0
        quiet = 0
        while quiet < 20:
            try:
                sent += deaf.send(b"x" * 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                await asyncio.sleep(0.005)
        assert sent > 1 << 18
        used = cpu_seconds(engine.pid)
        for _ in range(100):
            other.sendall(b"ping")
            assert read_exactly(other, 4) == b"ping"
        await asyncio.sleep(0.3)
        assert cpu_seconds(engine.pid) - used < 0.2
        assert resident_mib(engine.pid) - before < 32


@each_loop
async def test_what_has_no_line_ends_is_as_good(engine: Engine) -> None:
    endpoint = await TCP4.listen(engine, "discard")
    with TCP4.peer(endpoint) as sock:
        for _ in range(64):
            await asyncio.to_thread(sock.sendall, b"x" * (1 << 20))
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).socket(2).ended)
        assert reader.socket(2).received == 64 << 20
        assert reader.health.whole
    assert resident_mib(engine.pid, "VmHWM") < 150


@every_stream
async def test_what_is_typed_is_not_mixed_into_what_is_echoed(engine: Engine, family: Family) -> None:
    """Two that send on one connection take turns: a message goes out in one piece."""
    endpoint = await family.listen(engine)
    typed = b"T" * 8_000_000  # more than the kernel takes at once
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        texts = [typed + b"%d" % n for n in range(3)]
        pending = [engine.begin(Send((2,), text))[1] for text in texts]
        await engine.request(SetBuffer(2, 65536))  # verbs begin in the order of asking
        await until(lambda: fresh(reader).socket(2).sent > 100_000)

        def talk() -> bytes:
            def send() -> None:
                for _ in range(200):
                    sock.sendall(b"e" * 1000)
                sock.shutdown(sockets.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            answer = read_all(sock)
            sender.join()
            return answer

        answer = await asyncio.to_thread(talk)
        assert [(await answer).size for answer in pending] == [8_000_001] * 3
    assert answer.count(b"e") == 200_000
    positions = [answer.index(typed + b"%d" % n) for n in range(3)]
    assert positions == sorted(positions)


@every_connection
async def test_goodbye(engine: Engine, family: Family) -> None:
    """At the end every peer is told, and the capture says so."""
    endpoint = await family.listen(engine, "manual")
    with family.peer(endpoint) as one, family.peer(endpoint) as two, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 3)
        await engine.end()
        assert one.recv(1) == two.recv(1) == b""
    assert [socket.why for socket in all_sockets(engine.capture)] == ["closed here"] * 3
    with Reader(engine.capture) as reader:
        assert reader.closed_in_order
        assert not reader.live
    assert not engine.capture.with_name(engine.capture.name + ".log").exists()
