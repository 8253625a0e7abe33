"""The connection: what a service is a function of, whatever moves its bytes."""

import errno as errnos
from abc import ABC, abstractmethod

from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Socket


class ClosedHereError(SocketError):
    """The connection was closed at this end, before or while somebody used it (ECONNABORTED)."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.CLOSED_MEANWHILE, errnos.ECONNABORTED)


class RelayError(OSError):
    """A relay between two connections failed: a call on `connection` did, with that errno."""

    def __init__(self, connection: "Connection", error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.connection = connection


class Connection(ABC):
    """One peer.

    buffer    bytes that each recv() asks for; 20 in the lecture
    messages  the borders of what is sent are kept: datagrams, packets, messages of a WebSocket

    A method that waits raises OSError as the kernel answers (its man page has the errnos), or where the peer breaks
    a protocol's rule (EPROTO), or where the connection is closed here meanwhile (ECONNABORTED).
    """

    __slots__ = ("buffer",)

    messages = False

    def __init__(self) -> None:
        self.buffer = BUFFER_SIZE

    @property
    @abstractmethod
    def socket(self) -> Socket:
        """What its calls add up to so far."""

    @property
    def number(self) -> int:
        """The number of its socket in the capture."""
        return self.socket.number

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether it was closed here: it can do nothing more."""

    async def handshake(self) -> None:  # noqa: B027  most protocols have none
        """Exchange what the protocol wants before the first byte."""

    @abstractmethod
    async def recv(self) -> bytes | None:
        """Return the next bytes, or the next message, which may be empty; None when the peer sends no more."""

    @abstractmethod
    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        """Send all of it, as one message where there are such.

        kind  of a WebSocket's message: text, binary, ping, pong or close; where empty, what fits the data
        """

    async def forward(self, sink: "Connection | None") -> bool:
        """Receive once, and send that to `sink` (None: nowhere); False at the end of what comes. Raises RelayError."""
        try:
            data = await self.recv()
        except OSError as error:
            raise RelayError(self, error) from error
        if data is None:
            return False
        if sink is not None:
            try:
                await sink.send(data)
            except OSError as error:
                raise RelayError(sink, error) from error
        return True

    async def relay(self, sink: "Connection | None") -> None:
        """Send all that is received to `sink`, which may be this one (echo) or None (discard), until the peer's FIN.

        A half-close is not passed on: the caller decides. Cancelling stops it. Raises RelayError.
        """
        while await self.forward(sink):
            pass

    @abstractmethod
    async def drain(self) -> None:
        """Wait until what others are sending on this connection has gone out."""

    @abstractmethod
    async def wait_closed(self) -> None:
        """Wait until the connection is over in both directions, or was reset."""

    async def next_datagram(self) -> bool:
        """Wait for a reason to serve the same peer once more, its next datagram; False where there is none."""
        return False

    async def closing_handshake(self) -> None:  # noqa: B027  most protocols have none
        """Exchange what the protocol wants after the last byte."""

    @abstractmethod
    async def shutdown(self) -> None:
        """Send a FIN, or what the protocol has in its place; receiving goes on (shutdown(2))."""

    @abstractmethod
    def close(self) -> None:
        """Close, and send what can be sent at once. Closing again does nothing."""

    @abstractmethod
    def reset(self) -> None:
        """Close with a RST, where there is such a thing."""
