"""Connections with nothing between them and their socket: streams, packets and connected datagrams."""

import socket as sockets

from socktui.engine.bench import Bench, Watched
from socktui.engine.connection import Connection
from socktui.engine.traced import TracedSocket
from socktui.jobs.job import Turn


class Direct(Connection):
    """A connection that has its socket to itself. Those that send on it take turns."""

    __slots__ = ("_bench", "_turn", "_waited", "_watched")

    def __init__(self, bench: Bench, traced: TracedSocket) -> None:
        super().__init__(traced)
        self._bench = bench
        self._watched = Watched(bench.poller, traced.fd)
        self._turn = Turn(bench.poller)
        self._waited = True

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

    async def _give_way(self) -> None:
        """Let others have their turn before a send that follows another with no wait in between."""
        if not self._waited:
            await self._bench.soon
        self._waited = False
