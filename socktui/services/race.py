"""Several things at once in one service, and things that may take only so long.

A service runs as a job of the engine (engine.jobs), not as a task of asyncio, whose wait_for() and gather() are
therefore not for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from socktui.engine.connection import Connection
    from socktui.engine.jobs import Job

T = TypeVar("T")

SEE_OFF_SECONDS = 1.0


class _Race:
    """A wait (engine.jobs.Wait) that is over when the first of several coroutines is: then the others are cancelled."""

    def __init__(self, coroutines: tuple[Coroutine[Any, Any, Any], ...]) -> None:
        self._waiting = list(coroutines)
        self._running: list[Job] = []
        self._over = False
        self.error: BaseException | None = None
        self.winner = -1
        self.result: Any = None

    def attach(self, job: Job) -> None:
        self._job = job
        while self._waiting and not self._over:
            # A job like the one that waits: the engine itself is not for services to import.
            racer = type(job)(self._run(len(self._running), self._waiting.pop(0)), self._ended)
            self._running.append(racer)
            racer.step()

    def detach(self, job: Job) -> None:
        self._stop()

    async def _run(self, place: int, coroutine: Coroutine[Any, Any, Any]) -> None:
        result = await coroutine
        self.winner, self.result = place, result

    def _ended(self, error: BaseException | None) -> None:
        if not self._over:
            self.error = error
            self._stop()
            self._job.step()

    def _stop(self) -> None:
        self._over = True
        for racer in self._running:
            racer.cancel()
        for coroutine in self._waiting:
            coroutine.close()

    def __await__(self) -> Generator[_Race, None, None]:
        yield self


async def race(*coroutines: Coroutine[Any, Any, Any]) -> tuple[int, Any]:
    """Run coroutines side by side until the first one ends, and cancel the others: its place and its result.

    Raises what it raised.
    """
    contest = _Race(coroutines)
    await contest
    if contest.error is not None:
        raise contest.error
    if contest.winner < 0:
        raise asyncio.CancelledError
    return contest.winner, contest.result


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns. Raises TimeoutError where it takes longer than `seconds`; it is cancelled then."""
    place, result = await race(coroutine, asyncio.sleep(seconds))
    if place:
        raise TimeoutError
    answer: T = result
    return answer


async def see_off(connection: Connection) -> None:
    """Send a FIN and receive what still comes until the peer's: close(2) with bytes unread would be a RST.

    A peer that goes on is waited for no longer than SEE_OFF_SECONDS (RFC 9112, section 9.6). Where messages are
    exchanged there is nothing to be done.
    """
    if connection.messages:
        return
    await connection.shutdown()
    try:
        await within(SEE_OFF_SECONDS, _drain(connection))
    except TimeoutError:
        pass


async def _drain(connection: Connection) -> None:
    while await connection.recv() is not None:
        pass
