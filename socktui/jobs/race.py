"""Several things at once in one job, of which the first to end is the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

from socktui.jobs.job import Job


class _Race:
    """A wait (job.Wait) that is over when the first of several coroutines is: then the others are cancelled."""

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
            racer = Job(self._run(len(self._running), self._waiting.pop(0)), self._ended)
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
