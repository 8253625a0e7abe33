"""What connections share: the poller, the journal, and the ways in which a job waits for the kernel and the disk."""

import asyncio
from collections import deque
from collections.abc import Callable, Generator

from socktui.jobs.job import Job, Soon
from socktui.jobs.poller import HANGUP, READ, WRITE, Poller
from socktui.journal.heap import Heap
from socktui.journal.writer import Journal

Space = tuple[int, memoryview]
"""An address in the heap, and the memory there."""


class Side:
    """One direction of a socket: a job waits here until the socket is ready for it."""

    __slots__ = ("_socket", "events", "job")

    def __init__(self, socket: "Watch", events: int) -> None:
        self._socket = socket
        self.events = events
        self.job: Job | None = None

    def attach(self, job: Job) -> None:
        self.job = job
        self._socket.want(self.events)

    def detach(self, job: Job) -> None:
        self.job = None

    def __await__(self) -> Generator["Side", None, None]:
        yield self


class Watch:
    """What the poller knows of a socket. Interest is dropped only when it turns out that nobody waits:

    a job that reads, answers and reads again costs no epoll_ctl(2).
    """

    __slots__ = ("_events", "_fd", "_poller", "_watching", "hangup", "readable", "writable")

    def __init__(self, poller: Poller, fd: int) -> None:
        self._poller = poller
        self._fd = fd
        self._events = 0
        self._watching = False
        self.readable = Side(self, READ)
        self.writable = Side(self, WRITE)
        self.hangup = Side(self, 0)

    def want(self, events: int) -> None:
        if not self._watching:
            self._watching = True
            self._events = events
            self._poller.watch(self._fd, events, self._ready)
        elif events & ~self._events:
            self._events |= events
            self._poller.change(self._fd, self._events)

    def forget(self) -> None:
        if self._watching:
            self._watching = False
            self._poller.forget(self._fd)

    def _ready(self, events: int) -> None:
        job = self.readable.job
        if events == READ and job is not None:  # by far the most frequent
            self.readable.job = None
            job.step()
            return
        idle = 0
        for side, mine in (
            (self.readable, READ | HANGUP),
            (self.writable, WRITE | HANGUP),
            (self.hangup, HANGUP),
        ):
            if events & mine:
                job, side.job = side.job, None
                if job is not None:
                    job.step()
                else:
                    idle |= side.events
        if idle and self._watching:
            self._drop(idle)
        elif events & HANGUP and self._watching and not (self.readable.job or self.writable.job or self.hangup.job):
            self._drop(self._events)

    def _drop(self, idle: int) -> None:
        """Nobody waited for these. A hang-up is told for as long as the socket is watched: it may have to go."""
        for side in (self.readable, self.writable):
            if side.job is not None:
                idle &= ~side.events
        self._events &= ~idle
        if self._events or self.hangup.job:
            self._poller.change(self._fd, self._events)
        else:
            self.forget()


class Room:
    """So many bytes of the heap: a job waits here until the disk has made room for them."""

    __slots__ = ("_disk", "found", "job", "size")

    def __init__(self, disk: "Disk", size: int) -> None:
        self._disk = disk
        self.size = size
        self.found: Space | None = None

    def attach(self, job: Job) -> None:
        self.job = job
        self._disk.join(self)

    def detach(self, job: Job) -> None:
        self._disk.leave(self)

    def __await__(self) -> Generator["Room", None, Space]:
        yield self
        assert self.found is not None
        return self.found


class Disk:
    """Those that wait for room in the heap, in the order of asking: many small pieces must not keep out a big one."""

    __slots__ = ("_heap", "_loop", "_stalled", "waiting")

    def __init__(self, heap: Heap, loop: asyncio.AbstractEventLoop, stalled: Callable[[], None]) -> None:
        self._heap = heap
        self._loop = loop
        self._stalled = stalled
        self.waiting: deque[Room] = deque()

    def join(self, room: Room) -> None:
        self.waiting.append(room)
        self._stalled()
        self._heap.when_room(self._tell)

    def leave(self, room: Room) -> None:
        if room in self.waiting:
            self.waiting.remove(room)
            self._loop.call_soon(self._resume)  # the next may want less

    def _tell(self) -> None:
        """Called by the heap's thread."""
        try:
            self._loop.call_soon_threadsafe(self._resume)
        except RuntimeError:
            pass  # the loop was closed meanwhile: nobody waits any more

    def _resume(self) -> None:
        while self.waiting:
            room = self.waiting[0]
            room.found = self._heap.space(room.size)
            if room.found is None:
                self._heap.when_room(self._tell)
                return
            self.waiting.popleft()
            room.job.step()


class EngineContext:
    """What connections share."""

    __slots__ = ("disk", "heap", "journal", "poller", "soon")

    def __init__(self, poller: Poller, journal: Journal) -> None:
        self.poller = poller
        self.journal = journal
        self.heap = journal.heap
        self.disk = Disk(journal.heap, asyncio.get_running_loop(), journal.stalled)
        self.soon = Soon(poller)

    async def space(self, size: int) -> Space:
        """Where the next `size` bytes go in the heap, once the disk has made room.

        The memory is the caller's until anybody asks again.
        """
        return self.space_now(size) or await Room(self.disk, size)

    async def room(self, size: int) -> None:
        """Wait until there is room for `size` bytes, behind those who wait already."""
        if self.disk.waiting or not self.heap.space(size):
            await Room(self.disk, size)

    def space_now(self, size: int) -> Space | None:
        """The same, or None where it has to be waited for."""
        return None if self.disk.waiting else self.heap.space(size)
