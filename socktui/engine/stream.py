"""Stream sockets: a connection, which services are functions of, and a listener, which makes connections."""

import asyncio
import errno as errnos
import socket as sockets
from collections.abc import Callable, Generator

from socktui.core.sockets import Socket
from socktui.engine.jobs import Job, Soon, Turn
from socktui.engine.poller import HANGUP, READ, WRITE, Poller
from socktui.engine.traced import TracedSocket
from socktui.journal.heap import Heap
from socktui.journal.writer import Journal

BUFFER_SIZE = 65536
BUFFER_MAX = 1 << 20  # a ring holds many of them
ACCEPTS_AT_ONCE = 64
PAUSE_SECONDS = 1.0
PASSING = frozenset({errnos.ECONNABORTED, errnos.EINTR, errnos.EPROTO, errnos.EPERM, errnos.ENETDOWN, errnos.EHOSTDOWN})
"""What accept(2) says of one connection that has gone already: the next one may be well."""


class Side:
    """One direction of a socket: a job waits here until the socket is ready for it."""

    __slots__ = ("_socket", "events", "job")

    def __init__(self, socket: "Watched", events: int) -> None:
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


class Watched:
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


class Disk:
    """Wait until the disk has made room in the heap."""

    __slots__ = ("_heap", "_loop", "_stalled", "_waiting")

    def __init__(self, heap: Heap, loop: asyncio.AbstractEventLoop, stalled: Callable[[], None]) -> None:
        self._heap = heap
        self._loop = loop
        self._stalled = stalled
        self._waiting: list[Job] = []

    def attach(self, job: Job) -> None:
        self._waiting.append(job)
        self._stalled()
        self._heap.when_room(self._room)

    def detach(self, job: Job) -> None:
        if job in self._waiting:
            self._waiting.remove(job)

    def _room(self) -> None:
        """Called by the heap's thread."""
        try:
            self._loop.call_soon_threadsafe(self._resume)
        except RuntimeError:
            pass  # the loop was closed meanwhile: nobody waits any more

    def _resume(self) -> None:
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            job.step()

    def __await__(self) -> Generator["Disk", None, None]:
        yield self


class Bench:
    """What connections share: the poller, the journal and the ways to wait."""

    __slots__ = ("disk", "heap", "journal", "poller", "soon")

    def __init__(self, poller: Poller, journal: Journal) -> None:
        self.poller = poller
        self.journal = journal
        self.heap = journal.heap
        self.disk = Disk(journal.heap, asyncio.get_running_loop(), journal.stalled)
        self.soon = Soon(poller)


class Connection:
    """A stream socket, as services see it.

    buffer  bytes asked for by each recv(); 20 in the lecture
    """

    __slots__ = ("_bench", "_turn", "_waited", "_watched", "buffer", "traced")

    def __init__(self, bench: Bench, traced: TracedSocket, buffer: int = BUFFER_SIZE) -> None:
        self._bench = bench
        self._watched = Watched(bench.poller, traced.fd)
        self._turn = Turn(bench.poller)
        self._waited = True
        self.traced = traced
        self.buffer = buffer

    @property
    def socket(self) -> Socket:
        """What its calls add up to so far."""
        return self.traced.entry.socket

    async def recv(self) -> bytes:
        """The next bytes, at most `buffer`; b"" at the peer's FIN. Raises OSError as recv(2) answers."""
        while True:
            await self._watched.readable
            self._waited = True
            at, view = await self._space(self.buffer)
            length = self.traced.recv_into(view, at)
            if length is not None:
                return bytes(view[:length])

    async def forward(self, to: "Connection") -> int:
        """Receive once and send on what came, from the same memory: how many bytes, 0 at the peer's FIN.

        Raises OSError as recv(2) or send(2) answers.
        """
        while True:
            await self._watched.readable
            self._waited = to._waited = True
            found = self._bench.heap.space(self.buffer) or await self._space(self.buffer)
            at, view = found
            length = self.traced.recv_into(view, at)
            if length is None:
                continue
            if length == 0:
                return 0
            sent = 0
            if not to._turn.held:
                sent = to.traced.send(view[:length], at, fresh=False)
            if sent < length:
                # The ring's memory may serve others while this waits: what is left is taken out of it.
                await to._send_kept(bytes(view[sent:length]), at + sent)
            return length

    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it. Raises OSError as send(2) answers; what was sent until then is recorded."""
        if not self._waited:
            await self._bench.soon
        self._waited = False
        await self._turn.take()
        try:
            position = 0
            while position < len(data):
                piece = data[position : position + BUFFER_SIZE]
                at, view = await self._space(len(piece))
                view[:] = piece
                sent = self.traced.send(piece, at, fresh=True)
                position += sent
                if sent < len(piece):
                    await self._watched.writable
                elif position < len(data):
                    await self._bench.soon
        finally:
            self._turn.give()

    async def settled(self) -> int:
        """Wait until a connect() in progress has an answer: 0, or its errno (connect(2): EINPROGRESS)."""
        await self._watched.writable
        return self.traced.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR)

    async def flushed(self) -> None:
        """Wait until what others are sending here has gone out."""
        await self._turn.take()
        self._turn.give()

    async def hung_up(self) -> None:
        """Wait until the connection is over in both directions, or was reset."""
        await self._watched.hangup

    def shutdown(self) -> None:
        """Say that no more is sent (FIN). Raises OSError as shutdown(2) answers."""
        self.traced.shutdown(sockets.SHUT_WR)

    def close(self) -> None:
        """Close in order."""
        self._watched.forget()
        self.traced.close()

    def reset(self) -> None:
        """Close with a RST (socket(7): SO_LINGER with a time of 0)."""
        self._watched.forget()
        if self.traced.fd >= 0:
            self.traced.set_linger(1, 0)
        self.traced.close()

    async def _send_kept(self, data: bytes, at: int) -> None:
        """Send bytes that stand in the heap already."""
        await self._turn.take()
        try:
            position = 0
            while position < len(data):
                sent = self.traced.send(data[position:] if position else data, at + position, fresh=False)
                position += sent
                if position < len(data):
                    await self._watched.writable
        finally:
            self._turn.give()

    async def _space(self, size: int) -> tuple[int, memoryview]:
        while True:
            found = self._bench.heap.space(size)
            if found is not None:
                return found
            await self._bench.disk


Accepted = Callable[[Connection], None]
"""Told of every connection that a listener has accepted."""

Attempts = dict[int, tuple[Connection, Job]]
"""The connects in progress, by the number of the socket, and the jobs that wait for the kernel's answers.

Cancelling one of a name's attempts gives up the others as well.
"""


class Listener:
    """A listening socket and its accept loop, which waits when descriptors run out instead of spinning."""

    def __init__(self, bench: Bench, traced: TracedSocket, accepted: Callable[[TracedSocket], None]) -> None:
        self._bench = bench
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._said = -PAUSE_SECONDS
        self.traced = traced
        bench.poller.watch(traced.fd, READ, self._ready)

    @property
    def socket(self) -> Socket:
        """What its calls add up to so far."""
        return self.traced.entry.socket

    def close(self) -> None:
        if self.traced.fd < 0:
            return
        if self._pause:
            self._pause.cancel()
            self._pause = None
        else:
            self._bench.poller.forget(self.traced.fd)
        self.traced.close()

    def resume(self) -> None:
        """Look again: a descriptor has become free."""
        if self._pause:
            self._pause.cancel()
            self._pause = None
            self._bench.poller.watch(self.traced.fd, READ, self._ready)

    def _ready(self, _: int) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            quiet = self._loop.time() - self._said < PAUSE_SECONDS
            try:
                traced = self.traced.accept(quiet=quiet)
            except OSError as error:
                if error.errno in PASSING:
                    continue
                self._wait(quiet)
                return
            if traced is None:
                return
            self._accepted(traced)
            if self.traced.fd < 0:
                return

    def _wait(self, quiet: bool) -> None:
        """accept(2) failed for want of something: look again later, the kernel's queue holds the peers."""
        if not quiet:
            self._said = self._loop.time()
        self._bench.poller.forget(self.traced.fd)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.resume)
