"""The kinds of socket that the workbench can make: a scheme and how its listeners and connections are set up.

Adding one is a module that offers the two functions, a row here and a row in core.endpoint.SCHEMES.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from socktui.core.endpoint import Endpoint
from socktui.engine import tcp
from socktui.engine.bench import Bench
from socktui.engine.connection import Connection
from socktui.engine.listener import Accepted, Listening
from socktui.engine.tcp import Attempts


@dataclass(frozen=True, slots=True)
class Transport:
    """listen(bench, endpoint, service's name, backlog, accepted) and connect(bench, endpoint, attempts, seconds).

    Both raise OSError as the kernel answered, and socket.gaierror for a name that is not known. A connection in
    progress is entered in `attempts`, by its socket's number, so that it can be seen and given up.
    """

    listen: Callable[[Bench, Endpoint, str, int, Accepted], Awaitable[Listening]]
    connect: Callable[[Bench, Endpoint, Attempts, float], Awaitable[Connection]]


TRANSPORTS: dict[str, Transport] = {"tcp": Transport(tcp.listen, tcp.connect)}
