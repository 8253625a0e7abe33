"""The small servers of RFC 862 to 868."""

import os
import time as clock
from datetime import datetime

from socktui.core.connection import Connection
from socktui.services.quotations import QUOTATIONS

_PRINTABLE = bytes(range(0x20, 0x7F))
_LINE = 72
_DATAGRAM = 512
_SECONDS_1900_TO_1970 = 2_208_988_800


async def echo(connection: Connection) -> None:
    """RFC 862: send back all that is received, until the peer's FIN."""
    await connection.relay(connection)


async def discard(connection: Connection) -> None:
    """RFC 863: receive and discard, until the peer's FIN."""
    await connection.relay(None)


def chargen_pattern() -> bytes:
    """RFC 864: 95 lines of 72 characters; each starts one character further than the last, and ends in CR LF."""
    ring = _PRINTABLE * 2
    return b"".join(ring[i : i + _LINE] + b"\r\n" for i in range(len(_PRINTABLE)))


async def chargen(connection: Connection) -> None:
    """RFC 864: send the pattern without end, until the connection ends.

    Over messages, send 0 to 512 characters for each message received.
    """
    pattern = chargen_pattern()
    if not connection.messages:
        while True:
            await connection.send(pattern)
    while await connection.recv() is not None:
        await connection.send(pattern[: int.from_bytes(os.urandom(2), "big") % (_DATAGRAM + 1)])


async def qotd(connection: Connection) -> None:
    """RFC 865: send the quotation of the day, less than 512 characters, and end."""
    today = datetime.now().toordinal()
    await connection.send(QUOTATIONS[today % len(QUOTATIONS)].encode("ascii") + b"\r\n")


async def daytime(connection: Connection) -> None:
    """RFC 867: send the local date and time as a line of text, and end."""
    now = datetime.now().astimezone()
    await connection.send(now.strftime("%A, %B %d, %Y %H:%M:%S-%Z\r\n").encode())


async def time(connection: Connection) -> None:
    """RFC 868: send the seconds since 1900 (UTC) as 32 bits, big-endian, and end. They wrap around in 2036."""
    seconds = int(clock.time()) + _SECONDS_1900_TO_1970
    await connection.send((seconds & 0xFFFFFFFF).to_bytes(4, "big"))
