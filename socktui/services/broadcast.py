"""A chat: what one peer sends is sent to all the others on the same listener."""

import asyncio
from collections import deque

from socktui.core.connection import Connection
from socktui.core.service import ServiceFunction

LIMIT = 256 << 10
"""The most bytes that are queued for one peer. Messages beyond are dropped for it, and a notice says how many bytes."""

_MESSAGE = 64  # what the memory of a message costs beside its bytes


class Member:
    """One peer in the room, and the queue of messages to send to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._news = asyncio.Event()

    def hear(self, data: bytes) -> None:
        """Queue a message, or drop it where the queue is full. Never waits."""
        cost = len(data) + _MESSAGE
        if self._waiting and self._size + cost > LIMIT:
            self._dropped += len(data)
        else:
            self._tell_what_was_dropped()
            self._waiting.append(data)
            self._size += cost
        self._news.set()

    async def listen(self) -> None:
        """Send the queued messages as fast as the peer receives them, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data) + _MESSAGE
                await self._connection.send(data)
                if not self._waiting:
                    self._tell_what_was_dropped()

    def _tell_what_was_dropped(self) -> None:
        if self._dropped:
            notice = b"*** too slow: %d bytes were dropped for you ***\r\n" % self._dropped
            self._dropped = 0
            self._waiting.append(notice)
            self._size += len(notice) + _MESSAGE


def broadcast() -> ServiceFunction:
    """A room of its own: send what one peer sends to all the others; a slow one delays nobody."""
    room: dict[Connection, Member] = {}

    async def speak(connection: Connection) -> None:
        while (data := await connection.recv()) is not None:
            for other, member in room.items():
                if other is not connection:
                    member.hear(data)

    async def serve(connection: Connection) -> None:
        member = room[connection] = Member(connection)
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(member.listen())
                await speak(connection)
                listening.cancel()
        finally:
            del room[connection]

    return serve
