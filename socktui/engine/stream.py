"""Stream sockets: the connection of TCP and of UNIX streams."""

import socket as sockets

from socktui.core.limits import BUFFER_SIZE
from socktui.engine.connection import Connection
from socktui.engine.direct import Direct


class Stream(Direct):
    """A stream socket."""

    __slots__ = ()

    async def recv(self) -> bytes | None:
        while True:
            await self._watch.readable
            self._waited = True
            at, view = await self._context.space(self.buffer)
            length = self.traced.recv_into(view, at)
            if length is not None:
                return bytes(view[:length]) or None

    async def forward(self, to: Connection) -> bool:
        """Receive once and send on what came, from the same memory where `to` is a stream as well."""
        if not isinstance(to, Stream):
            return await super().forward(to)
        while True:
            await self._watch.readable
            self._waited = to._waited = True
            at, view = self._context.space_now(self.buffer) or await self._context.space(self.buffer)
            length = self.traced.recv_into(view, at)
            if length is None:
                continue
            if length == 0:
                return False
            sent = 0
            if not to._turn.held:
                sent = to.traced.send(view[:length], at, fresh=False)
            if sent < length:
                # The ring's memory may serve others while this waits: what is left is taken out of it.
                await to._send_kept(bytes(view[sent:length]), at + sent)
            return True

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        await self._give_way()
        await self._turn.take()
        try:
            position = 0
            while position < len(data):
                piece = data[position : position + BUFFER_SIZE]
                at, view = await self._context.space(len(piece))
                view[:] = piece
                sent = self.traced.send(piece, at, fresh=True)
                position += sent
                if sent < len(piece):
                    await self._watch.writable
                elif position < len(data):
                    await self._context.soon
        finally:
            self._turn.give()

    async def settled(self) -> int:
        """Wait until a connect() in progress has an answer: 0, or its errno (connect(2): EINPROGRESS)."""
        await self._watch.writable
        return self.traced.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR)

    def reset(self) -> None:
        """Close with SO_LINGER and a time of 0 (socket(7)): TCP sends a RST."""
        self._watch.forget()
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
                    await self._watch.writable
        finally:
            self._turn.give()
