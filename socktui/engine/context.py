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

    ring         those that wait for room in the capture's ring
    relay_taker  who moves bytes in place of a relay in Python, where there is somebody
    attempts     the connects in progress, by the number of the socket: they can be seen, and given up by being closed
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
        """A task of the engine's own. What ends it and is no OSError, which its socket's calls tell, is a bug: it is
        logged as that of `what`.
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
        """Wait until all tasks have ended, which are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def attempting(self, connection: SocketConnection) -> Iterator[None]:
        """While the body waits for the kernel's answer to a connect(2)."""
        number = connection.number
        self.attempts[number] = connection
        try:
            yield
        finally:
            del self.attempts[number]

    async def space(self, size: int) -> Space:
        """Where the next `size` bytes go in the heap, once the disk has made room."""
        return self.ring.now(size) or await self.ring.wait(size)


def unexpected(error: BaseException) -> BaseException | None:
    """What is in an exception but OSErrors, which calls are expected to raise; a TaskGroup puts them in groups."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(OSError)[1]
    return None if isinstance(error, OSError) else error
