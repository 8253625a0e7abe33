"""What the peer of a WebSocket has done, as events. The bytes `answer` have to be sent at once; they may be empty."""

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
    """The client sent a plain HTTP request, and `answer` is the page; or it closed without a request."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer's half of the handshake was wrong: `reason` is one sentence."""

    answer: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Came:
    """The peer sent a message, a ping (then `answer` is the pong) or a pong."""

    answer: bytes
    message: Message


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer sent a close. `answer` is ours, where none was sent before. The code 1005 stands for none."""

    answer: bytes
    code: int
    reason: str
    message: Message


@dataclass(frozen=True, slots=True)
class Failed:
    """The peer broke the protocol or a limit, and `answer` is a close that says so; or it left without one (1006)."""

    answer: bytes
    code: int
    reason: str


Event = Opened | Served | Refused | Came | Closed | Failed
