"""The chat: who hears what, and what becomes of one that is slow."""

import asyncio
import gc
import re
import socket as sockets
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from socktui.control.client import Engine
from socktui.services import service
from socktui.services.broadcast import LIMIT, broadcast
from tests.services.visitor import Visitor
from tests.support import SECONDS, all_sockets, listening, peer, read_exactly, resident_mib, until

NOTICE = re.compile(rb"\*\*\* too slow: (\d+) bytes were dropped for you \*\*\*\r\n")


@asynccontextmanager
async def chat(count: int) -> AsyncIterator[list[Visitor]]:
    """So many connections in one room."""
    function = broadcast()
    members = [Visitor() for _ in range(count)]
    running = [asyncio.ensure_future(function(member.connection)) for member in members]
    await asyncio.sleep(0)  # all are in the room
    yield members
    for member in members:
        member.over()
    for done in running:
        await asyncio.wait_for(done, SECONDS)


async def hears(connection: Visitor, count: int) -> None:
    """Wait until it has been sent so many messages."""
    await until(lambda: len(connection.sent) == count)


async def test_all_others_hear_it_as_it_was_said() -> None:
    async with chat(3) as (one, two, three):
        one.say(b"hello")
        one.say(b"")
        await hears(three, 2)
        two.say(b"hi")
        await until(lambda: len(three.sent) == 3)
        assert three.sent == [b"hello", b"", b"hi"]
        await until(lambda: two.sent == [b"hello", b""])
        await until(lambda: one.sent == [b"hi"])


async def test_a_slow_one_misses_what_is_too_much_and_is_told_where() -> None:
    async with chat(3) as (speaker, slow, quick):
        slow.gate.clear()
        for number in range(100):
            speaker.say(b"%02d" % number * 4096)
            await hears(quick, number + 1)
        slow.gate.set()
        await until(lambda: slow.sent and NOTICE.fullmatch(slow.sent[-1]))
        speaker.say(b"after")
        await until(lambda: slow.sent[-1] == b"after")
        *heard, notice, _ = slow.sent
        assert heard == quick.sent[: len(heard)]
        assert LIMIT // 2 < sum(map(len, heard)) <= LIMIT + 2 * 8192
        match = NOTICE.fullmatch(notice)
        assert match
        assert int(match[1]) == (100 - len(heard)) * 8192


async def test_many_small_messages_are_bounded_too() -> None:
    async with chat(2) as (speaker, slow):
        slow.gate.clear()
        for _ in range(20_000):
            speaker.say(b"x")
        await until(lambda: speaker.said_all)
        slow.gate.set()
        await until(lambda: slow.sent and NOTICE.fullmatch(slow.sent[-1]))
        assert len(slow.sent) < LIMIT / 64 + 3


async def test_one_long_message_is_heard_whole() -> None:
    async with chat(2) as (speaker, listener):
        speaker.say(b"x" * (LIMIT * 3))
        await until(lambda: listener.sent)
        assert listener.sent == [b"x" * (LIMIT * 3)]


async def test_who_has_gone_is_forgotten() -> None:
    async with chat(2) as members:
        gone = weakref.ref(members[0])
        members.pop(0).over()

        def forgotten() -> bool:
            gc.collect()
            return gone() is None

        await until(forgotten)
        members[0].say(b"anybody?")
        await until(lambda: members[0].said_all)


async def test_each_listener_has_a_room_of_its_own() -> None:
    one, two = Visitor(b"hello"), Visitor()
    running = [asyncio.ensure_future(service("broadcast")[1](member.connection)) for member in (one, two)]
    await until(lambda: one.said_all)
    two.say(b"hello")
    await until(lambda: two.said_all)
    assert one.sent == two.sent == []
    for task in running:
        task.cancel()


# Over TCP


async def in_the_room(engine: Engine, count: int) -> None:
    """Wait until so many connections have begun."""
    await until(lambda: len(all_sockets(engine.capture)) == count + 1)


@pytest.fixture
def join() -> Iterator[Callable[[int], sockets.socket]]:
    """A peer that is connected to a port until the test is over."""
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(peer(port))


async def test_a_talk_over_tcp(engine: Engine, join: Callable[[int], sockets.socket]) -> None:
    port = await listening(engine, service="broadcast")
    one, two, three = join(port), join(port), join(port)
    await in_the_room(engine, 3)
    one.sendall(b"hello from one\n")
    assert read_exactly(two, 15) == read_exactly(three, 15) == b"hello from one\n"
    two.sendall(b"and from two\n")
    assert read_exactly(one, 13) == read_exactly(three, 13) == b"and from two\n"


async def test_one_that_reads_nothing_holds_up_nobody(engine: Engine, join: Callable[[int], sockets.socket]) -> None:
    """Much more is said than the kernel and the room keep for it; the others get every byte."""
    port = await listening(engine, service="broadcast")
    speaker, quick, slow = join(port), join(port), join(port)
    await in_the_room(engine, 3)
    piece = b"0123456789abcdef" * 1024

    async def say(count: int) -> None:
        for _ in range(count):
            speaker.sendall(piece)
            assert await asyncio.to_thread(read_exactly, quick, len(piece)) == piece

    await say(1000)  # by now the journal has all the memory that it takes
    before = resident_mib(engine.pid)
    await say(2000)
    assert resident_mib(engine.pid) - before < 16
    slow.setblocking(False)
    heard = bytearray()

    def told() -> bool:
        try:
            heard.extend(slow.recv(1 << 18))
        except BlockingIOError:
            pass
        return NOTICE.search(heard[-100:]) is not None

    await until(told)
    match = NOTICE.search(heard)
    assert match
    assert match.start() + int(match[1]) == 3000 * len(piece)
