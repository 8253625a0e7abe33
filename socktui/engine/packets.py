"""Connected sockets that keep the borders of what is sent: UNIX packets, and datagrams to one peer."""

import errno as errnos

from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BUFFER_MAX
from socktui.engine.context import EngineContext
from socktui.engine.direct import Direct
from socktui.engine.traced import END, TracedSocket


class Packets(Direct):
    """A connected socket of messages, each of which is one call."""

    __slots__ = ("_lost",)

    messages = True

    def __init__(self, context: EngineContext, traced: TracedSocket) -> None:
        super().__init__(context, traced)
        self._lost: ConnectionResetError | None = None

    async def recv(self) -> bytes | None:
        while True:
            await self.watch.readable()
            self._waited = True
            at, view = await self._context.space(self.buffer)
            length = self.receive_now(at, view)
            if length == END:
                return None
            if length is not None:
                return bytes(view[:length])

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        if len(data) > BUFFER_MAX:
            raise SocketError(ErrorCode.MESSAGE_TOO_LONG, errnos.EMSGSIZE, size=len(data), most=BUFFER_MAX)
        await self._give_way()
        async with self.sending:
            while True:
                at, view = await self._context.space(len(data))
                view[:] = data
                if self.traced.send_message(data, at, fresh=True):
                    return
                await self.watch.writable()

    def receive_now(self, at: int, view: memoryview) -> int | None:
        """Where the peer closed with bytes unread, the kernel answers ECONNRESET first, and then returns what the peer
        had sent before: this raises ConnectionResetError only when all of that has been received.
        """
        try:
            length = self.traced.recv_message(view, at)
        except ConnectionResetError as error:
            self._lost = error
            return None
        if length == END and self._lost:
            raise self._lost
        return length

    def send_now(self, data: bytes | memoryview, at: int) -> int | None:
        return len(data) if self.traced.send_message(data, at, fresh=False) else None

    def reset(self) -> None:
        self.close()
