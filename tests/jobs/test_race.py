"""Several things at once in one job."""

import asyncio

import pytest

from socktui.jobs.job import run
from socktui.jobs.race import race
from tests.support import SECONDS


async def test_the_first_to_end_wins_and_the_others_are_cancelled() -> None:
    ended: list[str] = []
    gate = asyncio.Event()

    async def waits(name: str) -> str:
        try:
            await gate.wait()
            return name
        except asyncio.CancelledError:
            ended.append(name)
            raise

    async def never() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ended.append("never")
            raise

    _, done = run(race(never(), waits("a"), never()))
    gate.set()
    assert await asyncio.wait_for(done, SECONDS) == (1, "a")
    assert ended == ["never", "never"]


async def test_one_that_does_not_wait_wins_before_others_begin() -> None:
    begun = False

    async def other() -> None:
        nonlocal begun
        begun = True

    async def at_once() -> int:
        return 7

    _, done = run(race(at_once(), other()))
    assert await asyncio.wait_for(done, SECONDS) == (0, 7)
    assert not begun


async def test_what_one_raises_is_raised() -> None:
    async def fails() -> None:
        await asyncio.sleep(0.001)
        raise ConnectionResetError(104, "reset")

    _, done = run(race(asyncio.sleep(SECONDS), fails()))
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(done, SECONDS)


async def test_one_that_is_cancelled_cancels_them_all() -> None:
    future = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        await future

    _, done = run(race(asyncio.sleep(SECONDS), waits()))
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(done, SECONDS)


async def test_cancelling_the_job_cancels_them_all() -> None:
    ended: list[int] = []

    async def waits(number: int) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(number)

    job, done = run(race(waits(1), waits(2)))
    job.cancel()
    assert ended == [1, 2]
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(done, SECONDS)
