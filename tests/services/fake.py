"""A connection in memory, for what a service says to what it is given."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from socktui.core.sockets import Socket
from socktui.engine.connection import Connection
from socktui.jobs import job as jobs
from socktui.services import service
from tests.support import SECONDS


class FakeConnection(Connection):
    """What comes is put in by say(), then over(); what is sent is in `sent`, each send() by itself."""

    def __init__(self, *said: bytes, messages: bool = True) -> None:
        super().__init__(cast(Any, None))
        self.messages = messages
        self.sent: list[bytes] = []
        self.ends: list[str] = []
        self.gate = asyncio.Event()
        """Sending waits while this is not set."""
        self.gate.set()
        self._coming: asyncio.Queue[bytes | None] = asyncio.Queue()
        for data in said:
            self.say(data)

    def say(self, data: bytes) -> None:
        self._coming.put_nowait(data)

    def over(self) -> None:
        """The peer sends no more."""
        self._coming.put_nowait(None)

    @property
    def socket(self) -> Socket:
        return Socket(1, netid="tcp", peer="127.0.0.1:50000", scheme="tcp")

    async def recv(self) -> bytes | None:
        data = await self._coming.get()
        if data is None:
            self.over()
        return data

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        await self.gate.wait()
        self.sent.append(bytes(data))

    async def drain(self) -> None: ...

    async def wait_closed(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def shutdown(self) -> None:
        self.ends.append("shutdown")

    def close(self) -> None:
        self.ends.append("close")

    def reset(self) -> None:
        self.ends.append("reset")


async def served(spec: str, *said: bytes, messages: bool = True) -> FakeConnection:
    """The connection after a service has run on it until its end; the peer says this and no more."""
    connection = FakeConnection(*said, messages=messages)
    connection.over()
    _, function = service(spec)
    _, done = jobs.run(function(connection))
    await asyncio.wait_for(done, SECONDS)
    return connection
