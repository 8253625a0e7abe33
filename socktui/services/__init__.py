"""What a server does with a connection. Each service is a coroutine function of one connection.

Adding one is a function and a row in the table. A service is asked for as NAME or NAME=ARGUMENT, such as `slow=100`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from socktui.core.connection import Connection
from socktui.core.endpoint import Endpoint
from socktui.core.safe import safe
from socktui.core.service import Dial, RelayTo, ServiceFunction
from socktui.services import awkward, small
from socktui.services.error import ServiceError
from socktui.services.manual import manual

__all__ = ["SERVICES", "Service", "ServiceError", "no_dial", "service"]

COUNT_MOST = 10**9

Make = Callable[[str, Dial], ServiceFunction]
"""From a service's argument, and the way to open connections of its own, to its function."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service's name, what it does in one line, where that is laid down, and how to come by its function.

    make          called once for each listener. Raises ServiceError
    argument      what the argument is, such as "bytes a second"; empty where it takes none
    default       the argument where none is given; where this is empty, too, one has to be given
    relay         all it does is to move bytes there, for which no task is needed
    speaks_first  it sends something before anything has come
    messages      it is for datagrams, packets and WebSocket messages as well as for streams
    """

    name: str
    summary: str
    source: str
    make: Make
    argument: str = ""
    default: str = ""
    speaks_first: bool = False
    relay: RelayTo | None = None
    messages: bool = True


def _of(function: ServiceFunction) -> Make:
    """What makes a service that takes no argument."""
    return lambda _, __: function


def _with(make: Callable[[str], ServiceFunction]) -> Make:
    """What makes a service of its argument alone."""
    return lambda argument, _: make(argument)


def _counting(make: Callable[[int], ServiceFunction]) -> Make:
    """What makes a service whose argument is a number of bytes."""

    def counted(argument: str, _: Dial) -> ServiceFunction:
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
        Service("echo", "sends back what it receives", "RFC 862", _of(small.echo), relay=RelayTo.ITSELF),
        Service("discard", "receives and says nothing", "RFC 863", _of(small.discard), relay=RelayTo.NOWHERE),
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
            "http", "answers requests for /ip, /get, /post, /status/404 and more", "RFC 9112", _with(_http),
            messages=False,
        ),
        Service("broadcast", "sends what one peer says to all the others", "", _with(_broadcast)),
        Service(
            "literal", "answers whatever comes with a text", "", _with(awkward.literal), argument="text, with escapes",
        ),
        Service("script", "answers as the rules in a file say", "", _with(_script), argument="file of rules, in TOML"),
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


async def no_dial(endpoint: Endpoint) -> Connection:
    """The Dial of a service that is only looked at: whether its argument is right."""
    raise OSError(f"nothing is dialed here: {endpoint}")


def service(spec: str, dial: Dial = no_dial) -> tuple[Service, ServiceFunction]:
    """The service that `NAME` or `NAME=ARGUMENT` asks for, and its function, newly made, which may open connections.

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
        return found, found.make(argument, dial)
    except ServiceError as error:
        raise ServiceError(safe(f"{name}={argument[:40]}: {error}")) from error
