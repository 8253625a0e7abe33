"""What a connection over a real socket knows of it."""

from pathlib import Path

from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import End
from socktui.engine.context import EngineContext
from socktui.engine.stream import Stream
from tests.engine.in_process import with_context
from tests.engine.plain_ends import unix_ends


def test_it_is_its_socket_as_the_calls_left_it(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (one, _), unix_ends(context, Stream) as (other, theirs):
            assert (one.number, other.number) == (1, 2)
            assert (one.buffer, one.messages) == (BUFFER_SIZE, False)
            assert one.socket is one.traced.entry.socket
            theirs.sendall(b"Hello, World!")
            assert await other.recv() == b"Hello, World!"
            assert (one.socket.received, other.socket.received) == (0, 13)

    with_context(capture, main)


def test_it_is_closed_with_its_socket(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with unix_ends(context, Stream) as (connection, _):
            before = connection.closed
            connection.close()
            connection.close()
            assert (before, connection.closed) == (False, True)
            assert connection.number == 1
            assert (connection.socket.end, connection.socket.calls) == (End.CLOSED, 1)

    with_context(capture, main)
