"""The service of a person: it receives, and leaves sending and closing to the user."""

from socktui.core.connection import Connection


async def manual(connection: Connection) -> None:
    """Receive until the peer's FIN, and stay half-closed until the user closes the connection, or it is lost."""
    while await connection.recv() is not None:
        pass
    await connection.wait_closed()
    await connection.recv()


async def client(connection: Connection) -> None:
    """What a client connection runs: the same as manual()."""
    await manual(connection)
