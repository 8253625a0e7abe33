"""The pair in memory: what test_conformance.py does not ask of every kind."""

import asyncio

import pytest

from socktui.core.sockets import State
from socktui.engine.memory import memory_pair
from tests.support import until


async def test_a_send_waits_while_too_much_is_unread() -> None:
    one, other = memory_pair(limit=10)
    await one.send(b"12345")
    sending = asyncio.ensure_future(one.send(b"1234567890"))
    await asyncio.sleep(0.01)
    assert not sending.done()
    assert other.unread == 2
    assert await other.recv() == b"12345"
    await asyncio.sleep(0.01)
    assert not sending.done()
    assert await other.recv() == b"1234567890"
    await sending


async def test_a_stream_is_cut_where_the_buffer_ends_and_where_it_was_sent() -> None:
    one, other = memory_pair()
    other.buffer = 4
    await one.send(b"Hello!")
    await one.send(b"more")
    assert [await other.recv() for _ in range(3)] == [b"Hell", b"o!", b"more"]


async def test_nothing_can_be_sent_to_one_that_is_closed() -> None:
    one, other = memory_pair()
    await one.send(b"unread")
    other.close()
    with pytest.raises(BrokenPipeError):
        await one.send(b"x")
    await one.wait_closed()


async def test_both_fins_are_the_end() -> None:
    one, other = memory_pair()
    waiting = asyncio.ensure_future(one.wait_closed())
    await one.shutdown()
    await asyncio.sleep(0)
    assert not waiting.done()
    await other.shutdown()
    await waiting


async def test_it_counts_as_a_socket_does() -> None:
    one, other = memory_pair(messages=True)
    await one.send(b"12345")
    await other.recv()
    assert (one.socket.sent, other.socket.received, one.socket.state) == (5, 5, State.ESTAB)
    one.close()
    await until(lambda: one.socket.ended)
