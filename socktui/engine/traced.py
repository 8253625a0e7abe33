"""A socket whose every call is recorded, with the answer that it really got."""

import os
import socket as sockets
import struct
from collections.abc import Callable
from time import monotonic_ns as now
from typing import Any

from socktui.core.call import Argument, Name
from socktui.journal.writer import Entry, Journal

Address = tuple[Any, ...] | str | bytes

_FLAGS = sockets.SOCK_NONBLOCK | sockets.SOCK_CLOEXEC
_LEVELS = {
    sockets.SOL_SOCKET: "SOL_SOCKET",
    sockets.IPPROTO_TCP: "IPPROTO_TCP",
    sockets.IPPROTO_IPV6: "IPPROTO_IPV6",
}
_OPTIONS = {
    sockets.SOL_SOCKET: {
        sockets.SO_REUSEADDR: "SO_REUSEADDR",
        sockets.SO_ERROR: "SO_ERROR",
        sockets.SO_LINGER: "SO_LINGER",
        sockets.SO_RCVBUF: "SO_RCVBUF",
    },
    sockets.IPPROTO_TCP: {sockets.TCP_NODELAY: "TCP_NODELAY"},
    sockets.IPPROTO_IPV6: {sockets.IPV6_V6ONLY: "IPV6_V6ONLY"},
}
_PROTOCOLS = {sockets.IPPROTO_ICMP: "IPPROTO_ICMP", sockets.IPPROTO_ICMPV6: "IPPROTO_ICMPV6"}
_HOW = {sockets.SHUT_RD: "SHUT_RD", sockets.SHUT_WR: "SHUT_WR", sockets.SHUT_RDWR: "SHUT_RDWR"}


class TracedSocket:
    """A non-blocking socket and the journal that its calls go to.

    Every method is one call of the man page of its name, and raises OSError as the kernel answered,
    after the call was recorded.
    """

    __slots__ = ("_journal", "_recv_into", "_send", "entry", "fd", "sock")

    def __init__(self, journal: Journal, sock: sockets.socket, entry: Entry) -> None:
        self._journal = journal
        self.sock = sock
        self.fd = sock.fileno()
        self.entry = entry
        self._recv_into = sock.recv_into
        self._send = sock.send

    @classmethod
    def open(
        cls, journal: Journal, family: int, kind: int, protocol: int = 0, *, service: str = "", scheme: str = "tcp"
    ) -> "TracedSocket":
        """socket(2)

        service  what a listener does, by name; empty for a client
        scheme   of the endpoint that it is made for
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
            journal.call(entry, Name.SOCKET, began, now(), -1, error.errno or 0, args=args)
            raise
        journal.call(entry, Name.SOCKET, began, now(), sock.fileno(), args=args)
        return cls(journal, sock, entry)

    @property
    def number(self) -> int:
        return self.entry.socket.number

    def bind(self, address: Address) -> None:
        self._call(Name.BIND, (_plain(address),), self.sock.bind, address)

    def listen(self, backlog: int) -> None:
        self._call(Name.LISTEN, (backlog,), self.sock.listen, backlog)

    def connect(self, address: Address) -> None:
        """connect(2). BlockingIOError is its EINPROGRESS."""
        self._call(Name.CONNECT, (_plain(address),), self.sock.connect, address)

    def shutdown(self, how: int) -> None:
        self._call(Name.SHUTDOWN, (_HOW[how],), self.sock.shutdown, how)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        args = (_LEVELS[level], _OPTIONS[level][option], value)
        self._call(Name.SETSOCKOPT, args, self.sock.setsockopt, level, option, value)

    def set_linger(self, on: int, seconds: int) -> None:
        """SO_LINGER of socket(7): with 1, 0 the next close() sends a RST."""
        value = struct.pack("ii", on, seconds)
        args: tuple[Argument, ...] = ("SOL_SOCKET", "SO_LINGER", [on, seconds])
        self._call(Name.SETSOCKOPT, args, self.sock.setsockopt, sockets.SOL_SOCKET, sockets.SO_LINGER, value)

    def getsockopt(self, level: int, option: int) -> int:
        args = (_LEVELS[level], _OPTIONS[level][option])
        value: int = self._call(Name.GETSOCKOPT, args, self.sock.getsockopt, level, option, answer=int)
        return value

    def getsockname(self) -> Address:
        address: Address = self._call(Name.GETSOCKNAME, (), self.sock.getsockname, answer=_plain)
        return address

    def accept(self, *, quiet: bool = False) -> "TracedSocket | None":
        """accept(2); None where no connection waits (EAGAIN), which is counted and not recorded.

        quiet   the same failure was recorded a moment ago: this one is counted only
        Raises OSError, too, where the capture has no room for another socket: nothing is accepted then.
        """
        self._journal.reserve()
        began = now()
        try:
            sock, address = self.sock.accept()
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            if quiet:
                self._journal.again(self.entry)
            else:
                self._journal.call(self.entry, Name.ACCEPT, began, now(), -1, error.errno or 0)
            raise
        ended = now()
        sock.setblocking(False)
        call = self._journal.call(
            self.entry,
            Name.ACCEPT,
            began,
            ended,
            sock.fileno(),
            answer=_plain(address),
            made=self._journal.next_socket,
        )
        return TracedSocket(self._journal, sock, self._journal.entry(self.entry, call))

    def recv_into(self, view: memoryview, at: int) -> int | None:
        """recv(2) into the heap's memory at `at`: how many bytes, 0 at the peer's FIN, None for EAGAIN."""
        began = now()
        try:
            length = self._recv_into(view)
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            self._failed(Name.RECV, began, error, len(view))
            raise
        ended = now()
        if length:
            self._journal.heap.commit(at + length)
            self._journal.moved(self.entry, Name.RECV, began, ended, at, length, len(view))
        else:
            self._journal.call(self.entry, Name.RECV, began, ended, 0, size=len(view))
        return length

    def send(self, data: "bytes | memoryview", at: int, *, fresh: bool) -> int:
        """send(2) of bytes that stand at address `at` of the heap: how many the kernel took, 0 for EAGAIN.

        fresh   the bytes were put there for this call, and are part of the heap as far as they were sent
        """
        began = now()
        try:
            length = self._send(data)
        except BlockingIOError:
            self._journal.again(self.entry)
            return 0
        except OSError as error:
            self._failed(Name.SEND, began, error, len(data))
            raise
        ended = now()
        if fresh:
            self._journal.heap.commit(at + length)
        self._journal.moved(self.entry, Name.SEND, began, ended, at, length, len(data))
        return length

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
        self._journal.call(self.entry, Name.CLOSE, began, now(), -1 if error else 0, error)
        self.fd = -1

    def _call(
        self,
        name: Name,
        args: tuple[Argument, ...],
        function: Callable[..., Any],
        *values: Any,
        answer: Callable[[Any], Argument] | None = None,
    ) -> Any:
        """Call `function`, and record it; what it returned. `answer` makes of that what is recorded of it."""
        began = now()
        try:
            result = function(*values)
        except OSError as error:
            self._journal.call(self.entry, name, began, now(), -1, error.errno or 0, args=args)
            raise
        ended = now()
        told = answer(result) if answer else None
        self._journal.call(self.entry, name, began, ended, 0, args=args, answer=told)
        return result

    def _failed(self, name: Name, began: int, error: OSError, size: int) -> None:
        self._journal.call(self.entry, name, began, now(), -1, error.errno or 0, size=size)


def _plain(address: Any) -> Argument:
    """An address as it is kept: [host, port], or a UNIX socket's path; flow and scope of IPv6 are left out.

    An abstract name has an @ in place of its zero byte, as ss(8) prints it.
    """
    if isinstance(address, tuple):
        return [address[0], address[1]]
    if isinstance(address, bytes):
        return address.decode("utf-8", "surrogateescape").replace("\0", "@", 1)
    return str(address)
