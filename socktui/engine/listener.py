"""A listening socket and its accept loop."""

import asyncio
import errno as errnos
from collections.abc import Callable
from typing import Protocol

from socktui.core.call import Function
from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Socket
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.poller import READ
from socktui.engine.traced import TracedSocket

ACCEPTS_AT_ONCE = 64
PAUSE_SECONDS = 1.0
PASSING = frozenset({errnos.ECONNABORTED, errnos.EINTR, errnos.EPROTO, errnos.EPERM, errnos.ENETDOWN, errnos.EHOSTDOWN})
"""What accept(2) says of one connection that has gone already: the next one may be well."""

Accepted = Callable[[SocketConnection], None]
"""Told of every connection that a listener has accepted, and of every new peer of a bound datagram socket."""


class Listening(Protocol):
    """What peers come to: a listening socket, or a bound datagram socket.

    note    what whoever asked for it should be told
    buffer  bytes asked for by each recv() of its connections
    """

    traced: TracedSocket
    note: str
    buffer: int

    @property
    def socket(self) -> Socket:
        """What its calls add up to so far."""

    def close(self) -> None:
        """Stop. The connections that were accepted go on; the peers of a datagram socket have no other."""

    def resume(self) -> None:
        """Look again: a descriptor has become free."""


class Delegate(Protocol):
    """Somebody who accepts in a listener's place, and records it."""

    def stop(self, listener: "Listener") -> None:
        """Accept no more."""


class Listener:
    """A listening socket and its accept loop, which waits when descriptors run out instead of spinning."""

    def __init__(self, context: EngineContext, traced: TracedSocket, accepted: Callable[[TracedSocket], None]) -> None:
        self._context = context
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._said = -PAUSE_SECONDS
        self.traced = traced
        self.note = ""
        self.buffer = BUFFER_SIZE
        self._delegate: Delegate | None = None
        context.poller.watch(traced.fd, READ, self)

    @property
    def socket(self) -> Socket:
        """What its calls add up to so far."""
        return self.traced.entry.socket

    @property
    def family(self) -> int:
        """The address family of its sockets."""
        return self.traced.sock.family

    def delegate(self, delegate: Delegate) -> None:
        """Have somebody else accept its connections: only what they cannot do is done here from now on."""
        self._delegate = delegate

    def refused(self, began: int, ended: int, errno: int) -> None:
        """Record an accept(2) that failed elsewhere, and go on as if it had failed here."""
        self._catch_up()
        quiet = self._quiet()
        if quiet:
            self._context.journal.again(self.traced.entry)
        else:
            self._context.journal.append_call(self.traced.entry, Function.ACCEPT, began, ended, -1, errno)
        if errno not in PASSING:
            self._wait(quiet)

    def close(self) -> None:
        """Stop accepting, and close the socket (close(2)). Closing again does nothing."""
        if self.traced.fd < 0:
            return
        if self._delegate:
            self._delegate.stop(self)
            self._catch_up()
        if self._pause:
            self._pause.cancel()
            self._pause = None
        else:
            self._context.poller.forget(self.traced.fd)
        self.traced.close()

    def resume(self) -> None:
        """Look again: a descriptor has become free."""
        if self._pause:
            self._pause.cancel()
            self._pause = None
            self._context.poller.watch(self.traced.fd, READ, self)

    def ready(self, _: int) -> None:
        """Called by the poller."""
        self._catch_up()
        for _ in range(ACCEPTS_AT_ONCE):
            quiet = self._quiet()
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

    def _catch_up(self) -> None:
        """Take over what was recorded elsewhere."""
        if self._delegate:
            self._context.journal.reload(self.traced.entry)

    def _quiet(self) -> bool:
        return self._loop.time() - self._said < PAUSE_SECONDS

    def _wait(self, quiet: bool) -> None:
        """accept(2) failed for want of something: look again later, the kernel's queue holds the peers."""
        if not quiet:
            self._said = self._loop.time()
        self._context.poller.forget(self.traced.fd)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.resume)
