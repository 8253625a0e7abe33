"""Connections with nothing between them and their socket: streams, packets and connected datagrams."""

import asyncio
import socket as sockets

from socktui.core.connection import Connection, RelayError
from socktui.engine.context import EngineContext
from socktui.engine.relay import Relay, Relayable
from socktui.engine.traced import TracedSocket


class Direct(Relayable):
    """A connection that has its socket to itself. Those that send on it take turns."""

    __slots__ = ("_context", "_waited")

    def __init__(self, context: EngineContext, traced: TracedSocket) -> None:
        super().__init__(traced, context.poller)
        self._context = context
        self._waited = True

    async def relay(self, sink: Connection | None) -> None:
        if sink is not None and not isinstance(sink, Direct):
            await super().relay(sink)
            return
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(_: Relay, error: RelayError | None) -> None:
            if not over.done():
                over.set_exception(error) if error else over.set_result(None)

        relay = Relay(self._context.ring, self, sink, ended)
        relay.start(self._context.relay_taker)
        try:
            await over
        finally:
            relay.stop()

    async def drain(self) -> None:
        async with self.sending:
            pass

    async def wait_closed(self) -> None:
        self.take_back()
        await self.watch.hung_up()

    async def shutdown(self) -> None:
        """Send a FIN (shutdown(2))."""
        self.take_back()
        self.traced.shutdown(sockets.SHUT_WR)

    def close(self) -> None:
        self._leave()
        self.traced.close()

    def _leave(self) -> None:
        """End the relays, and wake the tasks, that use the connection: it is closed here."""
        for relay in self.relays:
            relay.closed(self)
        self.watch.close()

    async def _give_way(self) -> None:
        """Let other tasks have their turn before a send that follows another without a wait in between."""
        self.take_back()
        if not self._waited:
            await asyncio.sleep(0)
        self._waited = False
