"""Servers that misbehave on purpose, to test how a client copes."""

import os

from socktui.core.connection import Connection
from socktui.core.payload import PayloadError, from_escapes
from socktui.core.service import ServiceFunction
from socktui.services.error import ServiceError

_PIECE = 16384
_DATAGRAM = 512


async def clogged(connection: Connection) -> None:
    """Never receive: the peer fills the socket buffers of both ends, and then its send(2) blocks."""
    await connection.wait_closed()


async def random(connection: Connection) -> None:
    """Send random bytes until the connection ends. Over messages, send 512 bytes for each message received."""
    if not connection.messages:
        while True:
            await connection.send(os.urandom(_PIECE))
    while await connection.recv() is not None:
        await connection.send(os.urandom(_DATAGRAM))


def literal(text: str) -> ServiceFunction:
    """Answer every receive with a fixed text, written with escapes (core.payload.from_escapes). Raises ServiceError."""
    try:
        answer = from_escapes(text, "utf-8")
    except PayloadError as error:
        raise ServiceError(error.message) from error

    async def serve(connection: Connection) -> None:
        while await connection.recv() is not None:
            await connection.send(answer)

    return serve


def close_after(count: int) -> ServiceFunction:
    """Echo the first `count` bytes, and close: the peer receives them all, and then our FIN."""

    async def serve(connection: Connection) -> None:
        if await _echoed(connection, count):
            # It brings asyncio: not for the list of services.
            from socktui.services.lingering_close import lingering_close

            await lingering_close(connection)

    return serve


def reset_after(count: int) -> ServiceFunction:
    """Echo the first `count` bytes, and close with a RST (socket(7), SO_LINGER): bytes not yet delivered are lost."""

    async def serve(connection: Connection) -> None:
        if await _echoed(connection, count):
            connection.reset()

    return serve


async def _echoed(connection: Connection, count: int) -> bool:
    """Echo `count` bytes and no more. Whether the peer sent that many."""
    left = count
    while left:
        data = await connection.recv()
        if data is None:
            return False
        await connection.send(data[:left])
        left -= min(len(data), left)
    return True
