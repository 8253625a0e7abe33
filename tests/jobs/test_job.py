"""Jobs: coroutines that are driven by readiness, and the ways that they wait."""

import asyncio
import socket as sockets
from collections.abc import Callable
from typing import Any

import pytest

from socktui.engine.context import Watch
from socktui.jobs.job import Job, Soon, Turn, run
from socktui.jobs.poller import Poller


def on_a_loop(main: Callable[[Poller], Any]) -> Any:
    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        return runner.run(main(poller))


def test_a_job_ends_with_what_its_coroutine_ended_with() -> None:
    async def fails() -> None:
        raise OSError(104, "reset")

    async def works() -> None:
        pass

    ends: list[BaseException | None] = []
    for coroutine in (fails(), works()):
        Job(coroutine, ends.append).step()
    assert [type(end) for end in ends] == [ConnectionResetError, type(None)]


def test_a_job_awaits_asyncios_futures() -> None:
    async def main(_: Poller) -> int:
        async def sleeps() -> int:
            await asyncio.sleep(0.01)
            return 42

        _job, result = run(sleeps())
        return await result

    assert on_a_loop(main) == 42


def test_a_job_lets_others_go_first() -> None:
    """asyncio.sleep(0) yields nothing that could be waited for."""

    async def main(_: Poller) -> list[str]:
        steps: list[str] = []

        async def polite() -> None:
            steps.append("first")
            await asyncio.sleep(0)
            steps.append("last")

        _job, done = run(polite())
        steps.append("between")
        await done
        return steps

    assert on_a_loop(main) == ["first", "between", "last"]


def test_a_cancelled_job_is_told_once_and_never_goes_on() -> None:
    async def main(poller: Poller) -> None:
        steps: list[str] = []
        ends: list[BaseException | None] = []

        async def waits() -> None:
            try:
                await Soon(poller)
                steps.append("went on")
            finally:
                steps.append("finally")

        job = Job(waits(), ends.append)
        job.step()
        job.cancel()
        job.cancel()
        await asyncio.sleep(0.01)
        assert steps == ["finally"]
        assert ends == [None]
        assert not job.running

    on_a_loop(main)


def test_what_a_cancelled_future_leaves_behind_wakes_nobody() -> None:
    async def main(_: Poller) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        caught: list[str] = []

        async def stubborn() -> None:
            try:
                await future
            except asyncio.CancelledError:
                caught.append("cancelled")
                await asyncio.sleep(0.02)
                caught.append("tidied up")

        job, done = run(stubborn())
        job.cancel()
        future.set_result(None)
        await done
        assert caught == ["cancelled", "tidied up"]

    on_a_loop(main)


def test_turns_are_taken_in_the_order_of_asking() -> None:
    async def main(poller: Poller) -> None:
        turn = Turn(poller)
        said: list[str] = []

        async def speak(name: str) -> None:
            await turn.take()
            for _ in range(3):
                await Soon(poller)
                said.append(name)
            turn.give()

        first = [run(speak(name))[1] for name in "abc"]
        while "b" not in said:
            await asyncio.sleep(0)
        later = run(speak("d"))[1]
        await asyncio.gather(*first, later)
        assert "".join(said) == "aaabbbcccddd"
        assert not turn.held

    on_a_loop(main)


@pytest.mark.parametrize("when", ["waiting", "handed"])
def test_a_turn_is_not_lost_with_the_one_who_waits_for_it(when: str) -> None:
    async def main(poller: Poller) -> None:
        turn = Turn(poller)
        said: list[str] = []

        async def speak(name: str) -> None:
            await turn.take()
            said.append(name)
            turn.give()

        await turn.take()
        gives_up, _ = run(speak("gives up"))
        _, patient = run(speak("patient"))
        if when == "waiting":
            gives_up.cancel()
            turn.give()
        else:
            turn.give()  # it is handed on, and taken only at the next round
            gives_up.cancel()
        await asyncio.wait_for(patient, 5)
        assert said == ["patient"]
        assert not turn.held

    on_a_loop(main)


def test_soon_lets_everybody_have_a_turn() -> None:
    async def main(poller: Poller) -> None:
        order: list[int] = []

        async def work(number: int) -> None:
            for _ in range(5):
                order.append(number)
                await Soon(poller)

        await asyncio.gather(*(run(work(number))[1] for number in range(3)))
        assert order == [0, 1, 2] * 5

    on_a_loop(main)


def test_readiness_that_nobody_waits_for_is_not_asked_for_again() -> None:
    async def main(poller: Poller) -> None:
        ours, theirs = sockets.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            watched = Watch(poller, ours.fileno())
            calls = 0

            async def reads_once() -> None:
                await watched.readable

            _, done = run(reads_once())
            theirs.send(b"x")
            await done
            ready = watched._ready

            def counted(events: int) -> None:
                nonlocal calls
                calls += 1
                ready(events)

            poller._watch[ours.fileno()] = counted
            theirs.close()  # a hang-up, told for as long as it is watched
            await asyncio.sleep(0.05)
            assert calls <= 2
            _, again = run(reads_once())
            await asyncio.wait_for(again, 5)
            watched.forget()

    on_a_loop(main)
