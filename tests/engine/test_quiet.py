"""An engine that has nothing to do does nothing, however its peers behave."""

import asyncio
import contextlib
import resource
import socket as sockets
import struct
import time

import pytest

from socktui.control.client import Engine
from socktui.core.call import Function
from socktui.journal.reader import Reader
from tests.engine.families import (
    PACKETS,
    PIECE,
    TCP4,
    TELNET,
    TLS,
    UNIX,
    WS,
    WSS,
    Family,
    one_of_each,
    one_of_each_spoken,
    over,
)
from tests.loops import PURE
from tests.support import all_calls, cpu_seconds, fresh, listening, peer, read_exactly, until

SPAN = 0.6
BUSY = 0.2


async def check_quiet(engine: Engine) -> None:
    """Little processor time is used: in the best of three spans, since the machine may be busy starting others."""
    used = []
    for _ in range(3):
        before = cpu_seconds(engine.pid)
        await asyncio.sleep(SPAN / 3)
        used.append((cpu_seconds(engine.pid) - before) / (SPAN / 3))
    assert min(used) < BUSY, used


@one_of_each
async def test_with_no_peer(engine: Engine, family: Family) -> None:
    await family.listen(engine)
    await check_quiet(engine)


@one_of_each_spoken
async def test_with_idle_peers(engine: Engine, family: Family) -> None:
    with contextlib.ExitStack() as stack:
        for service in ("manual", "clogged"):
            sock = stack.enter_context(family.peer(await family.listen(engine, service)))
            sock.sendall(b"hello")
        await check_quiet(engine)


@over(TCP4, UNIX, PACKETS, TLS, TELNET)
async def test_after_the_peers_fin(engine: Engine, family: Family) -> None:
    """A half-closed connection stays readable for epoll(7) for ever; nobody waits for that."""
    endpoint = await family.listen(engine, "manual")
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.shutdown(sockets.SHUT_WR)
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).why == "peer FIN")
        await check_quiet(engine)
        assert await engine.send([2], b"still here") == 10
        assert read_exactly(sock, 10) == b"still here"
        await check_quiet(engine)


async def test_after_the_peers_reset(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with Reader(engine.capture) as reader:
        with peer(port) as sock:
            sock.shutdown(sockets.SHUT_WR)
            await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).why == "peer FIN")
            sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        await until(lambda: reader.socket(2).ended)
    await check_quiet(engine)


@pytest.mark.parametrize(
    ("service", "family", "inner_loop"),
    [
        ("echo", TCP4, PURE),
        *(("chargen", family, "") for family in (TCP4, UNIX, TLS, TELNET)),
        *(("echo", family, "") for family in (TCP4, UNIX, PACKETS, TLS, WS, WSS, TELNET)),
    ],
    indirect=["inner_loop"],
    ids=lambda value: getattr(value, "name", value),
)
async def test_with_a_peer_that_never_reads(engine: Engine, family: Family, service: str) -> None:
    endpoint = await family.listen(engine, service)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while service == "echo":
                sock.send(b"x" * PIECE)
        stuck = 0
        sent = -1
        while stuck < 20:
            await asyncio.sleep(0.01)
            with contextlib.suppress(BlockingIOError):
                if service == "echo":
                    sock.send(b"x" * PIECE)
            now = reader.socket(2).sent if fresh(reader).sockets == 2 else 0
            stuck, sent = (stuck + 1, sent) if now == sent else (0, now)
        await check_quiet(engine)


@one_of_each
async def test_two_hundred_clients_and_sixty_four_descriptors(engine: Engine, family: Family) -> None:
    """None is lost: those that find no descriptor wait in the kernel's queue, and nobody spins or shouts."""
    endpoint = await family.listen(engine)
    resource.prlimit(engine.pid, resource.RLIMIT_NOFILE, (64, 64))
    with contextlib.ExitStack() as stack, Reader(engine.capture) as reader:
        clients = [stack.enter_context(family.peer(endpoint)) for _ in range(200)]
        for number, sock in enumerate(clients):
            sock.sendall(b"%d" % number)
        await until(lambda: fresh(reader).sockets > 30)
        began = time.monotonic()
        await check_quiet(engine)
        assert read_exactly(clients[0], 1) == b"0"
        served = 0
        for number, sock in enumerate(clients):
            wanted = b"%d" % number
            if number:
                assert await asyncio.to_thread(read_exactly, sock, len(wanted)) == wanted
            sock.close()
            served += 1
        assert served == 200
        seconds = time.monotonic() - began
        await until(lambda: fresh(reader).sockets == 201)
    refused = [call for call in all_calls(engine.capture) if call.name is Function.ACCEPT and call.failed]
    assert refused
    assert {call.errno for call in refused} == {24}  # EMFILE
    assert len(refused) <= 2 * (seconds + 2)


async def test_a_greedy_reader_of_chargen_starves_nobody(engine: Engine) -> None:
    greedy_port = await listening(engine, service="chargen")
    echo_port = await listening(engine)
    stop = False

    def drain() -> None:
        with peer(greedy_port) as sock:
            while not stop:
                sock.recv(1 << 18)

    def talk() -> list[float]:
        found = []
        with peer(echo_port) as sock:
            sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            for _ in range(200):
                began = time.monotonic()
                sock.sendall(b"ping")
                assert read_exactly(sock, 4) == b"ping"
                found.append(time.monotonic() - began)
        return found

    draining = asyncio.create_task(asyncio.to_thread(drain))
    try:
        times = sorted(await asyncio.to_thread(talk))
    finally:
        stop = True
        await draining
    assert times[len(times) // 2] < 0.05, times
