"""The kernel's view of chosen sockets, read in a thread and published as frozen snapshots.

An answer of sock_diag(7) may take up to a second (`netlink.py`), and /proc is slower still, so nothing that paints a
screen may ask for one. Whoever shows sockets asks the `Watch` instead, which answers from its last snapshot and has the
thread read again what was asked for.
"""

import math
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from socktui.core.call import address_text
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.host.rows import Row

if TYPE_CHECKING:
    from socktui.host.diag import Diag

SECONDS = 0.5
"""How old a row may grow before it is read again."""

FRESH_SECONDS = 1.5
"""How long anybody waits for a fresh snapshot: the kernel may take a second."""

REMEMBERED = 512
"""Sockets whose rows a snapshot has: more than a screen ever shows at once."""


class SocketId(NamedTuple):
    """What tells a socket from others.

    netid  as ss(8) heads it
    local  its address as text, such as `127.0.0.1:80`, `/run/x` or `@x`; empty where it has none
    peer   the address at the other end; empty of a listener and of what is not connected
    fd     its descriptor in the process that is watched; -1 where that is not known
    """

    netid: str
    local: str
    peer: str = ""
    fd: int = -1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the kernel told at one time.

    rows       of sockets that were asked for; None for those that the kernel does not have
    listening  the TCP ports on which anybody listens
    reason     why nothing could be read, or not all; empty where all went well
    """

    rows: Mapping[SocketId, Row | None] = field(default_factory=lambda: MappingProxyType({}))
    listening: frozenset[int] = frozenset()
    reason: str = ""


class Watch:
    """Reads the kernel's rows of sockets that are asked for, twice a second at most, in a thread of its own.

    snapshot  the last one that was published: another object whenever anything in it has changed
    """

    def __init__(self, pid: int = 0, seconds: float = SECONDS) -> None:
        """`pid` is the process whose descriptors tell its sockets from all others.

        Without it sockets are found by their addresses, and connected UNIX sockets are not found.
        """
        self.snapshot = Snapshot()
        self._seconds = seconds
        self._reading = _Reading(pid, seconds)
        self._asked: set[SocketId] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._wanted = self._done = 0
        self._round = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read. What was asked for before is read then."""
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def close(self, seconds: float = 0.2) -> None:
        """End the thread, and wait for it, but not for longer than so many seconds: the kernel may keep it waiting."""
        self._ended = True
        self._wake.set()
        with self._round:
            self._round.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def row(self, socket: SocketId) -> Row | None:
        """The last row of a socket, and have it read again; None where the kernel told of none, or not yet."""
        rows = self.snapshot.rows
        with self._lock:
            self._asked.add(socket)
        if socket not in rows:
            self._wake.set()
        return rows.get(socket)

    def fresh(self, seconds: float = FRESH_SECONDS) -> Snapshot:
        """Have everything that is asked for read again, and wait for it, but not for longer than so many seconds.

        Unlike the rest it keeps its caller waiting: it is for threads that may wait, as asyncio.to_thread() has.
        """
        self.start()
        with self._round:
            self._wanted += 1
            wanted = self._wanted
            self._wake.set()
            self._round.wait_for(lambda: self._done >= wanted or self._ended, seconds)
        return self.snapshot

    def _run(self) -> None:
        try:
            while not self._ended:
                self._wake.clear()
                self._read()
                self._wake.wait(self._seconds)
        finally:
            self._reading.close()

    def _read(self) -> None:
        """Read once, and publish what has changed."""
        with self._round:
            wanted = self._wanted
        with self._lock:
            asked, self._asked = self._asked, set()
        if wanted > self._done:
            self._reading.forget()
        snapshot, later = self._reading.read(asked)
        with self._lock:
            self._asked |= later
        if snapshot != self.snapshot:
            self.snapshot = snapshot
        with self._round:
            self._done = wanted
            self._round.notify_all()


class _Reading:
    """The part of a watch that only its thread touches."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._diag: Diag | None = None
        self._rows: dict[SocketId, Row | None] = {}
        self._read_at: dict[SocketId, float] = {}
        self._tables: dict[str, tuple[float, list[Row]]] = {}
        self._reason = ""

    def close(self) -> None:
        if self._diag is not None:
            self._diag.close()

    def forget(self) -> None:
        """Let nothing that was read before be young enough."""
        self._tables.clear()
        self._read_at = dict.fromkeys(self._read_at, -math.inf)

    def read(self, asked: set[SocketId]) -> tuple[Snapshot, set[SocketId]]:
        """Read those rows again that are old enough; and which of those asked for are not."""
        try:
            self._diag = self._diag or _opened()
        except OSError as error:
            return Snapshot(reason=_sentence(error)), set()
        self._reason = ""
        now = time.monotonic()
        due = {each for each in asked if now - self._read_at.get(each, -math.inf) >= self._seconds}
        for each in due:
            self._rows[each] = self._found(self._diag, each)
            # The last read comes last: who is forgotten is who was not asked for since.
            self._read_at.pop(each, None)
            self._read_at[each] = now
        for each in list(self._read_at)[: max(0, len(self._read_at) - REMEMBERED)]:
            del self._read_at[each], self._rows[each]
        listening = frozenset(row.local[1] for row in self._table(self._diag, "tcp"))
        return Snapshot(MappingProxyType(dict(self._rows)), listening, self._reason), asked - due

    def _found(self, diag: "Diag", socket: SocketId) -> Row | None:
        """The row of a socket: asked for alone where the kernel lets that be, else out of the table of its kind."""
        inode = self._inode(socket)
        try:
            if socket.netid == "tcp" and socket.peer:
                local, peer = (Endpoint.at("tcp", text) for text in (socket.local, socket.peer))
                return diag.connection((local.host, local.port), (peer.host, peer.port))
            if socket.netid.startswith("u_") and inode:
                return diag.unix_socket(inode)
        except EndpointError:
            return None
        except OSError as error:
            self._reason = _sentence(error)
            return None
        rows = self._table(diag, socket.netid)
        return next((row for row in rows if (row.inode == inode if inode else _fits(row, socket))), None)

    def _inode(self, socket: SocketId) -> int:
        """The inode behind a descriptor of the process (proc(5)); 0 where that cannot be told."""
        if not self._pid or socket.fd < 0:
            return 0
        try:
            target = os.readlink(f"/proc/{self._pid}/fd/{socket.fd}")
        except OSError:
            return 0
        number = target.removeprefix("socket:[").removesuffix("]")
        return int(number) if number.isdigit() else 0

    def _table(self, diag: "Diag", netid: str) -> list[Row]:
        """What the kernel tells of all sockets of a kind; of TCP and of UNIX connections the listeners."""
        read_at, rows = self._tables.get(netid, (-math.inf, []))
        if time.monotonic() - read_at >= self._seconds:
            try:
                rows = list(_all_of(diag, netid))
            except OSError as error:
                self._reason, rows = _sentence(error), []
            self._tables[netid] = time.monotonic(), rows
        return rows


def _opened() -> "Diag":
    """A way to the kernel. Raises OSError. It is imported here, in the thread: a first paint needs none of it."""
    from socktui.host.diag import Diag

    return Diag()


def _all_of(diag: "Diag", netid: str) -> Iterable[Row]:
    match netid:
        case "tcp":
            return diag.listeners()
        case "udp":
            return diag.datagrams()
        case "raw":
            return diag.raw("raw")
        case "icmp":
            return [*diag.raw("icmp"), *diag.raw("raw")]
        case "u_dgr":
            return diag.unix_sockets()
        case _:
            return diag.unix_listeners()


def _fits(row: Row, socket: SocketId) -> bool:
    peer = address_text(list(row.peer))
    return address_text(list(row.local)) == socket.local and (not socket.peer or socket.peer == peer)


def _sentence(error: OSError) -> str:
    return f"the kernel tells nothing of sockets: {error.strerror or error}"
