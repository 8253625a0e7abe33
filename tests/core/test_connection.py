"""The connection as services see it: what a kind of connection gets from the base."""

import pytest

from socktui.core.connection import ClosedHereError, Connection, RelayError
from socktui.core.errors import ErrorCode
from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Socket


class Scripted(Connection):
    """Receives what it is given, and fails where that is an error."""

    def __init__(self, number: int, *said: bytes | OSError) -> None:
        super().__init__()
        self._socket = Socket(number)
        self._said = list(said)
        self.sent: list[bytes] = []
        self.refuses: OSError | None = None

    @property
    def socket(self) -> Socket:
        return self._socket

    @property
    def closed(self) -> bool:
        return False

    async def recv(self) -> bytes | None:
        match self._said.pop(0) if self._said else None:
            case OSError() as error:
                raise error
            case data:
                return data

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        if self.refuses:
            raise self.refuses
        self.sent.append(bytes(data))

    async def drain(self) -> None: ...
    async def wait_closed(self) -> None: ...
    async def shutdown(self) -> None: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...


async def test_a_relay_sends_all_that_comes_until_the_end() -> None:
    source, sink = Scripted(1, b"one", b"", b"two"), Scripted(2)
    await source.relay(sink)
    assert sink.sent == [b"one", b"", b"two"]
    echo = Scripted(3, b"back")
    await echo.relay(echo)
    assert echo.sent == [b"back"]
    await Scripted(4, b"away").relay(None)


async def test_forward_says_whether_more_may_come() -> None:
    source = Scripted(1, b"one")
    assert await source.forward(None)
    assert not await source.forward(None)


async def test_a_relay_says_which_end_failed() -> None:
    failure = ConnectionResetError(104, "Connection reset by peer")
    source, sink = Scripted(1, b"one", failure), Scripted(2)
    with pytest.raises(RelayError, match="reset by peer") as caught:
        await source.relay(sink)
    assert (caught.value.connection, caught.value.errno, caught.value.__cause__) == (source, 104, failure)
    source, sink.refuses = Scripted(1, b"one"), BrokenPipeError(32, "Broken pipe")
    with pytest.raises(RelayError, match="Broken pipe") as caught:
        await source.relay(sink)
    assert (caught.value.connection, caught.value.errno) == (sink, 32)


async def test_most_have_no_handshake_and_no_next_datagram() -> None:
    connection = Scripted(7)
    await connection.handshake()
    await connection.closing_handshake()
    assert not await connection.next_datagram()
    assert (connection.number, connection.buffer, connection.messages) == (7, BUFFER_SIZE, False)


def test_closed_here_is_an_aborted_connection() -> None:
    assert (ClosedHereError().errno, ClosedHereError().code) == (103, ErrorCode.CLOSED_MEANWHILE)
