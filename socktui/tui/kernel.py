"""What the kernel says of the sockets on the screen, and how much they move."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from socktui.core.call import address_text
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.sockets import Socket

if TYPE_CHECKING:
    from socktui.host.diag import Diag, Row

KERNEL_SECONDS = 0.5
RATE_SECONDS = 1.0
RATES = 6
REMEMBERED = 512
_BARS = " ▁▂▃▄▅▆▇█"


class Kernel:
    """What the kernel says of sockets that are on the screen; asked now and then, and only for those.

    pid  of the engine, whose descriptors tell its sockets from all others. Without it they are found by their
         addresses, and UNIX sockets are not
    """

    def __init__(self, pid: int = 0) -> None:
        self._pid = pid
        self._tables: dict[str, list[Row]] = {}
        self._tables_asked: dict[str, float] = {}
        self._connections: dict[int, Row | None] = {}
        self._asked: dict[int, float] = {}

    @cached_property
    def _diag(self) -> Diag | None:
        """The way to the kernel, opened for the first socket there is; None where there is none."""
        from socktui.host.diag import Diag

        try:
            return Diag()
        except OSError:
            return None

    def close(self) -> None:
        if (diag := vars(self).get("_diag")) is not None:
            diag.close()

    def listener(self, socket: Socket) -> Row | None:
        """The kernel's row of a listener, or of a bound datagram socket; None where it tells nothing."""
        return self._found(socket)

    def ports(self) -> set[int]:
        """The TCP ports on which anybody listens, as far as the kernel tells."""
        return {row.local[1] for row in self._read("tcp")}

    def connection(self, socket: Socket) -> Row | None:
        """The kernel's row of a connection; None where it tells nothing.

        The peers of a datagram socket have no queues of their own.
        """
        if self._diag is None or (socket.datagrams and socket.parent):
            return None
        now = time.monotonic()
        if now - self._asked.get(socket.number, -math.inf) > KERNEL_SECONDS:
            if len(self._asked) > REMEMBERED:
                self._asked.clear()
                self._connections.clear()
            self._asked[socket.number] = now
            self._connections[socket.number] = self._ask(self._diag, socket)
        return self._connections.get(socket.number)

    def _ask(self, diag: Diag, socket: Socket) -> Row | None:
        try:
            if socket.netid == "tcp":
                local, peer = (Endpoint.at("tcp", text) for text in (socket.local, socket.peer))
                return diag.connection((local.host, local.port), (peer.host, peer.port))
            if socket.netid.startswith("u_"):
                inode = self._inode(socket)
                return diag.unix_socket(inode) if inode else None
        except (OSError, EndpointError):
            return None
        return self._found(socket)

    def _found(self, socket: Socket) -> Row | None:
        inode = self._inode(socket)
        if inode:
            return next((row for row in self._table(socket.netid) if row.inode == inode), None)
        return next((row for row in self._table(socket.netid) if _fits(row, socket)), None)

    def _inode(self, socket: Socket) -> int:
        """The inode behind a descriptor of the engine; 0 where that cannot be told (proc(5))."""
        try:
            target = os.readlink(f"/proc/{self._pid}/fd/{socket.fd}") if self._pid else ""
        except OSError:
            return 0
        number = target.removeprefix("socket:[").removesuffix("]")
        return int(number) if number.isdigit() else 0

    def _table(self, netid: str) -> list[Row]:
        """What the kernel tells of all sockets of a kind that cannot be asked for one by one."""
        now = time.monotonic()
        if now - self._tables_asked.get(netid, -math.inf) > KERNEL_SECONDS:
            self._tables_asked[netid] = now
            self._tables[netid] = self._read(netid)
        return self._tables[netid]

    def _read(self, netid: str) -> list[Row]:
        if self._diag is None:
            return []
        try:
            return list(_all_of(self._diag, netid))
        except OSError:
            return []


def _all_of(diag: Diag, netid: str) -> Iterable[Row]:
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


def _fits(row: Row, socket: Socket) -> bool:
    peer = address_text(list(row.peer))
    return address_text(list(row.local)) == socket.local and (not socket.peer or socket.peer == peer)


class Rates:
    """Bytes a second of the sockets that are looked at, as a small graph."""

    def __init__(self) -> None:
        self._samples: dict[int, tuple[float, int, deque[float]]] = {}

    def graph(self, socket: Socket) -> str:
        now, total = time.monotonic(), socket.received + socket.sent
        if socket.number not in self._samples:
            if len(self._samples) > REMEMBERED:
                self._samples.clear()
            self._samples[socket.number] = (now, total, deque([0.0] * RATES, maxlen=RATES))
        at, before, rates = self._samples[socket.number]
        if now - at >= RATE_SECONDS:
            rates.append((total - before) / (now - at))
            self._samples[socket.number] = (now, total, rates)
        most = max(rates)
        return "".join(_BARS[math.ceil(rate * 8 / most) if most else 0] for rate in rates)
