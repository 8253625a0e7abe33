"""Jobs: coroutines that are resumed straight from readiness, with no future and no task switch in between.

A job may await what this package and the engine offer, and any asyncio future (asyncio.sleep, for one).
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

from socktui.jobs.poller import Poller

T = TypeVar("T")


class Wait(Protocol):
    """Something that a job can wait for."""

    def attach(self, job: "Job") -> None:
        """Resume `job` by job.step() when it has come."""

    def detach(self, job: "Job") -> None:
        """The job no longer waits."""


class Job:
    """A coroutine on its way. `ended` is called once with the exception that ended it, or None."""

    __slots__ = ("_coroutine", "_ended", "_waits", "running")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], ended: Callable[[BaseException | None], None]) -> None:
        self._coroutine = coroutine
        self._ended = ended
        self._waits: Any = None
        self.running = True

    def step(self) -> None:
        """Run until the coroutine waits again or ends."""
        if not self.running:
            return
        self._waits = None
        try:
            wait = self._coroutine.send(None)
        except StopIteration:
            self._finish(None)
        except BaseException as error:
            self._finish(error)
        else:
            self._wait_for(wait)

    def cancel(self) -> None:
        """End the coroutine where it waits, as asyncio does: by CancelledError."""
        if self._waits is None:
            return  # it has ended, or is on its way
        waits, self._waits = self._waits, None
        if not asyncio.isfuture(waits):
            waits.detach(self)
        try:
            wait = self._coroutine.throw(asyncio.CancelledError())
        except StopIteration:
            self._finish(None)
        except BaseException as error:
            self._finish(error)
        else:
            self._wait_for(wait)

    def _wait_for(self, wait: Any) -> None:
        if wait is None:
            wait = _next_turn()
        self._waits = wait
        if asyncio.isfuture(wait):
            wait._asyncio_future_blocking = False
            wait.add_done_callback(self._future_done)
        else:
            wait.attach(self)

    def _future_done(self, future: "asyncio.Future[Any]") -> None:
        if self._waits is future:
            self.step()

    def _finish(self, error: BaseException | None) -> None:
        self.running = False
        ended = self._ended
        del self._ended  # it may know this job: what they hold goes now, and not when a cycle is found
        ended(None if isinstance(error, asyncio.CancelledError) else error)


def _next_turn() -> "asyncio.Future[None]":
    """What asyncio.sleep(0) waits for: it yields nothing, and wants to go on when the others had their turn."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    return future


def run(coroutine: Coroutine[Any, Any, T]) -> tuple[Job, "asyncio.Future[T]"]:
    """A job, and a future of what its coroutine returns: the way from asyncio's tasks to jobs."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def tell() -> None:
        result = await coroutine
        if not future.done():
            future.set_result(result)

    def ended(error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.cancel()
        else:
            future.set_exception(error)

    job = Job(tell(), ended)
    job.step()
    return job, future


class Soon:
    """Wait for everybody else's turn: what keeps one busy job from starving the others."""

    __slots__ = ("_poller",)

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    def attach(self, job: Job) -> None:
        self._poller.soon.append(job.step)

    def detach(self, job: Job) -> None:
        if job.step in self._poller.soon:
            self._poller.soon.remove(job.step)

    def __await__(self) -> Generator["Soon", None, None]:
        yield self


class Turn:
    """One at a time, in the order of asking: it is handed from one to the next, and is free when nobody waits."""

    __slots__ = ("_next", "_poller", "_waiting", "held")

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._waiting: list[Job] = []
        self._next: Job | None = None
        self.held = False

    async def take(self) -> None:
        if self.held:
            await self
            self._next = None
        self.held = True

    def give(self) -> None:
        self.held = bool(self._waiting)
        if self._waiting:
            self._next = self._waiting.pop(0)
            self._poller.soon.append(self._next.step)

    def attach(self, job: Job) -> None:
        self._waiting.append(job)

    def detach(self, job: Job) -> None:
        if job is self._next:
            self._next = None
            self.give()
        else:
            self._waiting.remove(job)

    def __await__(self) -> Generator["Turn", None, None]:
        yield self
