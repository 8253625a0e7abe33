"""What calls add up to: a socket, its state, its peer, its bytes and why it ended."""

import errno as errnos
from dataclasses import dataclass, field
from enum import IntEnum

from socktui.core.call import TRANSFERS, Argument, Call, Function, Layer, address_text, errno_name


class Role(IntEnum):
    """How the socket came to be. The numbers are part of the capture format."""

    NEW = 0
    LISTENER = 1
    CLIENT = 2
    ACCEPTED = 3

    def __str__(self) -> str:
        return self.name.lower()


class State(IntEnum):
    """The state as ss(8) prints it, as far as calls tell it. The numbers are part of the capture format."""

    UNCONN = 0
    LISTEN = 1
    SYN_SENT = 2
    ESTAB = 3
    CLOSE_WAIT = 4
    FIN_WAIT_2 = 5
    LAST_ACK = 6
    TIME_WAIT = 7
    CLOSED = 8

    def __str__(self) -> str:
        return self.name.replace("_", "-")


class End(IntEnum):
    """Why a socket is no longer of use. The numbers are part of the capture format.

    After our FIN it still receives: then, too, it is the peer's that ends it.
    """

    OPEN = 0
    PEER_FIN = 1
    PEER_RESET = 2
    CLOSED = 3
    RESET = 4
    FAILED = 5


_NETIDS = {
    ("AF_INET", "SOCK_STREAM"): "tcp",
    ("AF_INET6", "SOCK_STREAM"): "tcp",
    ("AF_INET", "SOCK_DGRAM"): "udp",
    ("AF_INET6", "SOCK_DGRAM"): "udp",
    ("AF_INET", "SOCK_RAW"): "raw",
    ("AF_INET6", "SOCK_RAW"): "raw",
    ("AF_UNIX", "SOCK_STREAM"): "u_str",
    ("AF_UNIX", "SOCK_DGRAM"): "u_dgr",
    ("AF_UNIX", "SOCK_SEQPACKET"): "u_seq",
}
_DATAGRAMS = frozenset({"udp", "u_dgr", "raw", "icmp"})
_AFTER_SHUTDOWN = {State.ESTAB: State.FIN_WAIT_2, State.CLOSE_WAIT: State.LAST_ACK}
_AFTER_FIN = {State.ESTAB: State.CLOSE_WAIT, State.FIN_WAIT_2: State.TIME_WAIT}
_FIN_SENT = frozenset({State.FIN_WAIT_2, State.LAST_ACK, State.TIME_WAIT})
_NOT_ENDING = frozenset({errnos.EAGAIN, errnos.EINPROGRESS, errnos.EINTR, errnos.EALREADY})


@dataclass(slots=True)
class Socket:
    """One socket as its calls left it. Times are ns on the monotonic clock; `ended` is 0 while it is open.

    scheme    of the endpoint that it was made for
    who       the process at the other end, where that is known
    reason    why it ended, or what is amiss with it, where an errno does not tell
    insecure  the peer's certificate was not looked at
    linger_zero  close() will send a RST: known to whoever follows the calls, and in no slot
    """

    number: int
    parent: int = 0
    fd: int = -1
    netid: str = ""
    service: str = ""
    local: str = ""
    peer: str = ""
    role: Role = Role.NEW
    state: State = State.UNCONN
    end: End = End.OPEN
    errno: int = 0
    backlog: int = 0
    received: int = 0
    sent: int = 0
    calls: int = 0
    again: int = 0
    first: int = 0
    last: int = 0
    born: int = 0
    active: int = 0
    ended: int = 0
    scheme: str = ""
    who: str = ""
    reason: str = ""
    insecure: bool = False
    linger_zero: bool = field(default=False, repr=False, compare=False)

    @property
    def open(self) -> bool:
        """Whether it has not ended yet."""
        return not self.ended

    @property
    def datagrams(self) -> bool:
        """Whether it sends and receives without a connection, so that a failed call does not end it."""
        return self.netid in _DATAGRAMS

    @property
    def why(self) -> str:
        """Why it ended, in the words of the field; of datagrams what failed last; empty while all is well."""
        match self.end:
            case End.OPEN:
                return errno_name(self.errno) if self.errno else self.reason
            case End.PEER_FIN:
                return "peer FIN"
            case End.PEER_RESET:
                # unix(7) has no RST: what a peer did not read is told by the same errno.
                return f"{'peer left bytes unread' if self.netid.startswith('u_') else 'peer RST'} (ECONNRESET)"
            case End.CLOSED:
                return self.reason or "closed here"
            case End.RESET:
                return "RST sent"
            case End.FAILED:
                return self.reason or errno_name(self.errno)

    def apply(self, call: Call) -> None:
        """Take one more call into account. Never raises, whatever the call says."""
        self.calls += 1
        self.last = call.seq
        self.active = call.time
        if call.failed:
            self._failed(call)
            return
        match call.name:
            case Function.RECV | Function.RECVFROM:
                self.received += call.length
                if call.eof:
                    self._peer_fin()
            case Function.SSL_READ:
                if call.eof and self.end is End.OPEN:
                    self.end = End.PEER_FIN  # its close_notify says as much
            case Function.SEND | Function.SENDTO:
                self.sent += call.length
            case Function.SOCKET:
                self._born(call)
            case Function.BIND:
                self.local = address_text(_address(call))
                if self.service and self.datagrams:
                    self.role = Role.LISTENER
            case Function.GETSOCKNAME:
                self.local = address_text(call.answer)
            case Function.GETPEERNAME:
                self.peer = address_text(call.answer)
            case Function.LISTEN:
                self.role, self.state = Role.LISTENER, State.LISTEN
                self.backlog = _number(call, 0)
            case Function.CONNECT:
                self.role, self.state = Role.CLIENT, State.ESTAB
                self.peer = address_text(_address(call))
            case Function.GETSOCKOPT:
                self._asked(call)
            case Function.SETSOCKOPT:
                self.linger_zero = self.linger_zero or call.args[1:] == ("SO_LINGER", [1, 0])
            case Function.SHUTDOWN:
                if call.args[:1] != ("SHUT_RD",) and not self.datagrams:
                    self.state = _AFTER_SHUTDOWN.get(self.state, self.state)
            case Function.CLOSE:
                self._closed(call)
            case _:
                pass

    def accepted(self, call: Call, listener: "Socket") -> None:
        """Begin as the socket that `call`, an accept() on `listener`, has made."""
        self.parent, self.fd, self.netid = call.socket, call.result, listener.netid
        self.scheme, self.service, self.local = listener.scheme, listener.service, listener.local
        self.peer = address_text(call.answer)
        self.role, self.state = Role.ACCEPTED, State.ESTAB
        self.born = self.active = call.time
        self.first = call.seq

    def peered(self, bound: "Socket", address: str, seq: int, when: int, *, asked: bool) -> None:
        """Begin as a peer of the bound datagram socket `bound`; `asked` where we speak first."""
        self.parent, self.fd, self.netid = bound.number, bound.fd, bound.netid
        self.scheme, self.service, self.local = bound.scheme, bound.service, bound.local
        self.peer, self.role = address, Role.CLIENT if asked else Role.ACCEPTED
        self.first, self.born, self.active = seq, when, when

    def peered_by(self, call: Call, bound: "Socket") -> None:
        """The same, by its first call. Who is spoken to is a server, though nothing else may say so."""
        if call.receives and bound.role is Role.NEW:
            bound.role = Role.LISTENER
        address = call.answer if call.receives else _address(call)
        self.peered(bound, address_text(address), call.seq, call.time, asked=call.sends)

    def over(self, when: int) -> None:
        """End a datagram peer, whose end no call reports."""
        self.state, self.ended = State.CLOSED, when
        if self.end is End.OPEN:
            self.end = End.CLOSED

    def remember(self, known: "Socket") -> None:
        """Copy from `known` what the calls themselves do not say."""
        self.service, self.scheme, self.again = known.service, known.scheme, known.again
        self.who, self.reason, self.insecure = known.who, known.reason, known.insecure

    def _born(self, call: Call) -> None:
        self.fd = call.result
        self.born = call.time
        self.first = call.seq
        kind = str(call.args[1] if len(call.args) > 1 else "").partition("|")[0]
        self.netid = _NETIDS.get((str(call.args[0] if call.args else ""), kind), "")
        if "ICMP" in str(call.args[2:3]):
            self.netid = "icmp"

    def _peer_fin(self) -> None:
        self.state = _AFTER_FIN.get(self.state, self.state)
        if self.end is End.OPEN:
            self.end = End.PEER_FIN

    def _asked(self, call: Call) -> None:
        """connect(2): a connection in progress is settled by reading SO_ERROR."""
        if call.args[1:2] != ("SO_ERROR",) or not isinstance(call.answer, int):
            return
        if call.answer:
            self._end(End.PEER_RESET if call.answer == errnos.ECONNRESET else End.FAILED, call.answer)
        elif self.state is State.SYN_SENT:
            self.state = State.ESTAB

    def _failed(self, call: Call) -> None:
        if call.errno == errnos.EINPROGRESS and call.name is Function.CONNECT:
            self.role, self.state = Role.CLIENT, State.SYN_SENT
            self.peer = address_text(_address(call))
        if (
            call.errno == errnos.EAGAIN and call.name is Function.CONNECT
        ):  # a UNIX listener's queue is full: it tries again
            self.role, self.peer = Role.CLIENT, address_text(_address(call))
        if call.errno in _NOT_ENDING or (call.errno == errnos.EPIPE and self.state in _FIN_SENT):
            return
        if call.name is Function.SOCKET:
            self._born(call)
            self.state, self.ended = State.CLOSED, call.time
        elif call.name is Function.CONNECT:
            self.role, self.peer = Role.CLIENT, address_text(_address(call))
        elif call.name is Function.BIND:
            self.local = address_text(_address(call))
        if call.layer is not Layer.WIRE:
            self._end(End.FAILED, errnos.EPROTO)
            self.reason = str(call.answer or "")
        elif call.name in TRANSFERS and (self.datagrams or call.errno == errnos.EMSGSIZE):
            self.errno = call.errno
        elif call.errno == errnos.ECONNRESET:
            self._end(End.PEER_RESET, call.errno)
        elif call.name in (
            Function.CONNECT,
            Function.SEND,
            Function.RECV,
            Function.SOCKET,
            Function.BIND,
            Function.LISTEN,
        ):
            self._end(End.FAILED, call.errno)

    def _end(self, end: End, errno: int) -> None:
        if self.end in (End.OPEN, End.PEER_FIN):
            self.end, self.errno = end, errno

    def _closed(self, call: Call) -> None:
        self.state = State.CLOSED
        self.ended = call.time
        if self.linger_zero and self.end in (End.OPEN, End.PEER_FIN):
            self.end = End.RESET
        elif self.end is End.OPEN:
            self.end = End.CLOSED


def _address(call: Call) -> Argument | None:
    return call.args[0] if call.args else None


def _number(call: Call, position: int) -> int:
    value = call.args[position] if len(call.args) > position else 0
    return value if isinstance(value, int) else 0
