"""The end of a stream connection without losing the bytes that were sent last (RFC 9112, section 9.6)."""

import asyncio

from socktui.core.connection import Connection

LINGER_SECONDS = 1.0


async def lingering_close(connection: Connection) -> None:
    """Send a FIN, then receive until the peer's FIN: close(2) with unread bytes would send a RST.

    A peer that sends no FIN is waited for no longer than LINGER_SECONDS. Over messages it does nothing.
    """
    if connection.messages:
        return
    await connection.shutdown()
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await connection.relay(None)
    except TimeoutError:
        pass
