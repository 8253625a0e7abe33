"""telnet (RFC 854): a connection that answers the peer's commands, and records the data beside the wire."""

import socket as sockets
from time import monotonic_ns as now

from socktui.core import telnet
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.limits import BUFFER_SIZE
from socktui.engine import tcp
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.layered import Layered
from socktui.engine.listener import Accepted, Listener
from socktui.engine.lock import Lock

WINDOW = (80, 24)
"""Columns and rows that a server is told (RFC 1073): those of a terminal of unknown size."""


class TelnetConnection(Layered):
    """One end of a telnet connection. recv() returns data, without commands; send() escapes it."""

    __slots__ = ("_answers", "_received", "_telnet", "_turn")

    def __init__(self, context: EngineContext, under: SocketConnection, end: telnet.Telnet) -> None:
        super().__init__(context, under)
        self._answers = self._received = b""
        self._telnet = end
        self._turn = Lock()

    async def handshake(self) -> None:
        """Ask for the options that this end wants (RFC 1143), without waiting for the answers."""
        # The DM of a Synch comes as urgent data (RFC 854); taken out of its place, it would leave an IAC alone.
        self.traced.setsockopt(sockets.SOL_SOCKET, sockets.SO_OOBINLINE, 1)
        await self._send(self._telnet.begin())

    async def recv(self) -> bytes | None:
        while True:
            began = now()
            if self._answers:
                async with self._turn:
                    answers, self._answers = self._answers, b""
                    await self._send_wire(answers)
            if self._received:
                await self._record(Function.TELNET_RECV, began, self._received, size=self.buffer)
                data, self._received = self._received, b""
                return data
            self.under.buffer = self.buffer
            wire = await self.under.recv()
            if wire is None:
                return None
            self._received, self._answers = self._telnet.received(wire)

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        await self._send(self._telnet.escaped(bytes(data)), data)

    async def drain(self) -> None:
        async with self._turn:
            pass

    async def _send(self, wire: bytes, data: bytes | memoryview = b"") -> None:
        """Send bytes of the wire, and record the data in them.

        In the order of asking: from an answer on, data is escaped as it says.
        """
        if not wire:
            return
        async with self._turn:
            began = now()
            await self._send_wire(wire)
            for at in range(0, len(data), BUFFER_SIZE):
                await self._record(Function.TELNET_SEND, began, data[at : at + BUFFER_SIZE])


async def listen(
    context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
) -> Listener:
    """Listen for TCP connections that speak telnet. Raises OSError, socket.gaierror."""

    def arrived(under: SocketConnection) -> None:
        accepted(TelnetConnection(context, under, telnet.server()))

    return await tcp.listen(context, endpoint, service, backlog, arrived)


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> TelnetConnection:
    """Connect by TCP, to speak telnet. Raises OSError as tcp.connect() does."""
    under = await tcp.connect(context, endpoint, seconds)
    return TelnetConnection(context, under, telnet.client(size=WINDOW))
