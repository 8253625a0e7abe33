"""What the bytes of a WebSocket's peer bring. `answer` is what has to be sent at once, and may be empty."""

from dataclasses import dataclass

from socktui.engine.websocket.frames import Message


@dataclass(frozen=True, slots=True)
class Opened:
    """The handshake is done."""

    answer: bytes
    subprotocol: str
    deflate: bool


@dataclass(frozen=True, slots=True)
class Served:
    """It was a plain HTTP request, and `answer` is the page; or nothing was asked for at all."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake was wrong: one sentence."""

    answer: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Came:
    """A message, a ping (`answer` is its pong) or a pong."""

    answer: bytes
    message: Message


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer's close, and what answers it. 1005 stands for no code."""

    answer: bytes
    code: int
    reason: str
    message: Message


@dataclass(frozen=True, slots=True)
class Failed:
    """The peer broke the protocol or a limit, which `answer` tells it; or it went without a close (1006)."""

    answer: bytes
    code: int
    reason: str


Event = Opened | Served | Refused | Came | Closed | Failed
