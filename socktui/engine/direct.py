"""Connections with nothing between them and their socket: streams, packets and connected datagrams."""

import socket as sockets

from socktui.engine.connection import Connection
from socktui.engine.context import EngineContext, Watch
from socktui.engine.traced import TracedSocket
from socktui.jobs.job import Turn


class Direct(Connection):
    """A connection that has its socket to itself. Those that send on it take turns."""

    __slots__ = ("_context", "_turn", "_waited", "_watch")

    def __init__(self, context: EngineContext, traced: TracedSocket) -> None:
        super().__init__(traced)
        self._context = context
        self._watch = Watch(context.poller, traced.fd)
        self._turn = Turn(context.poller)
        self._waited = True

    async def drain(self) -> None:
        await self._turn.take()
        self._turn.give()

    async def wait_closed(self) -> None:
        await self._watch.hangup

    async def shutdown(self) -> None:
        """Send a FIN (shutdown(2))."""
        self.traced.shutdown(sockets.SHUT_WR)

    def close(self) -> None:
        self._watch.forget()
        self.traced.close()

    async def _give_way(self) -> None:
        """Let others have their turn before a send that follows another with no wait in between."""
        if not self._waited:
            await self._context.soon
        self._waited = False
