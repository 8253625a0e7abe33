"""What tests of WebSockets ask of an engine, and read in its capture."""

from typing import Any

from socktui.control.client import Engine
from socktui.control.verbs import Send
from socktui.core.call import Call, Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from tests.support import all_calls, all_sockets, until

ANY = "ws://127.0.0.1:0"


def messages(engine: Engine, number: int) -> list[tuple[str, tuple[Any, ...], bytes]]:
    """What the capture has of a socket's WebSocket calls: send or recv, the arguments, the data."""
    found = []
    with Reader(engine.capture) as reader:
        for call in map(reader.call, range(reader.count)):
            if call.socket == number and call.layer is Layer.WS and not call.failed:
                found.append((str(call.name)[3:], call.args, reader.data(call) or b""))
    return found


async def ended(engine: Engine, number: int) -> Socket:
    """A socket once it is over."""
    await until(lambda: len(all_sockets(engine.capture)) >= number and not all_sockets(engine.capture)[number - 1].open)
    return all_sockets(engine.capture)[number - 1]


def broken(engine: Engine, number: int) -> list[Call]:
    return [c for c in all_calls(engine.capture) if c.socket == number and c.layer is Layer.WS and c.failed]


async def connected(engine: Engine, port: int, options: str = "") -> int:
    return await engine.connect(Endpoint.parse(f"ws://127.0.0.1:{port}/{options}"))


async def send(engine: Engine, number: int, data: bytes, kind: str = "") -> None:
    await engine.request(Send((number,), data, kind=kind))
