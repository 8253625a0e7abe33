"""The service of a person: what comes is shown, what is typed is sent, nothing ends before it is told to."""

from socktui.core.connection import Connection


async def manual(connection: Connection) -> None:
    """Receive until the peer's FIN, then stay: the way back is open until it is closed here, or lost."""
    while await connection.recv() is not None:
        pass
    await connection.wait_closed()
    await connection.recv()


async def client(connection: Connection) -> None:
    """What a client of ours runs: the same."""
    await manual(connection)
