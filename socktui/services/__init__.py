"""What a server does with a connection. Each service is a coroutine function of one connection.

Adding one is a function and a row in the table.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socktui.services.manual import manual
from socktui.services.small import chargen, daytime, discard, echo

if TYPE_CHECKING:
    from socktui.engine.stream import Connection


@dataclass(frozen=True, slots=True)
class Service:
    """A service's name, what it does in one line, where that is laid down, and the function that does it."""

    name: str
    summary: str
    source: str
    run: "Callable[[Connection], Coroutine[Any, Any, None]]"


SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        Service("echo", "sends back what it receives", "RFC 862", echo),
        Service("discard", "receives and says nothing", "RFC 863", discard),
        Service("chargen", "sends lines of printable characters without end", "RFC 864", chargen),
        Service("daytime", "sends the date and time, and closes", "RFC 867", daytime),
        Service("manual", "you type the answers", "", manual),
    )
}
