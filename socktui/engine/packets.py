"""Connected sockets that keep the borders of what is sent: UNIX packets, and datagrams to one peer."""

import errno as errnos
import socket as sockets

from socktui.engine.bench import Bench, Watched
from socktui.engine.connection import BUFFER_MAX, Connection
from socktui.engine.traced import END, TracedSocket
from socktui.jobs.job import Turn


class Packets(Connection):
    """A connected socket of messages, each of which is one call."""

    __slots__ = ("_bench", "_lost", "_turn", "_waited", "_watched")

    messages = True

    def __init__(self, bench: Bench, traced: TracedSocket) -> None:
        super().__init__(traced)
        self._bench = bench
        self._watched = Watched(bench.poller, traced.fd)
        self._turn = Turn(bench.poller)
        self._lost: ConnectionResetError | None = None
        self._waited = True

    async def recv(self) -> bytes | None:
        """The next message. That the peer is gone with bytes of ours unread (ECONNRESET) the kernel tells first,
        and then gives what the peer had sent before: this raises it when all of that has been received.
        """
        while True:
            await self._watched.readable
            self._waited = True
            at, view = await self._bench.space(self.buffer)
            try:
                length = self.traced.recv_message(view, at)
            except ConnectionResetError as error:
                self._lost = error
                continue
            if length == END:
                if self._lost:
                    raise self._lost
                return None
            if length is not None:
                return bytes(view[:length])

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        if len(data) > BUFFER_MAX:
            raise OSError(errnos.EMSGSIZE, f"a message has at most {BUFFER_MAX} bytes here")
        if not self._waited:
            await self._bench.soon
        self._waited = False
        await self._turn.take()
        try:
            while True:
                at, view = await self._bench.space(len(data))
                view[:] = data
                if self.traced.send_message(data, at):
                    return
                await self._watched.writable
        finally:
            self._turn.give()

    async def flushed(self) -> None:
        await self._turn.take()
        self._turn.give()

    async def hung_up(self) -> None:
        await self._watched.hangup

    async def shutdown(self) -> None:
        """Send a FIN (shutdown(2))."""
        self.traced.shutdown(sockets.SHUT_WR)

    def close(self) -> None:
        self._watched.forget()
        self.traced.close()

    def reset(self) -> None:
        self.close()
