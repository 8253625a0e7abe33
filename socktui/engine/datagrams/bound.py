"""Datagram sockets: one that is connected, and one that is bound and talks with many peers.

Each address that a bound socket talks with is a connection of its own, with a row of its own in the capture.
"""

import asyncio
import errno as errnos
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic_ns as now

from socktui.core.connection import ClosedHereError
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.limits import BUFFER_MAX, BUFFER_SIZE
from socktui.core.sockets import Socket
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.traced import Arrival, TracedDatagrams, TracedPeer
from socktui.engine.listener import Accepted
from socktui.engine.lock import Lock
from socktui.engine.packets import Packets
from socktui.engine.traced import Address, TracedSocket
from socktui.engine.watch import Watch
from socktui.journal.writer import DETAILS_ROOM

PEERS_MOST = 1024
INBOX_COUNT = 256
INBOX_BYTES = 256 << 10
INBOXES_BYTES = 16 << 20
"""Bounds of what waits for services, per peer and per socket. An empty inbox takes any datagram."""

AT_ONCE = 64
RETRY_SECONDS = 0.005
PAUSE_SECONDS = 1.0

DROPPED = "datagrams were dropped: they came faster than the service took them"
IDLE = f"it was idle the longest when {PEERS_MOST} others had spoken"

_ERRORS_OF_OTHERS = frozenset(
    {
        errnos.ECONNREFUSED,
        errnos.ECONNRESET,
        errnos.EHOSTUNREACH,
        errnos.EHOSTDOWN,
        errnos.ENETUNREACH,
        errnos.ENETDOWN,
        errnos.ENONET,
        errnos.ENOPROTOOPT,
        errnos.EOPNOTSUPP,
        errnos.EPROTO,
        errnos.EACCES,
        errnos.EMSGSIZE,
    }
)
"""Errors of recv(2) that concern a datagram sent before (udp(7), icmp(7)): the next datagram may be well."""


class Connected(Packets):
    """A datagram socket with one peer (connect(2)). An ICMP error about a datagram does not end it (udp(7))."""

    __slots__ = ()

    async def recv(self) -> bytes | None:
        while True:
            try:
                return await super().recv()
            except OSError as error:
                if error.errno not in _ERRORS_OF_OTHERS:
                    raise

    async def wait_closed(self) -> None:
        """No peer says that it is gone: until it is closed here."""
        await self.watch.closed_here()


class Peer(SocketConnection):
    """One address with which a bound datagram socket exchanges datagrams. Those received from it wait in its inbox.

    served   a service runs, or has run, for it
    waiting  the service waits for a datagram, or for the end
    """

    __slots__ = ("_bound", "_inbox", "_news", "_over", "_size", "_taken", "_turn", "_waited", "served", "waiting")

    messages = True
    traced: TracedPeer

    def __init__(self, bound: "Bound", traced: TracedPeer) -> None:
        self._bound = bound
        self._inbox: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._turn = Lock()
        self._taken = self._over = False
        self._waited = True
        self.served = self.waiting = False
        self.traced = traced

    @property
    def buffer(self) -> int:
        """That of the socket, which receives for all its peers."""
        return self._bound.buffer

    @buffer.setter
    def buffer(self, size: int) -> None:
        self._bound.buffer = size

    @property
    def over(self) -> bool:
        """Whether it receives no more datagrams."""
        return self._over

    async def recv(self) -> bytes | None:
        while not self._inbox:
            if self.closed:
                raise ClosedHereError
            if self._over:
                return None
            self._waited = True
            await self._told()
        self._taken = True
        return self._next()

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        """Send one datagram. While the kernel has no room for it (EAGAIN), try again every RETRY_SECONDS.

        epoll(7) tells nothing of a UNIX peer's queue. Raises OSError, SocketError.
        """
        if len(data) > BUFFER_MAX:
            raise SocketError(ErrorCode.MESSAGE_TOO_LONG, errnos.EMSGSIZE, size=len(data), most=BUFFER_MAX)
        if not self._waited:
            await asyncio.sleep(0)
        self._waited = False
        await self._turn.acquire()
        try:
            while True:
                at, view = await self._bound.context.space(len(data) + DETAILS_ROOM)
                if self.closed:
                    raise ClosedHereError
                if self.traced.sendto(data, view, at):
                    break
                await asyncio.sleep(RETRY_SECONDS)
        except OSError as error:
            if self.traced.address is None:
                raise SocketError(ErrorCode.PEER_WITHOUT_NAME, error.errno) from error
            raise
        finally:
            self._turn.release()
        self._bound.spoke(self)

    async def drain(self) -> None:
        async with self._turn:
            pass

    async def wait_closed(self) -> None:
        """No peer says that it is gone: until it is closed here."""
        while not self._over:
            await self._told()
        if self.closed:
            raise ClosedHereError

    async def next_datagram(self) -> bool:
        """Wait for the peer's next datagram; one that the service did not receive was for the last run of it."""
        if not self._taken and self._inbox:
            self._next()
        self._taken = False
        while not self._inbox and not self._over:
            self._waited = True
            await self._told()
        return bool(self._inbox)

    async def shutdown(self) -> None:
        """Raise SocketError: shutdown(2) would answer ENOTCONN, and yet shut the socket down for all its peers."""
        raise SocketError(ErrorCode.NO_HALF_CLOSE)

    def close(self) -> None:
        self._over = True
        while self._inbox:
            self._next()
        self._bound.leave(self)
        self._news.set()

    def reset(self) -> None:
        self.close()

    def put(self, data: bytes) -> None:
        """Put a datagram into the inbox. Where the inbox is full it is dropped, and the row says so."""
        bound = self._bound
        full = len(self._inbox) >= INBOX_COUNT or self._size + len(data) > INBOX_BYTES or bound.waiting > INBOXES_BYTES
        if self._inbox and full:
            if self.socket.reason != DROPPED:
                self.traced.describe(DROPPED)
            return
        self._inbox.append(data)
        self._size += len(data)
        bound.waiting += len(data)
        self._news.set()

    def retire(self) -> None:
        """Receive no more datagrams: another peer takes its place. The service reads what waits, and then the end."""
        self._over = True
        self.traced.describe(IDLE)
        self._news.set()

    async def _told(self) -> None:
        """Wait for a datagram, or for the end."""
        self._news.clear()
        self.waiting = True
        try:
            await self._news.wait()
        finally:
            self.waiting = False

    def _next(self) -> bytes:
        data = self._inbox.popleft()
        self._size -= len(data)
        self._bound.waiting -= len(data)
        return data


class Bound:
    """A datagram socket that receives from any address, and its peers.

    accepted  called with every peer whose first datagram is received
    payload   from a source address and a datagram to what services receive of it; None where they do not receive it
    leaving   called before the socket is closed
    note      one sentence for the user who asked for the socket
    buffer    bytes that each recvfrom() asks for
    waiting   bytes in the inboxes of all peers
    """

    def __init__(
        self,
        context: EngineContext,
        traced: TracedDatagrams,
        accepted: Accepted = lambda _: None,
        *,
        payload: Callable[[Address | None, bytes], bytes | None] = lambda _, data: data,
        leaving: Callable[[], None] = lambda: None,
        note: str = "",
    ) -> None:
        self.context = context
        self.traced: TracedSocket = traced
        self.note = note
        self.buffer = BUFFER_SIZE
        self.waiting = 0
        self._datagrams = traced
        self._accepted = accepted
        self._payload = payload
        self._leaving = leaving
        self._watch = Watch(context.poller, traced.fd)
        self._peers: OrderedDict[Address | None, Peer] = OrderedDict()
        self._asked: Peer | None = None
        context.spawn(self._receive(), f"receiving on socket {traced.number}")

    @property
    def socket(self) -> Socket:
        """The socket as its calls so far have left it."""
        return self.traced.entry.socket

    def ask(self, address: Address) -> Peer:
        """Make the peer for which this socket was opened: it receives all answers, and its end ends the socket.

        Raises OSError where the capture has no room for it.
        """
        try:
            self._asked = self._add(address, now(), asked=True)
        except OSError:
            self.close()
            raise
        return self._asked

    def resume(self) -> None:
        """Do nothing: receiving needs no new descriptor."""

    def close(self) -> None:
        """Close the socket and end all its peers. Closing again does nothing."""
        if self.traced.fd < 0:
            return
        self._leaving()
        self._watch.close()
        self.traced.close()
        for peer in list(self._peers.values()):
            peer.close()

    def spoke(self, peer: Peer) -> None:
        """Note that `peer` has sent or received just now: it is the last to make room for others."""
        if self._peers.get(peer.traced.address) is peer:
            self._peers.move_to_end(peer.traced.address)

    def leave(self, peer: Peer) -> None:
        """Forget a peer, and end its row."""
        if self._peers.get(peer.traced.address) is peer:
            del self._peers[peer.traced.address]
        peer.traced.close()
        if peer is self._asked:
            self.close()

    async def _receive(self) -> None:
        while True:
            try:
                await self._watch.readable()
                for _ in range(AT_ONCE):
                    if not await self._received():
                        break
            except ClosedHereError:
                return
            except OSError as error:
                if error.errno not in _ERRORS_OF_OTHERS:
                    await asyncio.sleep(PAUSE_SECONDS)
            if self.traced.fd < 0:
                return

    async def _received(self) -> bool:
        """Receive one datagram; whether there may be more."""
        at, view = await self.context.space(self.buffer + DETAILS_ROOM)
        arrival = self._datagrams.recvfrom(view)
        if arrival is None:
            return False
        data = bytes(view[: arrival.length])
        peer = self._peers.get(arrival.address)
        if peer is None:
            peer = self._newcomer(arrival)  # which is written to the heap, over the datagram
            at, view = await self.context.space(len(data) + DETAILS_ROOM)
            view[: len(data)] = data
        self._datagrams.arrived(arrival, peer.traced.entry if peer else None, view, at)
        payload = self._payload(arrival.address, data)
        if peer is None or payload is None:
            return True
        self.spoke(peer)
        if self._asked:
            self._asked.put(payload)
            return self.traced.fd >= 0
        peer.put(payload)
        if not peer.served:
            peer.served = True
            self._accepted(peer)
        return True

    def _newcomer(self, arrival: Arrival) -> Peer | None:
        """A peer that speaks for the first time; None where there is no room for one."""
        if len(self._peers) >= PEERS_MOST:
            self._make_room()
        if len(self._peers) >= PEERS_MOST:
            return None
        try:
            return self._add(arrival.address, arrival.began, asked=False)
        except OSError:
            return None  # the disk is full

    def _make_room(self) -> None:
        """End the peer that has been idle the longest. One whose service is busy ends when that receives next."""
        for peer in self._peers.values():
            if peer is not self._asked and not peer.over:
                if peer.waiting:
                    del self._peers[peer.traced.address]  # its service ends in the next turn of the loop
                peer.retire() if peer.served else peer.close()
                return

    def _add(self, address: Address | None, when: int, *, asked: bool) -> Peer:
        peer = self._peers[address] = Peer(self, self._datagrams.peer(address, when, asked=asked))
        return peer
