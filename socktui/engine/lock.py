"""A lock that callbacks can take, first come first served."""

import asyncio
from collections import deque
from types import TracebackType


class Lock:
    """asyncio.Lock, which a callback can take as well as a coroutine: it has acquire_nowait(), as trio.Lock has.

    It is handed from one to the next, so that nobody who asks later comes first.
    """

    __slots__ = ("_waiting", "locked")

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] | None = None
        self.locked = False

    def acquire_nowait(self) -> bool:
        """Take the lock if it is free. Return whether it was."""
        if self.locked:
            return False
        self.locked = True
        return True

    def acquire_later(self) -> "asyncio.Future[None]":
        """Queue for a lock that is taken. The future is done when the caller has it; cancel it to leave the queue."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(future)
        return future

    async def acquire(self) -> None:
        """Wait for the lock, and take it."""
        if self.acquire_nowait():
            return
        future = self.acquire_later()
        try:
            await future
        except BaseException:
            if not future.cancel() and not future.cancelled():
                self.release()  # it was handed over in the same turn
            raise

    def release(self) -> None:
        """Hand the lock to the next in the queue, or free it."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
        self._waiting = None
        self.locked = False

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
