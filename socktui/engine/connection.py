"""The connection: what services are functions of, whatever carries its bytes."""

from abc import ABC, abstractmethod

from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Socket
from socktui.engine.traced import TracedSocket


class Connection(ABC):
    """One peer.

    traced    the socket that its calls are recorded on
    buffer    bytes asked for by each recv(); 20 in the lecture
    messages  the borders of what is sent are kept: datagrams, packets, messages of a WebSocket
    """

    __slots__ = ("buffer", "traced")

    messages = False

    def __init__(self, traced: TracedSocket) -> None:
        self.traced = traced
        self.buffer = BUFFER_SIZE

    @property
    def socket(self) -> Socket:
        """What its calls add up to so far."""
        return self.traced.entry.socket

    async def begin(self) -> None:  # noqa: B027  most have nothing to say
        """Say what must be said before the first byte, such as a handshake. Raises OSError."""

    @abstractmethod
    async def recv(self) -> bytes | None:
        """The next bytes, or the next message, which may be empty; None when the peer sends no more.

        Raises OSError as the kernel answers, or where the peer breaks the rules.
        """

    async def forward(self, to: "Connection") -> bool:
        """Receive once and send on what came; False when the peer sends no more. Raises OSError."""
        data = await self.recv()
        if data is None:
            return False
        await to.send(data)
        return True

    @abstractmethod
    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        """Send all of it, as one message where there are such. Raises OSError.

        kind  of a WebSocket's message: text, binary, ping, pong or close; where empty, what fits the data
        """

    @abstractmethod
    async def drain(self) -> None:
        """Wait until what others are sending here has gone out."""

    @abstractmethod
    async def wait_closed(self) -> None:
        """Wait until the connection is over in both directions, or was reset."""

    async def next_datagram(self) -> bool:
        """Wait for a reason to serve the same peer once more, such as its next datagram; False where there is none."""
        return False

    async def closing_handshake(self) -> None:  # noqa: B027  most have nothing to say
        """Say what must be said after the last byte. Raises OSError."""

    @abstractmethod
    async def shutdown(self) -> None:
        """Say that no more is sent; receiving goes on. Raises OSError."""

    @abstractmethod
    def close(self) -> None:
        """Close, with what can be said at once. Closing again does nothing."""

    @abstractmethod
    def reset(self) -> None:
        """Close with a RST, where there is such a thing."""
