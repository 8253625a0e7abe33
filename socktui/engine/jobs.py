"""Jobs: coroutines that are resumed straight from readiness, with no future and no task switch in between.

A job may await what this module and `stream` offer, and any asyncio future (asyncio.sleep, for one).
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol

from socktui.engine.poller import Poller


class Wait(Protocol):
    """Something that a job can wait for."""

    def attach(self, job: "Job") -> None:
        """Resume `job` by job.step() when it has come."""

    def detach(self, job: "Job") -> None:
        """The job no longer waits."""


class Job:
    """A coroutine on its way. `ended` is called once with the exception that ended it, or None."""

    __slots__ = ("_coroutine", "_ended", "_waits", "running")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], ended: Callable[[BaseException | None], None]
    ) -> None:
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
        """End the coroutine where it stands, as asyncio does: by CancelledError."""
        if not self.running or self._coroutine.cr_running:
            return
        waits, self._waits = self._waits, None
        if waits is not None and not asyncio.isfuture(waits):
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
        self._ended(None if isinstance(error, asyncio.CancelledError) else error)


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
    """One at a time, in the order of asking."""

    __slots__ = ("_poller", "_waiting", "held")

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._waiting: list[Job] = []
        self.held = False

    async def take(self) -> None:
        while self.held:
            await self
        self.held = True

    def give(self) -> None:
        self.held = False
        if self._waiting:
            self._poller.soon.append(self._waiting.pop(0).step)

    def attach(self, job: Job) -> None:
        self._waiting.append(job)

    def detach(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)

    def __await__(self) -> Generator["Turn", None, None]:
        yield self


class Never:
    """Wait for nothing that will ever come: until cancelled."""

    __slots__ = ()

    def attach(self, job: Job) -> None:
        pass

    def detach(self, job: Job) -> None:
        pass

    def __await__(self) -> Generator["Never", None, None]:
        yield self
