"""A bound datagram socket whose calls are recorded as those of the peers that it talks with."""

import socket as sockets
from dataclasses import dataclass
from time import monotonic_ns as now

from socktui.core.call import Argument, Function, address_text
from socktui.core.connection import ClosedHereError
from socktui.engine.traced import Address, TracedSocket
from socktui.journal.entry import Entry
from socktui.journal.writer import DETAILS_ROOM

_FLAGS: tuple[Argument, ...] = ("MSG_TRUNC",)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What recvfrom(2) answered, which is still to be recorded.

    address  the source; None of a UNIX socket that has no name
    result   the length that the datagram was sent with
    size     bytes asked for
    """

    address: Address | None
    result: int
    size: int
    began: int
    ended: int

    @property
    def length(self) -> int:
        """How many of its bytes fitted."""
        return min(self.result, self.size)


class TracedDatagrams(TracedSocket):
    """A datagram socket with no peer of its own."""

    __slots__ = ()

    def recvfrom(self, view: memoryview) -> Arrival | None:
        """recvfrom(2) into memory of the heap; None for EAGAIN. Whose call it was is known from its answer.

        view  has DETAILS_ROOM bytes more than are asked for
        """
        size = len(view) - DETAILS_ROOM
        began = now()
        try:
            result, address = self.sock.recvfrom_into(view, size, sockets.MSG_TRUNC)
        except BlockingIOError:
            self._journal.again(self.entry)
            return None
        except OSError as error:
            if self.fd < 0:
                raise ClosedHereError from None
            errno = error.errno or 0
            self._journal.append_call(self.entry, Function.RECVFROM, began, now(), -1, errno, size=size, args=_FLAGS)
            raise
        return Arrival(address, result, size, began, now())

    def arrived(self, arrival: Arrival, peer: Entry | None, view: memoryview, at: int) -> None:
        """Record a recvfrom() as a call of `peer`, or of this socket where nobody has a row for it.

        view  the heap's memory at `at`: the datagram, and DETAILS_ROOM bytes more at least
        """
        self._journal.append_message(
            peer or self.entry,
            Function.RECVFROM,
            arrival.began,
            arrival.ended,
            at,
            view,
            arrival.length,
            arrival.size,
            result=arrival.result,
            args=_FLAGS,
            answer=self.plain(arrival.address),
            via=self.number if peer else 0,
        )

    def peer(self, address: Address | None, when: int, *, asked: bool) -> "TracedPeer":
        """A peer at an address (Journal.peer); at None, all UNIX sockets that have no name. Raises OSError."""
        return TracedPeer(self, self._journal.peer(self.entry, self.address_text(address), when, asked=asked), address)

    def address_text(self, address: Address | None) -> str:
        """An address as the capture names a peer by it."""
        return address_text(self.plain(address))


class TracedPortless(TracedDatagrams):
    """The same where peers have no ports.

    Of the socket itself the kernel tells a number in place of the port, as ss(8) does: the protocol of a raw socket,
    the identifier of one of ICMP.
    """

    __slots__ = ()

    def plain(self, address: Address | None) -> Argument:
        plain = super().plain(address)
        return plain[:1] if isinstance(plain, list) and plain[1] == 0 else plain


class TracedPeer(TracedSocket):
    """A peer of a bound datagram socket: the same descriptor, and calls of its own."""

    __slots__ = ("_bound", "address")

    def __init__(self, bound: TracedDatagrams, entry: Entry, address: Address | None) -> None:
        super().__init__(bound._journal, bound.sock, entry)
        self._bound = bound
        self.address = address

    def sendto(self, data: bytes | memoryview, view: memoryview, at: int) -> bool:
        """sendto(2) of one datagram to the peer: whether the kernel took it.

        view  the heap's memory at `at`, with DETAILS_ROOM bytes more than `data` has
        """
        journal, via, size = self._journal, self._bound.number, len(data)
        args: tuple[Argument, ...] = ("NULL" if self.address is None else self._bound.plain(self.address),)
        began = now()
        try:
            # send(2) is sendto(2) with no address.
            length = self.sock.send(data) if self.address is None else self.sock.sendto(data, self.address)
        except BlockingIOError:
            journal.again(self.entry)
            return False
        except OSError as error:
            if self.fd < 0:
                raise ClosedHereError from None
            journal.append_call(
                self.entry, Function.SENDTO, began, now(), -1, error.errno or 0, size=size, args=args, via=via
            )  # fmt: skip
            raise
        ended = now()
        view[:length] = data
        journal.append_message(self.entry, Function.SENDTO, began, ended, at, view, length, size, args=args, via=via)
        return True

    def describe(self, reason: str) -> None:
        """Say what no call tells."""
        self._journal.describe(self.entry, reason=reason)

    def close(self) -> None:
        """Be over. No call says so, since the descriptor goes on. Closing again does nothing."""
        if self.fd >= 0:
            self._journal.over(self.entry, self._bound.entry.socket.ended or now())
            self.fd = -1
