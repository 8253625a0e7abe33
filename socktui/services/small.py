"""The small servers of RFC 862 to 867."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socktui.engine.stream import Connection

_PRINTABLE = bytes(range(0x20, 0x7F))
_LINE = 72


async def echo(connection: Connection) -> None:
    """RFC 862: whatever comes is sent back, until the peer's FIN."""
    while await connection.forward(connection):
        pass


async def discard(connection: Connection) -> None:
    """RFC 863: whatever comes is thrown away, until the peer's FIN."""
    while await connection.recv():
        pass


def chargen_pattern() -> bytes:
    """RFC 864: 95 lines of 72 characters, each begun one character further, each ended by CR LF."""
    ring = _PRINTABLE * 2
    return b"".join(ring[i : i + _LINE] + b"\r\n" for i in range(len(_PRINTABLE)))


async def chargen(connection: Connection) -> None:
    """RFC 864: characters without end, until the peer has gone."""
    pattern = chargen_pattern()
    while True:
        await connection.send(pattern)


async def daytime(connection: Connection) -> None:
    """RFC 867: the date and time as a line of text, then the end."""
    now = datetime.now().astimezone()
    await connection.send(now.strftime("%A, %B %d, %Y %H:%M:%S-%Z\r\n").encode())
