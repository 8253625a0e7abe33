"""A socket whose every call is recorded, with the answer that it really got."""

import errno as errnos
import fcntl
import os
import select
import socket as sockets
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic_ns as now
from typing import Any, Self

from socktui.core.call import Argument, Function
from socktui.core.connection import ClosedHereError
from socktui.journal.entry import Entry
from socktui.journal.writer import Journal

Address = tuple[Any, ...] | str | bytes

END = -1
"""recv_message() returns this where the peer sends no more."""

_FLAGS = sockets.SOCK_NONBLOCK | sockets.SOCK_CLOEXEC
_LEVELS = {
    sockets.SOL_SOCKET: "SOL_SOCKET",
    sockets.IPPROTO_TCP: "IPPROTO_TCP",
    sockets.IPPROTO_IP: "IPPROTO_IP",
    sockets.IPPROTO_IPV6: "IPPROTO_IPV6",
}
_OPTIONS = {
    sockets.SOL_SOCKET: {
        sockets.SO_REUSEADDR: "SO_REUSEADDR",
        sockets.SO_ERROR: "SO_ERROR",
        sockets.SO_LINGER: "SO_LINGER",
        sockets.SO_RCVBUF: "SO_RCVBUF",
        sockets.SO_BROADCAST: "SO_BROADCAST",
        sockets.SO_OOBINLINE: "SO_OOBINLINE",
    },
    sockets.IPPROTO_TCP: {sockets.TCP_NODELAY: "TCP_NODELAY"},
    sockets.IPPROTO_IP: {
        sockets.IP_TTL: "IP_TTL",
        sockets.IP_MULTICAST_TTL: "IP_MULTICAST_TTL",
        sockets.IP_MULTICAST_LOOP: "IP_MULTICAST_LOOP",
    },
    sockets.IPPROTO_IPV6: {
        sockets.IPV6_V6ONLY: "IPV6_V6ONLY",
        sockets.IPV6_UNICAST_HOPS: "IPV6_UNICAST_HOPS",
        sockets.IPV6_MULTICAST_HOPS: "IPV6_MULTICAST_HOPS",
        sockets.IPV6_MULTICAST_LOOP: "IPV6_MULTICAST_LOOP",
    },
}
_PROTOCOLS = {sockets.IPPROTO_ICMP: "IPPROTO_ICMP", sockets.IPPROTO_ICMPV6: "IPPROTO_ICMPV6"}
_CREDENTIALS = struct.Struct("=iII")
_HOW = {sockets.SHUT_RD: "SHUT_RD", sockets.SHUT_WR: "SHUT_WR", sockets.SHUT_RDWR: "SHUT_RDWR"}


class TracedSocket:
    """A non-blocking socket whose calls are appended to a journal.

    Every method makes one call, the one whose man page has its name. It records the call, and then raises OSError
    where the kernel refused it; ClosedHereError, and nothing is recorded, where the socket is closed.
    """

    __slots__ = ("_journal", "entry", "fd", "sock")

    def __init__(self, journal: Journal, sock: sockets.socket, entry: Entry) -> None:
        self._journal = journal
        self.sock = sock
        self.fd = sock.fileno()
        self.entry = entry

    @classmethod
    def open(
        cls, journal: Journal, family: int, kind: int, protocol: int = 0, *, service: str = "", scheme: str = "tcp"
    ) -> Self:
        """Make a socket by socket(2), with SOCK_NONBLOCK and SOCK_CLOEXEC.

        service  the name of a listener's service; empty for a client
        scheme   of the endpoint for which the socket is made
        Raises OSError.
        """
        entry = journal.entry(service=service, scheme=scheme)
        args: tuple[Argument, ...] = (
            sockets.AddressFamily(family).name,
            f"{sockets.SocketKind(kind).name}|SOCK_NONBLOCK|SOCK_CLOEXEC",
            _PROTOCOLS.get(protocol, protocol),
        )
        began = now()
        try:
            sock = sockets.socket(family, kind | _FLAGS, protocol)
        except OSError as error:
            journal.append_call(entry, Function.SOCKET, began, now(), -1, error.errno or 0, args=args)
            raise
        journal.append_call(entry, Function.SOCKET, began, now(), sock.fileno(), args=args)
        return cls(journal, sock, entry)

    @property
    def number(self) -> int:
        """The number of the socket in the capture."""
        return self.entry.socket.number

    def plain(self, address: Address | None) -> Argument:
        """Return an address in the form in which calls record it."""
        return _plain(address)

    def bind(self, address: Address) -> None:
        """bind(2). Raises OSError."""
        self._call(Function.BIND, (self.plain(address),), self.sock.bind, address)

    def listen(self, backlog: int) -> None:
        """listen(2). Raises OSError."""
        self._call(Function.LISTEN, (backlog,), self.sock.listen, backlog)

    def connect(self, address: Address, *, quiet: bool = False) -> None:
        """connect(2). It raises BlockingIOError for EINPROGRESS, and for EAGAIN: a UNIX listener's queue is full.

        quiet   count an EAGAIN instead of recording it: one was recorded a moment ago
        """
        self._call(Function.CONNECT, (self.plain(address),), self.sock.connect, address, quiet=quiet)

    def shutdown(self, how: int) -> None:
        """shutdown(2); `how` is one of SHUT_RD, SHUT_WR and SHUT_RDWR. Raises OSError."""
        self._call(Function.SHUTDOWN, (_HOW[how],), self.sock.shutdown, how)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """setsockopt(2) of a number. Raises OSError."""
        args = (_LEVELS[level], _OPTIONS[level][option], value)
        self._call(Function.SETSOCKOPT, args, self.sock.setsockopt, level, option, value)

    def set_linger(self, on: int, seconds: int) -> None:
        """SO_LINGER of socket(7): with 1, 0 the next close() sends a RST."""
        value = struct.pack("ii", on, seconds)
        self.setsockopt_struct(sockets.SOL_SOCKET, sockets.SO_LINGER, value, ("SOL_SOCKET", "SO_LINGER", [on, seconds]))

    def setsockopt_struct(self, level: int, option: int, value: bytes, args: tuple[Argument, ...]) -> None:
        """setsockopt(2) of a value that is a struct, or a string; the call is recorded with the arguments `args`."""
        self._call(Function.SETSOCKOPT, args, self.sock.setsockopt, level, option, value)

    def getsockopt(self, level: int, option: int) -> int:
        """getsockopt(2) of a number. Raises OSError."""
        args = (_LEVELS[level], _OPTIONS[level][option])
        value: int = self._call(Function.GETSOCKOPT, args, self.sock.getsockopt, level, option, answer=int)
        return value

    def get_peer_credentials(self) -> tuple[int, int, int]:
        """SO_PEERCRED of unix(7): the other end's process id, user id and group id."""
        args = ("SOL_SOCKET", "SO_PEERCRED")
        what = (sockets.SOL_SOCKET, sockets.SO_PEERCRED, _CREDENTIALS.size)
        packed: bytes = self._call(Function.GETSOCKOPT, args, self.sock.getsockopt, *what, answer=_credentials)
        pid, uid, gid = _CREDENTIALS.unpack(packed)
        return pid, uid, gid

    def getsockname(self) -> Address:
        """getsockname(2): the address that the socket is bound to. Raises OSError."""
        address: Address = self._call(Function.GETSOCKNAME, (), self.sock.getsockname, answer=self.plain)
        return address

    def accept(self, *, quiet: bool = False) -> "TracedSocket | None":
        """accept(2). Return None where no connection waits (EAGAIN), which is counted and not recorded.

        quiet   count a failure instead of recording it: the same was recorded a moment ago
        Raises OSError also where the capture has no room for another socket; then nothing is accepted.
        """
        self._journal.reserve()
        began = now()
        try:
            sock, address = self.sock.accept()
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            if self.fd < 0:
                raise ClosedHereError from None
            if quiet:
                self._journal.again(self.entry)
            else:
                self._journal.append_call(self.entry, Function.ACCEPT, began, now(), -1, error.errno or 0)
            raise
        ended = now()
        sock.setblocking(False)
        call = self._journal.append_call(
            self.entry,
            Function.ACCEPT,
            began,
            ended,
            sock.fileno(),
            answer=_plain(address),
            made=self._journal.next_socket,
        )
        return TracedSocket(self._journal, sock, self._journal.entry(self.entry, call))

    def recv_into(self, view: memoryview, at: int) -> int | None:
        """recv(2) into `view`, the heap's memory at `at`. Return their number: 0 at the peer's FIN, None for EAGAIN."""
        began = now()
        try:
            length = self.sock.recv_into(view)
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            self._failed(Function.RECV, began, error, len(view))
            raise
        ended = now()
        if length:
            self._journal.heap.commit(at + length)
            self._journal.append_transfer(self.entry, Function.RECV, began, ended, at, length, len(view))
        else:
            self._journal.append_call(self.entry, Function.RECV, began, ended, 0, size=len(view))
        return length

    def send(self, data: "bytes | memoryview", at: int, *, fresh: bool) -> int:
        """send(2) of bytes that stand at address `at` of the heap. Return how many the kernel took: 0 for EAGAIN.

        fresh   the bytes were put there for this call: those that the kernel takes become part of the heap
        """
        began = now()
        try:
            length = self.sock.send(data)
        except BlockingIOError:
            self._journal.again(self.entry)
            return 0
        except OSError as error:
            self._failed(Function.SEND, began, error, len(data))
            raise
        ended = now()
        if fresh:
            self._journal.heap.commit(at + length)
        self._journal.append_transfer(self.entry, Function.SEND, began, ended, at, length, len(data))
        return length

    def recv_message(self, view: memoryview, at: int) -> int | None:
        """recv(2) of one message into `view`, the heap's memory at `at`. Return how many of its bytes fitted.

        None stands for EAGAIN, END for a peer that sends no more. The call's recorded result is the length with which
        the message was sent (MSG_TRUNC). Where the peer closes while an empty message is still to be received, that
        message is taken for the end: recv(2) answers 0 to both.
        """
        began = now()
        try:
            result = self.sock.recv_into(view, len(view), sockets.MSG_TRUNC)
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            self._failed(Function.RECV, began, error, len(view))
            raise
        ended = now()
        if not result and self._peer_ended():
            self._journal.append_call(self.entry, Function.RECV, began, ended, 0, size=len(view), end=True)
            return END
        length = min(result, len(view))
        self._journal.append_message(
            self.entry, Function.RECV, began, ended, at, view, length, len(view), result=result
        )
        return length

    def send_message(self, data: "bytes | memoryview", at: int, *, fresh: bool) -> bool:
        """send(2) of one message that stands at address `at` of the heap. Return whether the kernel took it.

        fresh   the bytes were put there for this call: they become part of the heap once the kernel takes them
        """
        began = now()
        try:
            length = self.sock.send(data)
        except BlockingIOError:
            self._journal.again(self.entry)
            return False
        except OSError as error:
            self._failed(Function.SEND, began, error, len(data))
            raise
        ended = now()
        if fresh:
            self._journal.heap.commit(at + length)
        self._journal.append_transfer(self.entry, Function.SEND, began, ended, at, length, len(data))
        return True

    def close(self) -> None:
        """close(2). Closing again does nothing."""
        if self.fd < 0:
            return
        began = now()
        self.sock.detach()
        error = 0
        try:
            os.close(self.fd)
        except OSError as failure:
            error = failure.errno or 0
        self._journal.append_call(self.entry, Function.CLOSE, began, now(), -1 if error else 0, error)
        self.fd = -1

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Close the socket if the body raises."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _call(
        self,
        name: Function,
        args: tuple[Argument, ...],
        function: Callable[..., Any],
        *values: Any,
        answer: Callable[[Any], Argument] | None = None,
        quiet: bool = False,
    ) -> Any:
        """Call `function`, record the call, and return what it returned.

        answer  from what it returned to what is recorded of it
        quiet   count EAGAIN instead of recording it
        """
        began = now()
        try:
            result = function(*values)
        except OSError as error:
            if self.fd < 0:
                raise ClosedHereError from None
            if quiet and error.errno == errnos.EAGAIN:
                self._journal.again(self.entry)
            else:
                self._journal.append_call(self.entry, name, began, now(), -1, error.errno or 0, args=args)
            raise
        ended = now()
        told = answer(result) if answer else None
        self._journal.append_call(self.entry, name, began, ended, 0, args=args, answer=told)
        return result

    def _peer_ended(self) -> bool:
        """Whether the peer sends no more, and nothing of it is left to receive (poll(2), SIOCINQ of unix(7))."""
        waits = select.poll()
        waits.register(self.fd, select.POLLRDHUP)
        return bool(waits.poll(0)) and not any(fcntl.ioctl(self.fd, termios.FIONREAD, bytes(4)))

    def _failed(self, name: Function, began: int, error: OSError, size: int) -> None:
        """Record a call that failed. Raises ClosedHereError, and records nothing, where the socket is closed."""
        if self.fd < 0:
            raise ClosedHereError from None
        self._journal.append_call(self.entry, name, began, now(), -1, error.errno or 0, size=size)


def _credentials(packed: bytes) -> Argument:
    return list(_CREDENTIALS.unpack(packed))


def _plain(address: Any) -> Argument:
    """An address as calls record it: [host, port], or a UNIX socket's path, empty where it has none.

    A link-local host has its %interface, and an abstract name an @ in place of its zero byte, as ss(8) prints them.
    """
    if isinstance(address, tuple):
        host, port, *more = address
        return [f"{host}%{_interface(more[1])}" if more and more[1] and "%" not in host else host, port]
    if address is None:
        return ""
    if isinstance(address, bytes):
        return address.decode("utf-8", "surrogateescape").replace("\0", "@", 1)
    return str(address)


def _interface(index: int) -> str:
    try:
        return sockets.if_indextoname(index)
    except OSError:
        return str(index)  # it has gone meanwhile
