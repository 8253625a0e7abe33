"""Stream sockets: the connection of TCP and of UNIX streams."""

import asyncio
import socket as sockets

from socktui.core.limits import BUFFER_SIZE
from socktui.engine.direct import Direct
from socktui.engine.traced import END


class Stream(Direct):
    """A stream socket."""

    __slots__ = ()

    async def recv(self) -> bytes | None:
        while True:
            await self.watch.readable()
            self._waited = True
            at, view = await self._context.space(self.buffer)
            length = self.traced.recv_into(view, at)
            if length is not None:
                return bytes(view[:length]) or None

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        await self._give_way()
        async with self.sending:
            position = 0
            while position < len(data):
                piece = data[position : position + BUFFER_SIZE]
                at, view = await self._context.space(len(piece))
                view[:] = piece
                sent = self.traced.send(piece, at, fresh=True)
                position += sent
                if sent < len(piece):
                    await self.watch.writable()
                elif position < len(data):
                    await asyncio.sleep(0)

    def receive_now(self, at: int, view: memoryview) -> int | None:
        length = self.traced.recv_into(view, at)
        return END if length == 0 else length

    def send_now(self, data: bytes | memoryview, at: int) -> int | None:
        return self.traced.send(data, at, fresh=False) or None

    async def connected(self) -> int:
        """Wait for the answer to a connect() in progress (connect(2): EINPROGRESS). Return 0, or its errno."""
        await self.watch.writable()
        return self.traced.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR)

    def reset(self) -> None:
        """Close with SO_LINGER and a time of 0 (socket(7)): TCP sends a RST."""
        self._leave()
        if self.traced.fd >= 0:
            self.traced.set_linger(1, 0)
        self.traced.close()
