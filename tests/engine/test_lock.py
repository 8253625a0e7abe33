"""The lock: in the order of asking, whoever gives up."""

import asyncio

import pytest

from socktui.engine.lock import Lock


async def test_it_is_taken_without_waiting_where_it_is_free() -> None:
    lock = Lock()
    assert lock.acquire_nowait()
    assert lock.locked
    assert not lock.acquire_nowait()
    lock.release()
    assert not lock.locked


async def test_it_is_handed_on_in_the_order_of_asking() -> None:
    lock, order = Lock(), list[int]()

    async def use(number: int) -> None:
        async with lock:
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(use(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert not lock.locked


async def test_nobody_who_asks_later_comes_first() -> None:
    lock = Lock()
    await lock.acquire()
    waiting = asyncio.ensure_future(lock.acquire())
    await asyncio.sleep(0)
    lock.release()
    assert not lock.acquire_nowait(), "it was handed on already"
    await waiting
    lock.release()
    assert lock.acquire_nowait()


@pytest.mark.parametrize("when", ["before", "in the same turn"])
async def test_one_that_gives_up_does_not_keep_it(when: str) -> None:
    lock = Lock()
    await lock.acquire()
    gives_up, waits = asyncio.ensure_future(lock.acquire()), asyncio.ensure_future(lock.acquire())
    await asyncio.sleep(0)
    if when == "before":
        gives_up.cancel()
        lock.release()
    else:
        lock.release()
        gives_up.cancel()
    await waits
    assert gives_up.cancelled() or (await asyncio.gather(gives_up, return_exceptions=True))
    lock.release()
    assert not lock.locked


async def test_a_coroutine_that_is_thrown_away_does_not_keep_it() -> None:
    """As at_once() does it, which waits for nothing."""
    lock = Lock()
    await lock.acquire()
    coroutine = lock.acquire()
    coroutine.send(None)
    coroutine.close()
    lock.release()
    assert not lock.locked


async def test_a_callback_can_stand_in_the_queue() -> None:
    lock, told = Lock(), list[bool]()
    await lock.acquire()
    future = lock.acquire_later()
    future.add_done_callback(lambda _: told.append(lock.locked))
    lock.release()
    await asyncio.sleep(0)
    assert told == [True]
    lock.release()
    assert not lock.locked
