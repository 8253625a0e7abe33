"""The peer of a service, over a pair of connections in memory."""

import asyncio

from socktui.engine.memory import memory_pair
from socktui.services import service
from tests.support import SECONDS


class Visitor:
    """Says what say() is told, then over(); what the service sends is in `sent`, each send() by itself.

    connection  what the service runs on
    sent        what it has sent so far
    ends        how it ended: "shutdown" by a FIN, "reset" by a RST
    """

    def __init__(self, *said: bytes, messages: bool = True) -> None:
        self.connection, self._far = memory_pair(messages=messages, limit=1)
        self.sent: list[bytes] = []
        self.ends: list[str] = []
        self.gate = asyncio.Event()
        """Nothing is received while this is not set, so that the service waits in its second send()."""
        self.gate.set()
        self._saying: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._tasks = [asyncio.ensure_future(self._hear()), asyncio.ensure_future(self._speak())]
        for data in said:
            self.say(data)

    def say(self, data: bytes) -> None:
        self._saying.put_nowait(data)

    def over(self) -> None:
        """Say no more."""
        self._saying.put_nowait(None)

    @property
    def said_all(self) -> bool:
        """Whether the service has received all that was said."""
        return self._saying.empty() and not self.connection.unread

    async def finish(self) -> None:
        """Receive the rest of what the service has sent, which sends no more."""
        ends = list(self.ends)
        self.gate.set()
        self.connection.close()
        await asyncio.wait_for(self._tasks[0], SECONDS)
        self._tasks[1].cancel()
        await asyncio.gather(self._tasks[1], return_exceptions=True)
        self.ends = ends

    async def _hear(self) -> None:
        try:
            while True:
                await self.gate.wait()
                data = await self._far.recv()
                if data is None:
                    self.ends.append("shutdown")
                    return
                self.sent.append(data)
        except ConnectionResetError:
            self.ends.append("reset")

    async def _speak(self) -> None:
        try:
            while (data := await self._saying.get()) is not None:
                await self._far.send(data)
            await self._far.shutdown()
        except OSError:
            pass  # the service has gone


async def served(spec: str, *said: bytes, messages: bool = True) -> Visitor:
    """The peer after a service has run on its connection until its end; it says this and no more."""
    visitor = Visitor(*said, messages=messages)
    visitor.over()
    _, function = service(spec)
    await asyncio.wait_for(function(visitor.connection), SECONDS)
    await visitor.finish()
    return visitor
