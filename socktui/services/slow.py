"""A slow reader, which shows the peer what back-pressure is."""

import asyncio

from socktui.core.connection import Connection
from socktui.core.service import ServiceFunction

_TURNS_A_SECOND = 10


def slow(rate: int) -> ServiceFunction:
    """Echo `rate` bytes a second: no more are received either, and the rest waits in the socket buffers.

    Over messages, each is echoed whole, and the next one when the rate allows it; an empty one counts as a byte.
    """

    async def serve(connection: Connection) -> None:
        if not connection.messages:
            connection.buffer = min(connection.buffer, max(1, rate // _TURNS_A_SECOND))
        while (data := await connection.recv()) is not None:
            await connection.send(data)
            await asyncio.sleep(max(len(data), 1) / rate)

    return serve
