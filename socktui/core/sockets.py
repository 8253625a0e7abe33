"""What calls add up to: a socket, its state, its peer, its bytes and why it ended."""

import errno as errnos
from dataclasses import dataclass, field

from socktui.core.call import TRANSFERS, Argument, Call, Function, Layer, address_text, errno_name
from socktui.core.numbered import Numbered


class Role(Numbered):
    """How the socket came to be. The numbers are part of the capture format."""

    NEW = 0
    LISTENER = 1
    CLIENT = 2
    ACCEPTED = 3


class State(Numbered):
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


class End(Numbered):
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

# Looked up once: every call is compared with them.
_RECV, _RECVFROM, _SEND, _SENDTO = Function.RECV, Function.RECVFROM, Function.SEND, Function.SENDTO
_NOTE = Function.NOTE


@dataclass(slots=True)
class Socket:
    """One socket as its calls left it. Times are ns on the monotonic clock; `ended` is 0 while it is open.

    calls     its records in the capture, notes on it included
    scheme    of the endpoint that it was made for
    who       the process at the other end, where that is known
    reason    why it ended, or what is amiss with it, where an errno does not tell
    insecure  the peer's certificate was not looked at
    pid       the process whose socket it is; 0 where that is not known
    command   of that process
    pair      number of the socket that is the other leg of its tap; 0 where there is none
    pending   the function that has been called on it and has not answered yet; None where nobody waits
    pending_since  when that was called
    linger_zero  close() will send a RST: known to whoever follows the calls, and in no slot
    above     bytes that each function above the wire has moved: likewise
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
    pid: int = 0
    command: str = ""
    pair: int = 0
    pending: Function | None = None
    pending_since: int = 0
    linger_zero: bool = field(default=False, repr=False, compare=False)
    above: dict[Function, int] | None = field(default=None, repr=False, compare=False)

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
        if not self.end.known:
            return str(self.end)
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
        """Take one more record into account. Never raises, whatever it says.

        A note is counted and changes nothing; so is a call of a function or layer that has no name here, but that it
        was made is known.
        """
        self.calls += 1
        self.last = call.seq
        name = call.name
        if name is _NOTE:
            return
        self.active = call.time
        if self.pending is not None:
            self.answered()
        if not (name.known and call.layer.known):
            return
        if call.failed:
            self._failed(call)
            return
        if call.length:
            self.transferred(name, call.length)
        match name:
            case Function.RECV | Function.RECVFROM:
                if call.eof:
                    self._peer_fin()
            case Function.SSL_READ:
                if call.eof and self.end is End.OPEN:
                    self.end = End.PEER_FIN  # its close_notify says as much
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

    def answered(self) -> None:
        """No call waits for its answer any more."""
        self.pending, self.pending_since = None, 0

    def transferred(self, function: Function, length: int) -> int:
        """Count `length` bytes that a call has moved; how many its direction and layer had moved before.

        received and sent count those of the wire. A function that moves no bytes of a stream counts nothing.
        """
        if function is _RECV or function is _RECVFROM:
            before = self.received
            self.received = before + length
        elif function is _SEND or function is _SENDTO:
            before = self.sent
            self.sent = before + length
        elif function in TRANSFERS:
            if self.above is None:
                self.above = {}
            before = self.above.get(function, 0)
            self.above[function] = before + length
        else:
            before = 0
        return before

    def accepted(self, call: Call, listener: "Socket") -> None:
        """Begin as the socket that `call`, an accept() on `listener`, has made."""
        self.parent, self.fd, self.netid = call.socket, call.result, listener.netid
        self.scheme, self.service, self.local = listener.scheme, listener.service, listener.local
        self._owned_as(listener)
        self.peer = address_text(call.answer)
        self.role, self.state = Role.ACCEPTED, State.ESTAB
        self.born = self.active = call.time
        self.first = call.seq

    def peered(self, bound: "Socket", address: str, seq: int, when: int, *, asked: bool) -> None:
        """Begin as a peer of the bound datagram socket `bound`; `asked` where we speak first."""
        self.parent, self.fd, self.netid = bound.number, bound.fd, bound.netid
        self.scheme, self.service, self.local = bound.scheme, bound.service, bound.local
        self._owned_as(bound)
        self.peer, self.role = address, Role.CLIENT if asked else Role.ACCEPTED
        self.first, self.born, self.active = seq, when, when

    def peered_by(self, call: Call, bound: "Socket") -> None:
        """The same, by its first call. Who is spoken to is a server, though nothing else may say so."""
        if call.receives and bound.role is Role.NEW:
            bound.role = Role.LISTENER
        address = call.answer if call.receives else _address(call)
        self.peered(bound, address_text(address), call.seq, call.time, asked=call.sends)

    def _owned_as(self, parent: "Socket") -> None:
        """Its process is the parent's, unless it is known to be another."""
        if not self.pid:
            self.pid, self.command = parent.pid, parent.command

    def over(self, when: int) -> None:
        """End a datagram peer, whose end no call reports."""
        self.state, self.ended = State.CLOSED, when
        if self.end is End.OPEN:
            self.end = End.CLOSED

    def remember(self, known: "Socket") -> None:
        """Copy from `known` what the calls themselves do not say."""
        self.service, self.scheme, self.again = known.service, known.scheme, known.again
        self.who, self.reason, self.insecure = known.who, known.reason, known.insecure
        self.pid, self.command, self.pair = known.pid, known.command, known.pair

    def wait(self, known: "Socket") -> None:
        """Take over which call waits for its answer, where no record of `known` is missing here."""
        if self.calls == known.calls:
            self.pending, self.pending_since = known.pending, known.pending_since

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
