"""What a job awaits for so long and no longer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from socktui.jobs.deadline import at_once, within
from socktui.jobs.job import Soon, Turn, run
from socktui.jobs.poller import Poller


def as_a_job(coroutine: Callable[[Poller], Awaitable[Any]]) -> Any:
    async def main(poller: Poller) -> Any:
        _, result = run(_of(coroutine(poller)))
        return await result

    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        return runner.run(main(poller))


async def _of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def test_what_is_done_in_time_is_returned() -> None:
    async def quick(poller: Poller) -> str:
        async def waits() -> str:
            await Soon(poller)
            await asyncio.sleep(0.001)
            return "done"

        return await within(20, waits())

    assert as_a_job(quick) == "done"


def test_what_fails_in_time_fails() -> None:
    async def fails(poller: Poller) -> None:
        async def breaks() -> None:
            await Soon(poller)
            raise ConnectionResetError(104, "reset")

        await within(20, breaks())

    with pytest.raises(ConnectionResetError):
        as_a_job(fails)


def test_what_takes_too_long_is_cancelled() -> None:
    steps: list[str] = []

    async def slow(poller: Poller) -> str:
        turn = Turn(poller)
        await turn.take()

        async def waits() -> None:
            try:
                await turn.take()
            finally:
                steps.append("ended")

        try:
            await within(0.01, waits())
        except TimeoutError:
            steps.append("told")
        turn.give()
        return "held" if turn.held else "free"

    assert as_a_job(slow) == "free"
    assert steps == ["ended", "told"]


def test_who_waits_may_be_cancelled() -> None:
    steps: list[str] = []

    async def main() -> None:
        async def waits() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                steps.append("ended")

        job, result = run(within(60, waits()))
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await result

    asyncio.run(main())
    assert steps == ["ended"]


def test_at_once_goes_as_far_as_it_can() -> None:
    async def main(poller: Poller) -> list[str]:
        steps: list[str] = []
        turn = Turn(poller)
        await turn.take()

        async def goes() -> None:
            await Soon(poller)
            steps.append("its turn came")
            try:
                await turn.take()
                steps.append("never")
            finally:
                steps.append("ended")

        at_once(goes())
        return steps

    assert as_a_job(main) == ["its turn came", "ended"]
