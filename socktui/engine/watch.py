"""The readiness of one socket: a callback is called when it is there, or a coroutine waits for it."""

import asyncio
from collections.abc import Callable

from socktui.core.connection import ClosedHereError
from socktui.engine.poller import HANGUP, READ, WRITE, Poller

Callback = Callable[[], None]


class Watch:
    """What the poller knows of a socket.

    Interest is dropped only when it turns out that nobody waits: one who reads, answers and reads again costs no
    epoll_ctl(2). In each direction one waits at a time.

    closed  it was closed: nobody waits any more
    """

    __slots__ = ("_events", "_fd", "_poller", "_reader", "_registered", "_stranger", "_writer", "closed")

    def __init__(self, poller: Poller, fd: int) -> None:
        self._poller = poller
        self._fd = fd
        self._events = 0
        self._registered = False
        self._reader: Callback | None = None
        self._writer: Callback | None = None
        self._stranger: Callback | None = None
        self.closed = False

    def on_readable(self, callback: Callback | None) -> None:
        """Call `callback` whenever recv(2) would not block, at the peer's FIN and errors too; None ends that."""
        self._reader = callback
        if callback:
            self._want(READ)

    def on_writable(self, callback: Callback | None) -> None:
        """Call `callback` whenever send(2) would not block, or would fail; None ends that."""
        self._writer = callback
        if callback:
            self._want(WRITE)

    async def readable(self) -> None:
        """Wait until there is something to receive. Raises ClosedHereError; RuntimeError where another task waits."""
        if self._reader:
            await asyncio.sleep(0)  # one that was cancelled a moment ago has still to leave
        if self._reader:
            raise RuntimeError("another task receives on this socket already")
        try:
            await self._until(self.on_readable)
        finally:
            self._reader = None

    async def writable(self) -> None:
        """Wait until there is room to send. Raises ClosedHereError; RuntimeError where another task waits."""
        if self._writer:
            await asyncio.sleep(0)
        if self._writer:
            raise RuntimeError("another task sends on this socket already")
        try:
            await self._until(self.on_writable)
        finally:
            self._writer = None

    async def hung_up(self) -> None:
        """Wait for EPOLLHUP or EPOLLERR: the connection is over in both directions, or was reset. ClosedHereError."""
        try:
            await self._until(self._on_hangup)
        finally:
            self._stranger = None

    async def closed_here(self) -> None:
        """Wait until it is closed, which is told by ClosedHereError."""
        try:
            while True:  # a datagram socket's EPOLLERR is no end
                await self._until(self._on_close)
        finally:
            self._stranger = None

    async def _until(self, register: Callable[[Callback], None]) -> None:
        if self.closed:
            raise ClosedHereError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        register(wake)
        await future
        if self.closed:
            raise ClosedHereError

    def _on_close(self, callback: Callback) -> None:
        self._stranger = callback

    def _on_hangup(self, callback: Callback) -> None:
        self._stranger = callback
        self._want(0)

    @property
    def only_read(self) -> bool:
        """Whether nothing waits for writability or a hang-up."""
        return not (self._writer or self._stranger)

    def release(self) -> None:
        """Stop watching the descriptor until something waits for it again; it may be watched elsewhere meanwhile."""
        if self._registered:
            self._registered = False
            self._poller.forget(self._fd)

    def close(self) -> None:
        """Stop watching for good, before the descriptor closes. What waits is woken; coroutines get ClosedHereError."""
        self.release()
        self.closed = True
        for waiting in (self._reader, self._writer, self._stranger):
            if waiting:
                waiting()

    def ready(self, events: int) -> None:
        """Call what waits for these events, of epoll_wait(2). Called by the poller."""
        reader = self._reader
        if events == READ and reader is not None:  # by far the most frequent
            reader()
            return
        if events & (READ | HANGUP) and reader:
            reader()
        if events & (WRITE | HANGUP) and self._writer:
            self._writer()
        if events & HANGUP and self._stranger:
            self._stranger()
        if self._registered:
            self._drop(events)

    def _want(self, events: int) -> None:
        if not self._registered:
            self._registered = True
            self._events = events
            self._poller.watch(self._fd, events, self)
        elif events & ~self._events:
            self._events |= events
            self._poller.change(self._fd, self._events)

    def _drop(self, events: int) -> None:
        """Nobody waits for some of these any more. A hang-up is told as long as the socket is watched: it may go."""
        wanted = (READ if self._reader else 0) | (WRITE if self._writer else 0)
        idle = (self._events if events & HANGUP else events) & self._events & ~wanted
        if not (wanted or self._stranger) and (idle == self._events or events & HANGUP):
            self.release()
        elif idle:
            self._events &= ~idle
            self._poller.change(self._fd, self._events)
