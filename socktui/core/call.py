"""The call: the one record that everything else is made of.

A call is what a program asked of a socket and what the kernel answered. Names are those of the man pages
(socket(2), bind(2), listen(2), accept(2), connect(2), send(2), recv(2), shutdown(2), close(2), ...).
"""

import errno as errnos
from dataclasses import dataclass

from socktui.core.numbered import Numbered


class Function(Numbered):
    """Which function was called. The numbers are part of the capture format: append, never renumber.

    0 is no record at all. NOTE is no function: its record is a note (core.note), which moved no bytes and did nothing
    to a socket.
    """

    SOCKET = 1
    BIND = 2
    LISTEN = 3
    ACCEPT = 4
    CONNECT = 5
    SEND = 6
    RECV = 7
    SHUTDOWN = 8
    CLOSE = 9
    SETSOCKOPT = 10
    GETSOCKOPT = 11
    GETSOCKNAME = 12
    GETPEERNAME = 13
    SENDTO = 14
    RECVFROM = 15
    SSL_DO_HANDSHAKE = 16
    SSL_READ = 17
    SSL_WRITE = 18
    SSL_SHUTDOWN = 19
    WS_SEND = 20
    WS_RECV = 21
    TELNET_SEND = 22
    TELNET_RECV = 23
    NOTE = 255

    def __str__(self) -> str:
        """The name as its man page spells it: `recvfrom`, and `SSL_read` with OpenSSL's capitals."""
        name = self.name.lower()
        return "SSL" + name[3:] if name.startswith("ssl") else name


class Layer(Numbered):
    """Where the bytes were seen: as they crossed the wire, or inside what the wire carried.

    The numbers are part of the capture format.
    """

    WIRE = 0
    TLS = 1
    WS = 2
    TELNET = 3


SENDS = frozenset({Function.SEND, Function.SENDTO, Function.SSL_WRITE, Function.WS_SEND, Function.TELNET_SEND})
RECEIVES = frozenset({Function.RECV, Function.RECVFROM, Function.SSL_READ, Function.WS_RECV, Function.TELNET_RECV})
TRANSFERS = SENDS | RECEIVES
"""The calls that move bytes of a stream. Whether bytes of a function without a name here were sent or received cannot
be told: they belong to no stream."""


def layer_of(name: Function) -> Layer:
    """The layer that a function belongs to: those of sockets to the wire, those of libraries above it to theirs.

    A function without a name here is taken for one of the wire.
    """
    prefix = name.name.partition("_")[0]
    return _LAYERS.get(prefix, Layer.WIRE)


_LAYERS = {"SSL": Layer.TLS, "WS": Layer.WS, "TELNET": Layer.TELNET}

Argument = str | int | list[str | int]


@dataclass(frozen=True, slots=True)
class Call:
    """One call and its answer. A note (Function.NOTE) reads as one: args is its kind, answer its text.

    seq       position in the capture, from 0
    time      ns on the monotonic clock when it was made
    duration  ns until it answered
    socket    number of the socket in this capture, from 1 (descriptors are used again, numbers are not); 0 for a note
              on the capture
    name      which function
    result    what it returned; -1 when it failed
    errno     why it failed; 0 when it did not
    size      bytes asked for (recv) or offered (send), else 0
    args      further arguments, in the order of the man page, without the descriptor
    answer    what was written back through a pointer: an address, an option's value
    made      number of the socket that accept() made, else 0
    via       number of the bound socket whose descriptor a datagram peer's call went through, else 0
    offset    bytes that this socket had moved in this direction and layer before (calls that carry bytes)
    at        where the bytes begin in the capture's heap
    length    how many bytes moved
    layer     where they were seen
    under     a layer above has them too, in clear
    message   they are one whole message: its borders are kept, and it may be empty
    """

    seq: int
    time: int
    duration: int
    socket: int
    name: Function
    result: int
    errno: int = 0
    size: int = 0
    args: tuple[Argument, ...] = ()
    answer: Argument | None = None
    made: int = 0
    offset: int = 0
    at: int = 0
    length: int = 0
    layer: Layer = Layer.WIRE
    under: bool = False
    message: bool = False
    via: int = 0

    @property
    def failed(self) -> bool:
        """Whether the call returned an error: -1, and why in errno."""
        return self.errno != 0 or self.result < 0

    @property
    def sends(self) -> bool:
        """Whether the function sends bytes of a stream, at any layer."""
        return self.name in SENDS

    @property
    def receives(self) -> bool:
        """Whether the function receives bytes of a stream, at any layer."""
        return self.name in RECEIVES

    @property
    def transfers(self) -> bool:
        """Whether the bytes that it moved belong to a stream: those of a function without a name here do not."""
        return self.name in TRANSFERS

    @property
    def eof(self) -> bool:
        """Whether a receive reported the peer's FIN (recv(2) returned 0), or its close_notify (RFC 8446, 6.1)."""
        return self.name in _TELL_OF_END and self.result == 0 and self.size > 0 and not self.message

    @property
    def empty(self) -> bool:
        """Whether an empty message was sent or received, such as a datagram of 0 bytes."""
        return self.message and self.name in TRANSFERS and self.result == 0


_TELL_OF_END = frozenset({Function.RECV, Function.SSL_READ})


def errno_name(number: int) -> str:
    """The symbolic name of an errno (errno(3)): `ECONNREFUSED` for 111; `errno 9999` for one that has no name here."""
    return errnos.errorcode.get(number, f"errno {number}")


def address_text(address: Argument | None) -> str:
    """An address as ss(8) prints it: `127.0.0.1:5005`, `[::1]:5005`; a path as it is; empty for none."""
    if isinstance(address, list) and len(address) == 1:
        return str(address[0])
    if isinstance(address, list) and len(address) == 2:
        host, port = str(address[0]), address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return "" if address is None else str(address)
