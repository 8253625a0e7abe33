"""What a server does with a connection. Each service is a coroutine function of one connection.

Adding one is a function and a row in the table. A service is asked for as NAME or NAME=ARGUMENT, such as `slow=100`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socktui.core.safe import safe
from socktui.services import awkward, small
from socktui.services.error import ServiceError
from socktui.services.manual import manual

if TYPE_CHECKING:
    from socktui.engine.connection import Connection

__all__ = ["SERVICES", "Service", "ServiceError", "ServiceFunction", "service"]

ServiceFunction = Callable[["Connection"], Coroutine[Any, Any, None]]

COUNT_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Service:
    """A service's name, what it does in one line, where that is laid down, and how to come by its function.

    make          from the argument to the function, once for each listener. Raises ServiceError
    argument      what the argument is, such as "bytes a second"; empty where it takes none
    default       the argument where none is given; where this is empty, too, one has to be given
    echoes        all it does is to send back what comes (True), or to throw it away (False): C can do that
    speaks_first  it sends something before anything has come
    messages      it is for datagrams, packets and WebSocket messages as well as for streams
    """

    name: str
    summary: str
    source: str
    make: Callable[[str], ServiceFunction]
    argument: str = ""
    default: str = ""
    speaks_first: bool = False
    echoes: bool | None = None
    messages: bool = True


def _of(function: ServiceFunction) -> Callable[[str], ServiceFunction]:
    """What makes a service that takes no argument."""
    return lambda _: function


def _counting(make: Callable[[int], ServiceFunction]) -> Callable[[str], ServiceFunction]:
    """What makes a service whose argument is a number of bytes."""

    def counted(argument: str) -> ServiceFunction:
        number = int(argument) if argument.isascii() and argument.isdigit() and len(argument) <= 10 else 0
        if not 1 <= number <= COUNT_MOST:
            raise ServiceError(f"{argument[:40]!r} is no number from 1 to {COUNT_MOST}")
        return make(number)

    return counted


# These bring modules that the list of services does not need.


def _slow(rate: int) -> ServiceFunction:
    from socktui.services.slow import slow

    return slow(rate)


def _broadcast(_: str) -> ServiceFunction:
    from socktui.services.broadcast import broadcast

    return broadcast()


def _http(_: str) -> ServiceFunction:
    from socktui.services.http import http

    return http


def _script(path: str) -> ServiceFunction:
    from socktui.services.script import script

    return script(path)


SERVICES: dict[str, Service] = {
    each.name: each
    for each in (
        Service("echo", "sends back what it receives", "RFC 862", _of(small.echo), echoes=True),
        Service("discard", "receives and says nothing", "RFC 863", _of(small.discard), echoes=False),
        Service(
            "chargen", "sends lines of printable characters without end", "RFC 864", _of(small.chargen),
            speaks_first=True,
        ),
        Service("qotd", "sends a quotation, and closes", "RFC 865", _of(small.qotd), speaks_first=True),
        Service("daytime", "sends the date and time, and closes", "RFC 867", _of(small.daytime), speaks_first=True),
        Service(
            "time", "sends the seconds since 1900 as 32 bits, and closes", "RFC 868", _of(small.time),
            speaks_first=True,
        ),
        Service("manual", "you type the answers", "", _of(manual)),
        Service(
            "http", "answers requests for /ip, /get, /post, /status/404 and more", "RFC 9112", _http, messages=False,
        ),
        Service("broadcast", "sends what one peer says to all the others", "", _broadcast),
        Service(
            "literal", "answers whatever comes with a text", "", awkward.literal, argument="text, with escapes",
        ),
        Service("script", "answers as the rules in a file say", "", _script, argument="file of rules, in TOML"),
        Service("random", "sends random bytes without end", "", _of(awkward.random), speaks_first=True),
        Service("clogged", "never receives", "", _of(awkward.clogged)),
        Service(
            "slow", "sends back what it receives, slowly", "", _counting(_slow),
            argument="bytes a second", default="100",
        ),
        Service(
            "close-after", "sends back that many bytes, and closes", "", _counting(awkward.close_after),
            argument="bytes", default="1024",
        ),
        Service(
            "reset-after", "sends back that many bytes, and closes with a RST", "", _counting(awkward.reset_after),
            argument="bytes", default="1024", messages=False,
        ),
    )
}  # fmt: skip


def service(spec: str) -> tuple[Service, ServiceFunction]:
    """The service that `NAME` or `NAME=ARGUMENT` asks for, and its function, newly made.

    Raises ServiceError, one sentence: the name is not known, or the argument is missing, wrong or not taken.
    """
    name, equals, argument = spec.partition("=")
    found = SERVICES.get(name)
    if found is None:
        raise ServiceError(f"no service {name[:40]!r}: one of {', '.join(SERVICES)}")
    if equals and not found.argument:
        raise ServiceError(f"{name} takes no argument")
    argument = argument or found.default
    if found.argument and not argument:
        raise ServiceError(f"{name} needs an argument: {name}={found.argument.upper()}")
    try:
        return found, found.make(argument)
    except ServiceError as error:
        raise ServiceError(safe(f"{name}={argument[:40]}: {error}")) from error
