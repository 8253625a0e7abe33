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
    """The answer of a recvfrom(2), which is still to be recorded.

    address       the source; None for a UNIX socket without a name
    result        the length with which the datagram was sent (MSG_TRUNC)
    size          bytes asked for
    began, ended  ns on the monotonic clock
    """

    address: Address | None
    result: int
    size: int
    began: int
    ended: int

    @property
    def length(self) -> int:
        """How many bytes of the datagram fitted."""
        return min(self.result, self.size)


class TracedDatagrams(TracedSocket):
    """A datagram socket with no peer of its own."""

    __slots__ = ()

    def recvfrom(self, view: memoryview) -> Arrival | None:
        """recvfrom(2) into memory of the heap; None for EAGAIN. arrived() records it: only the answer names the peer.

        view  memory of the heap, with DETAILS_ROOM bytes more than are asked for
        Raises OSError, recorded as a call of this socket.
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
        """Record a recvfrom() as a call of `peer`, or of this socket where the peer has no row (None).

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
        """Make a row for the peer at an address (Journal.peer); None stands for all UNIX sockets without a name.

        when   ns on the monotonic clock
        asked  this end was the first to send
        Raises OSError where the capture has no room.
        """
        return TracedPeer(self, self._journal.peer(self.entry, self.address_text(address), when, asked=asked), address)

    def address_text(self, address: Address | None) -> str:
        """An address as rows show it: `host:port`, a path, or empty for a UNIX socket without a name."""
        return address_text(self.plain(address))


class TracedPortless(TracedDatagrams):
    """A datagram socket whose peers have no ports: raw IP and ICMP.

    In the socket's own address the kernel has a number in place of the port, as ss(8) prints it: the protocol of a raw
    socket, the identifier of an ICMP socket.
    """

    __slots__ = ()

    def plain(self, address: Address | None) -> Argument:
        plain = super().plain(address)
        return plain[:1] if isinstance(plain, list) and plain[1] == 0 else plain


class TracedPeer(TracedSocket):
    """A peer of a bound datagram socket, which shares its descriptor. Its calls are recorded in a row of its own."""

    __slots__ = ("_bound", "address")

    def __init__(self, bound: TracedDatagrams, entry: Entry, address: Address | None) -> None:
        super().__init__(bound._journal, bound.sock, entry)
        self._bound = bound
        self.address = address

    def sendto(self, data: bytes | memoryview, view: memoryview, at: int) -> bool:
        """sendto(2) of one datagram to the peer. Return whether the kernel took it; False stands for EAGAIN.

        view  the heap's memory at `at`, with DETAILS_ROOM bytes more than `data` has
        Raises OSError.
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
        """Show a reason in the peer's row: one that no call tells."""
        self._journal.describe(self.entry, reason=reason)

    def close(self) -> None:
        """End the peer's row. No call is made: the descriptor is the socket's. Closing again does nothing."""
        if self.fd >= 0:
            self._journal.over(self.entry, self._bound.entry.socket.ended or now())
            self.fd = -1
