"""The table of sockets: connections that services dial, and who owns what."""

import asyncio
import os
import socket as sockets
import struct
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from socktui.core.connection import ClosedHereError, Connection, RelayError
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role
from socktui.engine.socket_table import NoSuchSocket, SocketTable
from socktui.journal.reader import Reader
from tests.engine.datagrams import assert_calls_tell_all
from tests.engine.in_process import with_table
from tests.loops import each_loop
from tests.support import SECONDS, all_sockets, carried, fresh, peer, read_all, read_exactly, until

ANY = Endpoint.parse("tcp://127.0.0.1:0")


def local(capture: Path, number: int) -> Endpoint:
    with Reader(capture) as reader:
        return Endpoint.at("tcp", reader.socket(number).local)


class Tap:
    """A service that dials a target for every connection, and relays both ways with half-close.

    failures  the relay errors that it has met, with whether each was the client's
    """

    def __init__(self, table: SocketTable, target: Endpoint) -> None:
        self._table = table
        self._target = target
        self.failures: list[tuple[str, int | None]] = []
        self.dialed: list[Connection] = []

    async def serve(self, client: Connection) -> None:
        server = await self._table.dial(self._target)
        self.dialed.append(server)

        async def one_way(source: Connection, sink: Connection) -> None:
            try:
                await source.relay(sink)
                await sink.shutdown()
            except RelayError as error:
                self.failures.append(("client" if error.connection is client else "server", error.errno))
                (server if error.connection is client else client).reset()

        async with asyncio.TaskGroup() as group:
            group.create_task(one_way(client, server))
            group.create_task(one_way(server, client))


@asynccontextmanager
async def tapped(table: SocketTable, capture: Path) -> AsyncIterator[tuple[Tap, int, sockets.socket]]:
    """A tap before a plain server's listening socket: it, the port to connect to, and the listening socket."""
    with sockets.create_server(("127.0.0.1", 0)) as target:
        target.settimeout(SECONDS)
        tap = Tap(table, Endpoint("tcp", *target.getsockname()[:2]))
        number, _ = await table.listen(ANY, tap.serve, "tap")
        yield tap, local(capture, number).port, target


def with_tap(
    capture: Path, talk: Callable[[sockets.socket, sockets.socket], None]
) -> Callable[[SocketTable], Coroutine[Any, Any, None]]:
    """A talk of a client with a server, plain sockets both, through a tap; afterwards both are closed there."""

    async def main(table: SocketTable) -> None:
        async with tapped(table, capture) as (_, port, target):

            def both() -> None:
                with peer(port) as client:
                    server, _ = target.accept()
                    server.settimeout(SECONDS)
                    with server:
                        talk(client, server)

            await asyncio.to_thread(both)
            with Reader(capture) as reader:
                await until(lambda: all(fresh(reader).socket(number).ended for number in (2, 3)))

    return main


def send_all(sock: sockets.socket, data: bytes) -> None:
    """And then a FIN."""
    sock.sendall(data)
    sock.shutdown(sockets.SHUT_WR)


@each_loop
def test_bytes_pass_both_ways_and_are_recorded_on_both_legs(capture: Path) -> None:
    there, back = os.urandom(3 << 20), os.urandom(2 << 20)

    def talk(client: sockets.socket, server: sockets.socket) -> None:
        sending = [threading.Thread(target=send_all, args=args) for args in ((client, there), (server, back))]
        heard: list[bytes] = []
        hearing = threading.Thread(target=lambda: heard.append(read_all(client)))
        for thread in (*sending, hearing):
            thread.start()
        assert read_all(server) == there
        for thread in (*sending, hearing):
            thread.join()
        assert heard == [back]

    with_table(capture, with_tap(capture, talk))
    assert carried(capture, 2, "recv") == carried(capture, 3, "send") == there
    assert carried(capture, 3, "recv") == carried(capture, 2, "send") == back
    _, client, server = all_sockets(capture)
    assert (client.role, client.parent, server.role, server.parent) == (Role.ACCEPTED, 1, Role.CLIENT, 0)
    assert_calls_tell_all(capture)


@each_loop
def test_a_reply_that_comes_after_a_half_close_is_delivered(capture: Path) -> None:
    def talk(client: sockets.socket, server: sockets.socket) -> None:
        client.sendall(b"request")
        client.shutdown(sockets.SHUT_WR)
        assert read_all(server) == b"request"
        server.sendall(b"a late reply")
        server.close()
        assert read_all(client) == b"a late reply"

    with_table(capture, with_tap(capture, talk))


@each_loop
@pytest.mark.parametrize("whose", ["client", "server"])
def test_a_reset_is_told_as_whose_it_was(capture: Path, whose: str) -> None:
    async def main(table: SocketTable) -> None:
        async with tapped(table, capture) as (tap, port, target):
            with peer(port) as client:
                server, _ = await asyncio.to_thread(target.accept)
                server.settimeout(SECONDS)
                client.sendall(b"ping")
                assert await asyncio.to_thread(read_exactly, server, 4) == b"ping"
                gone, left = (client, server) if whose == "client" else (server, client)
                gone.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
                gone.close()
                await until(lambda: tap.failures)
                assert tap.failures[0] == (whose, 104)
                with pytest.raises(ConnectionResetError):
                    await asyncio.to_thread(left.recv, 1)
                left.close()

    with_table(capture, main)
    assert [socket.end for socket in all_sockets(capture)[1:]].count(End.PEER_RESET) == 1


@each_loop
def test_a_dialed_connection_is_a_resident_like_any_other(capture: Path) -> None:
    """Seen, typed into from the side, and closed by a verb, which its service is told."""

    async def main(table: SocketTable) -> None:
        async with tapped(table, capture) as (tap, port, target):
            with peer(port) as client:
                server, _ = await asyncio.to_thread(target.accept)
                server.settimeout(SECONDS)
                client.sendall(b"ping")
                assert await asyncio.to_thread(read_exactly, server, 4) == b"ping"
                number = tap.dialed[0].number
                assert await table.send(number, b"injected") == 8
                assert await asyncio.to_thread(read_exactly, server, 8) == b"injected"
                client.sendall(b"and on")
                assert await asyncio.to_thread(read_exactly, server, 6) == b"and on"
                server.sendall(b"both ways")
                assert await asyncio.to_thread(read_exactly, client, 9) == b"both ways"
                table.set_buffer(number, 5)
                server.sendall(b"0123456789")
                assert await asyncio.to_thread(read_exactly, client, 10) == b"0123456789"
                await table.close(number)
                assert tap.dialed[0].closed
                await until(lambda: tap.failures)
                assert {failure[0] for failure in tap.failures} == {"server"}
                with pytest.raises(NoSuchSocket):
                    await table.send(number, b"x")
                assert await asyncio.to_thread(read_all, server) == b""
                server.close()

    with_table(capture, main)
    with Reader(capture) as reader:
        sizes = {reader.call(seq).size for seq in range(reader.count) if reader.call(seq).receives}
    assert 5 in sizes


@each_loop
def test_a_dialed_connection_ends_with_its_task(capture: Path) -> None:
    async def main(table: SocketTable) -> None:
        with sockets.create_server(("127.0.0.1", 0)) as target:
            where = Endpoint("tcp", *target.getsockname()[:2])
            dialed: list[Connection] = []

            async def service(connection: Connection) -> None:
                dialed.append(await table.dial(where))
                await connection.recv()

            number, _ = await table.listen(ANY, service, "dials")
            with peer(local(capture, number).port) as client:
                await until(lambda: dialed)
                assert not dialed[0].closed
                client.sendall(b"enough")
                await until(lambda: dialed[0].closed)
            with pytest.raises(NoSuchSocket):
                await table.send(dialed[0].number, b"x")

    with_table(capture, main)


def test_a_dial_that_fails_is_the_services_to_handle(capture: Path) -> None:
    async def main(table: SocketTable) -> None:
        with sockets.create_server(("127.0.0.1", 0)) as nobody:
            where = Endpoint("tcp", *nobody.getsockname()[:2])

        async def service(connection: Connection) -> None:
            try:
                await table.dial(where)
            except ConnectionRefusedError:
                await connection.send(b"refused")

        number, _ = await table.listen(ANY, service, "dials")
        with peer(local(capture, number).port) as client:
            assert await asyncio.to_thread(read_all, client) == b"refused"

    with_table(capture, main)


def test_a_verb_that_waits_is_told_of_a_close(capture: Path) -> None:
    async def main(table: SocketTable) -> None:
        async def service(connection: Connection) -> None:
            await connection.wait_closed()

        number, _ = await table.listen(ANY, service, "deaf")
        with peer(local(capture, number).port):
            await until(lambda: len(all_sockets(capture)) == 2)
            sending = asyncio.create_task(table.send(2, bytes(64 << 20)))
            await until(lambda: all_sockets(capture)[1].sent > 100_000)
            await table.close(2)
            with pytest.raises(ClosedHereError):
                await sending
            assert not sending.cancelled()

    with_table(capture, main)


def test_asyncio_works_in_a_service(capture: Path) -> None:
    """timeout, TaskGroup, gather, queues and events: a service is a task."""

    async def main(table: SocketTable) -> None:
        async def service(connection: Connection) -> None:
            queue: asyncio.Queue[bytes] = asyncio.Queue()
            event = asyncio.Event()

            async def answer() -> None:
                await event.wait()
                await connection.send(await queue.get())

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await connection.recv()
            async with asyncio.TaskGroup() as group:
                group.create_task(answer())
                queue.put_nowait(await connection.recv() or b"")
                event.set()
            await asyncio.gather(connection.send(b"!"), asyncio.sleep(0))

        number, _ = await table.listen(ANY, service, "tasks")
        with peer(local(capture, number).port) as client:
            await asyncio.sleep(0.05)
            client.sendall(b"asyncio")
            assert await asyncio.to_thread(read_all, client) == b"asyncio!"

    with_table(capture, main)


def test_a_service_with_a_bug_is_written_down_and_ends_its_connection_only(
    capture: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(table: SocketTable) -> None:
        async def service(connection: Connection) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(connection.recv())
                raise ZeroDivisionError

        number, _ = await table.listen(ANY, service, "bug")
        port = local(capture, number).port
        for _ in range(2):
            with peer(port) as client:
                assert await asyncio.to_thread(client.recv, 1) == b""

    with_table(capture, main)
    assert caplog.messages == ["the service of socket 2 failed", "the service of socket 3 failed"]
    assert all("ZeroDivisionError" in str(record.exc_info) for record in caplog.records)
