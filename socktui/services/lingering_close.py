"""The end of a talk over a stream, so that what was said last is not lost."""

import asyncio

from socktui.core.connection import Connection

LINGER_SECONDS = 1.0


async def lingering_close(connection: Connection) -> None:
    """Send a FIN and receive what still comes until the peer's: close(2) with bytes unread would be a RST.

    A peer that goes on is waited for no longer than LINGER_SECONDS (RFC 9112, section 9.6). Where messages are
    exchanged there is nothing to be done.
    """
    if connection.messages:
        return
    await connection.shutdown()
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await connection.relay(None)
    except TimeoutError:
        pass
