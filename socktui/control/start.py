"""What the command line asks to be made at the start, in the workbench as without a screen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from socktui.core.endpoint import Endpoint

if TYPE_CHECKING:
    from socktui.control.client import Engine


@dataclass(frozen=True, slots=True)
class Start:
    """One listener or one connection; 0 stands for the engine's default.

    service  NAME or NAME=ARGUMENT
    buffer   bytes that each recv() asks for
    seconds  how long a connect may take
    data     what is sent as soon as it is connected
    """

    verb: Literal["listen", "connect"]
    endpoint: Endpoint
    service: str = "echo"
    buffer: int = 0
    backlog: int = 0
    seconds: float = 0
    data: bytes = b""

    async def carry_out(self, engine: "Engine") -> int:
        """Listen, or connect and send; the socket's number. Raises VerbError."""
        if self.verb == "listen":
            return await engine.listen(self.endpoint, self.service, buffer=self.buffer, backlog=self.backlog)
        number = await engine.connect(self.endpoint, seconds=self.seconds, buffer=self.buffer)
        if self.data:
            await engine.send([number], self.data)
        return number


def open_to_others(endpoint: Endpoint) -> bool:
    """Whether other machines can reach a server there: by its address, or by a group that it joins."""
    group = endpoint.option("group") and endpoint.option("interface") != "lo"
    return bool(group) or not endpoint.loopback
