"""Room in the capture's ring: those that put bytes there wait for the disk in the order of asking."""

import asyncio
from collections import deque
from collections.abc import Callable

from socktui.journal.heap import Heap

Space = tuple[int, memoryview]
"""An address in the heap, and the memory there. It is the caller's until anybody asks again: use it before waiting."""


class SpaceWaiter:
    """A place in the queue for `size` bytes of the heap. `wake` is called when take() may succeed."""

    __slots__ = ("_queue", "size", "wake")

    def __init__(self, queue: "SpaceQueue", size: int, wake: Callable[[], None]) -> None:
        self._queue = queue
        self.size = size
        self.wake = wake

    def take(self) -> Space | None:
        """Take the memory, and leave the queue. Return None where there is no room yet: `wake` is called again."""
        return self._queue.take(self)

    def cancel(self) -> None:
        """Leave the queue. Leaving again does nothing."""
        self._queue.leave(self)


class SpaceQueue:
    """Those that wait for room in the heap, in the order of asking: many small pieces must not keep out a big one.

    stalled  called whenever somebody begins to wait
    """

    __slots__ = ("_heap", "_loop", "_stalled", "_waiting")

    def __init__(self, heap: Heap, stalled: Callable[[], None]) -> None:
        self._heap = heap
        self._loop = asyncio.get_running_loop()
        self._stalled = stalled
        self._waiting: deque[SpaceWaiter] = deque()

    def __bool__(self) -> bool:
        """Whether the queue is not empty."""
        return bool(self._waiting)

    def now(self, size: int) -> Space | None:
        """Return room for the next `size` bytes; None where it has to be waited for."""
        return None if self._waiting else self._heap.space(size)

    async def wait(self, size: int) -> Space:
        """Wait until the disk has made room for the next `size` bytes, and return it."""
        room = self._loop.create_future()

        def wake() -> None:
            if not room.done():
                room.set_result(None)

        waiter = self.join(size, wake)
        try:
            while True:
                await room
                if found := waiter.take():
                    return found
                room = self._loop.create_future()
        finally:
            waiter.cancel()

    def join(self, size: int, wake: Callable[[], None]) -> SpaceWaiter:
        """Queue for `size` bytes."""
        waiter = SpaceWaiter(self, size, wake)
        self._waiting.append(waiter)
        self._stalled()
        self._heap.when_room(self._tell)
        return waiter

    def take(self, waiter: SpaceWaiter) -> Space | None:
        """SpaceWaiter.take()"""
        if not self._waiting or self._waiting[0] is not waiter:
            return None
        found = self._heap.space(waiter.size)
        if found is None:
            self._heap.when_room(self._tell)
            return None
        self._waiting.popleft()
        if self._waiting:
            self._loop.call_soon(self._wake)
        return found

    def leave(self, waiter: SpaceWaiter) -> None:
        """SpaceWaiter.cancel()"""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            self._loop.call_soon(self._wake)  # the next may want less

    def _tell(self) -> None:
        """Called by the heap's thread."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            pass  # the loop was closed meanwhile: nobody waits any more

    def _wake(self) -> None:
        if self._waiting:
            self._waiting[0].wake()
