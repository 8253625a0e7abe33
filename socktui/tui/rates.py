"""How much sockets move, as small graphs."""

from __future__ import annotations

import math
import time
from collections import deque

from socktui.core.sockets import Socket

RATE_SECONDS = 1.0
"""How long a bar of a graph stands for."""

RATES = 6
"""How many bars a graph has."""

REMEMBERED = 512
_BARS = " ▁▂▃▄▅▆▇█"


class Rates:
    """Bytes a second of the sockets that are looked at; a graph begins when a socket is first asked for."""

    def __init__(self) -> None:
        self._samples: dict[int, tuple[float, int, deque[float]]] = {}

    def graph(self, socket: Socket) -> str:
        """The last bars of a socket, the newest at the right; the highest of them is full."""
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
