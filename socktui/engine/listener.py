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
"""Errors of accept(2) that concern one connection, which is lost: the next connection may be well."""

Accepted = Callable[[SocketConnection], None]
"""Called with every connection that a listener accepts, and with every new peer of a bound datagram socket."""


class Listening(Protocol):
    """A socket to which peers connect or send: a listening socket, or a bound datagram socket.

    note    one sentence for the user who asked for it; empty where there is nothing to say
    buffer  bytes that each recv() of its connections asks for
    """

    traced: TracedSocket
    note: str
    buffer: int

    @property
    def socket(self) -> Socket:
        """The socket as its calls so far have left it."""

    def close(self) -> None:
        """Stop. Accepted connections go on; the peers of a datagram socket end, since they share its descriptor."""

    def resume(self) -> None:
        """Accept again after a pause: a descriptor has become free."""


class Delegate(Protocol):
    """Accepts in place of a listener, and records the calls."""

    def stop(self, listener: "Listener") -> None:
        """Stop accepting for `listener`."""


class Listener:
    """A listening socket and its accept loop.

    Where accept(2) fails for want of a descriptor or memory, the loop pauses for PAUSE_SECONDS, or until resume().

    accepted  called with every accepted socket
    """

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
        """The socket as its calls so far have left it."""
        return self.traced.entry.socket

    @property
    def family(self) -> int:
        """The address family of its sockets."""
        return self.traced.sock.family

    def delegate(self, delegate: Delegate) -> None:
        """Have `delegate` accept connections from now on; what it cannot do is still done here."""
        self._delegate = delegate

    def refused(self, began: int, ended: int, errno: int) -> None:
        """Record an accept(2) of the delegate that failed, and pause as if it had failed here.

        began, ended  ns on the monotonic clock
        """
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
        """Accept again after a pause: a descriptor has become free."""
        if self._pause:
            self._pause.cancel()
            self._pause = None
            self._context.poller.watch(self.traced.fd, READ, self)

    def ready(self, _: int) -> None:
        """Accept up to ACCEPTS_AT_ONCE connections. Called by the poller."""
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
        """Read again what the delegate has recorded of the socket."""
        if self._delegate:
            self._context.journal.reload(self.traced.entry)

    def _quiet(self) -> bool:
        return self._loop.time() - self._said < PAUSE_SECONDS

    def _wait(self, quiet: bool) -> None:
        """Pause: accept(2) failed for want of a descriptor or memory. The kernel's queue holds the connections."""
        if not quiet:
            self._said = self._loop.time()
        self._context.poller.forget(self.traced.fd)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.resume)
