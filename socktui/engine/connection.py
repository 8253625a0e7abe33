"""A connection over a real socket, whose calls are recorded."""

from socktui.core.connection import Connection
from socktui.core.sockets import Socket
from socktui.engine.traced import TracedSocket


class SocketConnection(Connection):
    """One peer, spoken to over `traced`: directly, by a protocol above it, or as one of many on a datagram socket."""

    __slots__ = ("traced",)

    def __init__(self, traced: TracedSocket) -> None:
        super().__init__()
        self.traced = traced

    @property
    def socket(self) -> Socket:
        return self.traced.entry.socket

    @property
    def taken(self) -> int:
        """Bytes that send() has passed on so far, those of a send that was cancelled half-way included."""
        return self.socket.sent

    @property
    def closed(self) -> bool:
        return self.traced.fd < 0
