"""What is done before a socket is closed."""

import asyncio

import pytest

from socktui.engine.at_once import at_once
from socktui.engine.lock import Lock


async def test_it_goes_on_to_the_end_where_nothing_is_waited_for() -> None:
    done: list[int] = []

    async def work() -> None:
        for number in range(3):
            done.append(number)
            await asyncio.sleep(0)

    at_once(work())
    assert done == [0, 1, 2]


async def test_it_stops_where_it_would_wait_and_cleans_up() -> None:
    lock, done = Lock(), list[str]()
    await lock.acquire()

    async def work() -> None:
        try:
            done.append("begun")
            async with lock:
                done.append("never")
        finally:
            done.append("cleaned up")

    at_once(work())
    assert done == ["begun", "cleaned up"]
    lock.release()
    assert not lock.locked


async def test_it_raises_what_is_raised() -> None:
    async def work() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        at_once(work())
