"""Two connections that are connected in memory, as trio.testing.memory_stream_pair() has them: for services without
sockets, and for what every kind of connection has to do (tests/engine/conformance.py).
"""

import asyncio
import errno as errnos
import os
from collections import deque
from collections.abc import Callable

from socktui.core.connection import ClosedHereError, Connection
from socktui.core.sockets import Role, Socket, State
from socktui.engine.lock import Lock

LIMIT = 65536


class MemoryConnection(Connection):
    """One end. A stream may be cut anywhere, and is cut where it was sent; messages stay whole."""

    def __init__(self, number: int, messages: bool, limit: int) -> None:
        super().__init__()
        self.messages = messages
        self.sending = Lock()
        self._socket = Socket(number, netid="u_seq" if messages else "u_str", role=Role.CLIENT, state=State.ESTAB)
        self._limit = limit
        self._inbox: deque[bytes] = deque()
        self._size = 0
        self._closed = self._shut = self._ended = self._reset = False
        self._changed: asyncio.Event = asyncio.Event()
        self._peer = self

    @property
    def socket(self) -> Socket:
        return self._socket

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def unread(self) -> int:
        """How many pieces the peer has sent that were not received."""
        return len(self._inbox)

    async def recv(self) -> bytes | None:
        await self._until(lambda: bool(self._inbox) or self._ended)
        if not self._inbox:
            return None
        data = self._inbox.popleft()
        if not self.messages and len(data) > self.buffer:
            self._inbox.appendleft(data[self.buffer :])
            data = data[: self.buffer]
        self._size -= len(data)
        self._socket.received += len(data)
        self._peer._tell()
        return data

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        async with self.sending:
            self._check()
            if self._shut or self._peer.closed:
                raise BrokenPipeError(errnos.EPIPE, os.strerror(errnos.EPIPE))
            peer = self._peer
            if data or self.messages:
                peer._inbox.append(bytes(data))
            peer._size += len(data)
            self._socket.sent += len(data)
            peer._tell()
            await self._until(lambda: peer._size < peer._limit or peer.closed)

    async def drain(self) -> None:
        async with self.sending:
            pass

    async def wait_closed(self) -> None:
        await self._until(lambda: self._peer.closed or (self._ended and self._shut))

    async def shutdown(self) -> None:
        self._check()
        self._shut = True
        self._peer._end()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._socket.ended = self._socket.ended or 1
            self._tell()
            self._peer._end()

    def reset(self) -> None:
        self._peer._reset = True
        self.close()

    def _end(self) -> None:
        """The peer sends no more."""
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        """Something has changed: have those that wait at this end look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, condition: Callable[[], bool]) -> None:
        self._check()
        while not condition():
            await self._changed.wait()
            self._check()

    def _check(self) -> None:
        if self._closed:
            raise ClosedHereError
        if self._reset:
            raise ConnectionResetError(errnos.ECONNRESET, os.strerror(errnos.ECONNRESET))


def memory_pair(*, messages: bool = False, limit: int = LIMIT) -> tuple[MemoryConnection, MemoryConnection]:
    """Two connections of which each receives what the other sends.

    messages  each send() is one message
    limit     bytes that wait at either end, from which on send() waits
    """
    one, other = (MemoryConnection(number, messages, limit) for number in (1, 2))
    one._peer, other._peer = other, one
    return one, other
