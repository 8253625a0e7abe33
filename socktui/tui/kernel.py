"""What the kernel says of the sockets on the screen, and how much they move."""

from __future__ import annotations

import math
import time
from collections import deque

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.sockets import Socket
from socktui.host.diag import Diag, Row

KERNEL_SECONDS = 0.5
RATE_SECONDS = 1.0
RATES = 6
REMEMBERED = 512
_BARS = " ▁▂▃▄▅▆▇█"


class Kernel:
    """What the kernel says of sockets that are on the screen; asked now and then, and only for those."""

    def __init__(self) -> None:
        self._listeners: dict[str, Row] = {}
        self._connections: dict[int, Row | None] = {}
        self._asked: dict[int, float] = {}
        self._listeners_asked = 0.0
        try:
            self._diag: Diag | None = Diag()
        except OSError:
            self._diag = None

    def close(self) -> None:
        if self._diag:
            self._diag.close()

    def listener(self, socket: Socket) -> Row | None:
        """The kernel's row of a listener; None where it tells nothing."""
        now = time.monotonic()
        if now - self._listeners_asked > KERNEL_SECONDS:
            self._listeners_asked = now
            self._listeners = {Endpoint.of_address("tcp", row.local).authority: row for row in self._listening()}
        return self._listeners.get(socket.local)

    def ports(self) -> set[int]:
        """The TCP ports on which anybody listens, as far as the kernel tells."""
        return {row.local[1] for row in self._listening()}

    def _listening(self) -> list[Row]:
        if self._diag is None:
            return []
        try:
            return list(self._diag.listeners())
        except OSError:
            return []

    def connection(self, socket: Socket) -> Row | None:
        """The kernel's row of a connection; None where it tells nothing."""
        if self._diag is None:
            return None
        now = time.monotonic()
        if now - self._asked.get(socket.number, -1.0) > KERNEL_SECONDS:
            if len(self._asked) > REMEMBERED:
                self._asked.clear()
                self._connections.clear()
            self._asked[socket.number] = now
            self._connections[socket.number] = self._ask(self._diag, socket)
        return self._connections.get(socket.number)

    def _ask(self, diag: Diag, socket: Socket) -> Row | None:
        try:
            local, peer = (Endpoint.parse(text) for text in (socket.local, socket.peer))
            return diag.connection((local.host, local.port), (peer.host, peer.port))
        except (OSError, EndpointError):
            return None


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
