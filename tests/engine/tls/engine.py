"""What the capture of an engine says of TLS."""

from pathlib import Path

from socktui.control.client import Engine
from socktui.core.call import Call, Function
from socktui.core.sockets import Role
from socktui.engine.tls import authority
from tests.support import all_calls, all_sockets, until

HELLO = b"Hello, World! " * 3
TLS = "tls://127.0.0.1:0"


def own_ca() -> Path:
    return authority.folder() / authority.CERTIFICATE


def calls_of(engine: Engine, number: int, *names: Function) -> list[Call]:
    return [call for call in all_calls(engine.capture) if call.socket == number and call.name in names]


async def over(engine: Engine, count: int) -> None:
    """Wait until there have been `count` connections and all are closed."""

    def all_closed() -> bool:
        found = [socket for socket in all_sockets(engine.capture) if socket.role is not Role.LISTENER]
        return len(found) == count and not any(socket.open for socket in found)

    await until(all_closed)
