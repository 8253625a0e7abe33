"""A disk that is slower than the peers, or has no room: the engine waits, and goes on."""

import asyncio
import contextlib
import hashlib
import os
import socket as sockets
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from socktui.core.call import Function
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.core.service import RelayTo
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.journal import format
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services import SERVICES, no_dial
from tests.engine.families import Family, one_of_each_spoken
from tests.support import fresh, read_all, until


def with_workbench(capture: Path, main: Callable[[SocketTable, Journal], Coroutine[Any, Any, None]]) -> None:
    """Run `main` on an engine in this process, with a small ring."""
    poller = Poller()
    journal = Journal(capture, ring_size=1 << 19, floor=0)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[SocketTable]:
        workbench = SocketTable(poller, journal)
        try:
            yield workbench
        finally:
            await workbench.end()
            journal.close()

    async def run() -> None:
        async with opened() as workbench:
            await main(workbench, journal)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(run())


async def listening(workbench: SocketTable, family: Family, capture: Path) -> Endpoint:
    number, _ = await workbench.listen(
        family.anywhere(capture.parent), SERVICES["echo"].make("", no_dial), "echo", relay=RelayTo.ITSELF
    )
    with Reader(capture) as reader:
        return Endpoint.at(family.scheme, reader.socket(number).local)


def echoed(family: Family, endpoint: Endpoint, data: bytes) -> bytes:
    with family.peer(endpoint) as sock:

        def send() -> None:
            family.send_all(sock, data)
            sock.shutdown(sockets.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = read_all(sock)
        sender.join()
        return answer


@one_of_each_spoken
def test_a_slow_disk_slows_the_peers_and_loses_nothing(
    capture: Path, monkeypatch: pytest.MonkeyPatch, family: Family
) -> None:
    write = os.pwrite

    def slow(fd: int, data: bytes, at: int) -> int:
        time.sleep(0.01)
        return write(fd, data[:65536], at)

    monkeypatch.setattr(os, "pwrite", slow)
    data = os.urandom(1 << 20 >> len(SCHEMES[family.scheme].layers))

    async def main(workbench: SocketTable, _: Journal) -> None:
        endpoint = await listening(workbench, family, capture)
        answers = await asyncio.gather(*(asyncio.to_thread(echoed, family, endpoint, data) for _ in range(3)))
        assert [hashlib.sha256(answer).digest() for answer in answers] == [hashlib.sha256(data).digest()] * 3

    with_workbench(capture, main)
    with Reader(capture) as reader:
        assert reader.stalls > 0
        assert reader.health.whole
    for number in (2, 3, 4):
        assert family.received(capture, number) == data


@one_of_each_spoken
def test_who_closes_while_the_disk_is_behind_is_let_go(
    capture: Path, monkeypatch: pytest.MonkeyPatch, family: Family
) -> None:
    release = threading.Event()
    write = os.pwrite

    def stuck(fd: int, data: bytes, at: int) -> int:
        release.wait(30)
        return write(fd, data, at)

    monkeypatch.setattr(os, "pwrite", stuck)

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, family, capture)
        with contextlib.ExitStack() as stack, Reader(capture) as reader:
            sock = await asyncio.to_thread(stack.enter_context, family.peer(endpoint))
            sock.setblocking(False)
            while not reader.stalls:
                with contextlib.suppress(BlockingIOError):
                    sock.send(b"x" * 50_000)
                with contextlib.suppress(BlockingIOError):
                    sock.recv(1 << 18)
                await asyncio.sleep(0)
            await workbench.close(2)
            assert fresh(reader).socket(2).ended
        release.set()
        await until(lambda: journal.heap.drained == journal.heap.head)
        assert await asyncio.to_thread(echoed, family, endpoint, b"still there") == b"still there"

    with_workbench(capture, main)


@one_of_each_spoken
def test_no_room_for_another_socket(capture: Path, monkeypatch: pytest.MonkeyPatch, family: Family) -> None:
    """Who comes then waits in the kernel's queue, and is served when there is room."""
    made: list[int] = []

    async def main(workbench: SocketTable, journal: Journal) -> None:
        endpoint = await listening(workbench, family, capture)
        while journal.next_socket * format.SLOT_SIZE <= journal._slots.size:
            journal.entry()
        made.append(journal.next_socket)
        grow = journal._slots.grow
        refused = asyncio.Event()

        def full() -> None:
            refused.set()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(journal._slots, "grow", full)
        answer = asyncio.create_task(asyncio.to_thread(echoed, family, endpoint, b"patience"))
        await refused.wait()
        monkeypatch.setattr(journal._slots, "grow", grow)
        assert await answer == b"patience"

    with_workbench(capture, main)
    with Reader(capture) as reader:
        accepts = [reader.call(seq) for seq in range(reader.count) if reader.call(seq).name is Function.ACCEPT]
    assert [(call.made, call.failed) for call in accepts] == [(made[0], False)]
