"""The socket that a command line asks for, carried out by whoever starts the engine: the screen or a headless run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from socktui.core.endpoint import Endpoint

if TYPE_CHECKING:
    from socktui.control.client import Engine


@dataclass(frozen=True, slots=True)
class Start:
    """One listener or one connection; 0 stands for the engine's default.

    buffer   bytes that each recv() asks for
    seconds  how long a connect may take
    """

    verb: Literal["listen", "connect"]
    endpoint: Endpoint
    service: str = "echo"
    buffer: int = 0
    backlog: int = 0
    seconds: float = 0

    async def carry_out(self, engine: Engine) -> int:
        """Listen or connect; the socket's number. Raises VerbError."""
        if self.verb == "listen":
            return await engine.listen(self.endpoint, self.service, buffer=self.buffer, backlog=self.backlog)
        return await engine.connect(self.endpoint, seconds=self.seconds, buffer=self.buffer)
