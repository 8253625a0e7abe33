"""Peers that send more than anybody takes, and more peers than there is room for."""

import asyncio
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.call import Function
from socktui.core.connection import Connection
from socktui.core.endpoint import Endpoint
from socktui.core.service import ServiceFunction
from socktui.engine.datagrams import bound as datagram
from socktui.engine.datagrams.bound import AT_ONCE, DROPPED, IDLE, INBOX_BYTES, INBOX_COUNT
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from socktui.services.small import discard
from tests.engine.datagrams import KINDS, assert_calls_tell_it_all, calls_of
from tests.engine.in_process import with_table
from tests.support import fresh, resident_mib, until

UDP, _, UNIX = KINDS


async def test_what_nobody_takes_is_bounded_and_all_of_it_is_recorded(engine: Engine) -> None:
    where = await UDP.listen(engine, "clogged")
    with UDP.peer(where) as sock, Reader(engine.capture) as reader:
        before = resident_mib(engine.pid)
        for sent in range(60_000, 400 * 60_000, 60_000):
            sock.send(b"x" * 60_000)
            await until(lambda sent=sent: fresh(reader).sockets == 2 and reader.socket(2).received == sent)  # type: ignore[misc]
        assert resident_mib(engine.pid) - before < 20  # the ring's pages are most of it
        assert reader.socket(2).why == DROPPED
        assert reader.health.whole
    await engine.end()
    assert_calls_tell_it_all(engine)


@pytest.mark.parametrize(
    ("size", "room"),
    [(1, INBOX_COUNT), (0, INBOX_COUNT), (60_000, INBOX_BYTES // 60_000), (65_507, INBOX_BYTES // 65_507)],
)
def test_an_inbox_has_room_for_a_burst_and_no_more(capture: Path, size: int, room: int) -> None:
    taken: list[bytes | None] = []

    async def main(table: SocketTable) -> None:
        looks = asyncio.Event()

        async def late(connection: Connection) -> None:
            await looks.wait()
            while True:
                taken.append(await connection.recv())

        number, _ = await table.listen(Endpoint.parse("udp://127.0.0.1:0"), late, "late")
        with Reader(capture) as reader, UDP.peer(Endpoint.at("udp", reader.socket(number).local)) as sock:
            for sent in range(room + 10):
                sock.send(bytes([sent % 256]) * size)
                await until(lambda sent=sent: len(calls_of(reader, 2)) == sent + 1)  # type: ignore[misc]
            assert reader.socket(2).why == DROPPED
            looks.set()
            await until(lambda: len(taken) == room)
            sock.send(b"room again")
            await until(lambda: len(taken) == room + 1)

    with_table(capture, main)
    assert taken == [bytes([number % 256]) * size for number in range(room)] + [b"room again"]


def test_the_peer_that_is_idle_the_longest_makes_room(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagram, "PEERS_MOST", 3)

    async def main(table: SocketTable) -> None:
        number, _ = await table.listen(Endpoint.parse("udp://127.0.0.1:0"), discard, "discard")
        with Reader(capture) as reader:
            where = Endpoint.at("udp", reader.socket(number).local)
            with UDP.peer(where) as a, UDP.peer(where) as b, UDP.peer(where) as c, UDP.peer(where) as d:
                for sock, row in [(a, 2), (b, 3), (c, 4), (a, 2), (d, 5), (a, 2), (b, 6)]:
                    before = reader.count
                    sock.send(b"hello")
                    await until(lambda before=before: fresh(reader).count > before)  # type: ignore[misc]
                    assert calls_of(reader, row)[-1].seq == reader.count - 1
            assert [row for row in range(1, 7) if reader.socket(row).ended] == [3, 4]
            assert {reader.socket(row).why for row in (3, 4)} == {IDLE}

    with_table(capture, main)


def test_where_no_peer_can_go_the_socket_itself_has_the_calls(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagram, "PEERS_MOST", 2)

    async def main(table: SocketTable) -> None:
        runs = 0

        async def busy(connection: Connection) -> None:
            nonlocal runs
            runs += 1
            await asyncio.Event().wait()

        number, _ = await table.listen(Endpoint.parse("udp://127.0.0.1:0"), busy, "busy")
        with Reader(capture) as reader:
            where = Endpoint.at("udp", reader.socket(number).local)
            for sent in range(5):
                with UDP.peer(where) as sock:
                    sock.send(b"%d" % sent)
                    received = [Function.RECVFROM] * (sent + 1)
                    await until(
                        lambda received=received: (
                            [  # type: ignore[misc]
                                call.name for call in map(reader.call, range(fresh(reader).count)) if call.receives
                            ]
                            == received
                        )
                    )
            assert (reader.sockets, runs) == (3, 2)
            kept = [call for call in calls_of(reader, number) if call.receives]
            assert [reader.data(call) for call in kept] == [b"2", b"3", b"4"]
            assert {call.via for call in kept} == {0}

    with_table(capture, main)


def test_one_that_is_flooded_lets_others_have_their_turn(capture: Path) -> None:
    heard: list[str] = []

    async def main(table: SocketTable) -> None:
        def listens(name: str) -> ServiceFunction:
            async def listen(connection: Connection) -> None:
                while await connection.recv() is not None:
                    heard.append(name)

            return listen

        with Reader(capture) as reader, UDP.socket() as sock:
            numbers = [
                (await table.listen(Endpoint.parse("udp://127.0.0.1:0"), listens(name), name))[0]
                for name in ("flooded", "other")
            ]
            fresh(reader)
            flooded, other = (UDP.address(Endpoint.at("udp", reader.socket(number).local)) for number in numbers)
            for _ in range(3):
                await asyncio.sleep(0)  # both wait for readiness
            for where in [flooded] * 200 + [other]:
                sock.sendto(b"x", where)
        await until(lambda: len(heard) == 201)

    with_table(capture, main)
    assert heard.index("other") == AT_ONCE
