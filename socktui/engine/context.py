"""What connections share: the poller, the journal, room in the ring, and the connects in progress."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from socktui.engine.connection import SocketConnection
from socktui.engine.poller import Poller
from socktui.engine.relay import RelayTaker
from socktui.engine.space import Space, SpaceQueue
from socktui.journal.writer import Journal

_log = logging.getLogger(__name__)


class EngineContext:
    """What connections share.

    ring         room in the capture's ring, and the queue for it
    relay_taker  moves bytes in place of relays in Python (fastpath.py); None where there is no fast path
    attempts     the connects in progress, by the number of the socket; closing one gives it up
    """

    __slots__ = ("_tasks", "attempts", "journal", "poller", "relay_taker", "ring")

    def __init__(self, poller: Poller, journal: Journal) -> None:
        self.poller = poller
        self.journal = journal
        self.ring = SpaceQueue(journal.heap, journal.stalled)
        self.relay_taker: RelayTaker | None = None
        self.attempts: dict[int, SocketConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None], what: str) -> "asyncio.Task[None]":
        """Start a task that end() cancels.

        An OSError that ends it is expected: the calls of its socket tell it. Any other exception is a bug, and is
        logged with the task's name, `what`.
        """
        task = asyncio.get_running_loop().create_task(coroutine, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and (bug := unexpected(error)):
            _log.error("%s failed", task.get_name(), exc_info=bug)

    async def end(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def attempting(self, connection: SocketConnection) -> Iterator[None]:
        """Have `connection` in `attempts` while the body waits for the kernel's answer to its connect(2)."""
        number = connection.number
        self.attempts[number] = connection
        try:
            yield
        finally:
            del self.attempts[number]

    async def space(self, size: int) -> Space:
        """Return room for the next `size` bytes of the heap; wait while the disk is behind.

        `size` must be less than the ring's own: there is never room for more.
        """
        return self.ring.now(size) or await self.ring.wait(size)


def unexpected(error: BaseException) -> BaseException | None:
    """Return what is left of an exception without its OSErrors, which calls are expected to raise; None for nothing."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(OSError)[1]
    return None if isinstance(error, OSError) else error
