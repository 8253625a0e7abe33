"""The verbs that the engine is asked for, and their answers; and how each is written as JSON.

    answer = await engine.request(Connect(endpoint))    # a Connected, and the type checker knows
    await engine.request(Send((answer.socket,), b"Hello"))

Whoever speaks them (the screen, the command line, a script) makes the values; the engine's process carries them out.
What is written here is all that crosses the control socket. Adding a verb is a class here and a method of
`control.server.Server`. How a field is written, and what it may be, stands beside its type.
"""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any, Generic, TypeVar, cast, get_args

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.limits import (
    BACKLOG,
    BACKLOG_MAX,
    BUFFER_MAX,
    BUFFER_SIZE,
    CONNECT_SECONDS,
    CONNECT_SECONDS_MAX,
    INTERVAL_MAX,
    REPEAT_MAX,
)

SOCKET_MAX = (1 << 32) - 1
REQUEST_MAX = (1 << 63) - 1
BYTES_MAX = (1 << 63) - 1
TEXT_MAX = 1 << 16
"""Characters of a path, a service with its argument or a note."""


class BadMessage(ValueError):
    """What came over the control socket makes no sense: one sentence that names the part."""


@dataclass(frozen=True)
class _Form:
    """How a field is written: `dump` makes JSON of it, `load` makes it of JSON and raises ValueError, a sentence."""

    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _integer(least: int, most: int) -> _Form:
    def load(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"has to be a whole number from {least} to {most}, not {_shown(value)}")
        return value

    return _Form(_as_it_is, load)


def _seconds(most: float) -> _Form:
    def load(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
            raise ValueError(f"has to be a number of seconds above 0, up to {most:g}, not {_shown(value)}")
        return float(value)

    return _Form(_as_it_is, load)


def _text(most: int = TEXT_MAX) -> _Form:
    def load(value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise ValueError(f"has to be a text of at most {most} characters, not {_shown(value)}")
        return value

    return _Form(_as_it_is, load)


def _load_endpoint(value: Any) -> Endpoint:
    try:
        return Endpoint.parse(_text().load(value))
    except EndpointError as error:
        raise ValueError(f"is none: {error}") from None


def _load_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValueError(f"has to be bytes in base64, not {_shown(value)}") from None


def _load_sockets(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"has to be a list of sockets, not {_shown(value)}")
    return tuple(map(_SOCKET.load, value))


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


_SOCKET = _integer(1, SOCKET_MAX)
_SOCKETS = _Form(list, _load_sockets)
_ENDPOINT = _Form(str, _load_endpoint)
_BYTES = _Form(lambda value: base64.b64encode(value).decode(), _load_bytes)
_BUFFER = _integer(1, BUFFER_MAX)


# Answers


@dataclass(frozen=True)
class Listening:
    """A listener was made.

    socket  its number in the capture
    note    what there is to say of it, such as where the authority of its certificate is; or empty
    """

    socket: Annotated[int, _SOCKET]
    note: Annotated[str, _text()] = ""


@dataclass(frozen=True)
class Connected:
    """A connection was made, and bytes can be sent.

    socket  its number in the capture
    """

    socket: Annotated[int, _SOCKET]


@dataclass(frozen=True)
class Sent:
    """All was sent.

    size  bytes in all, to all, of all repetitions
    """

    size: Annotated[int, _integer(0, BYTES_MAX)]


@dataclass(frozen=True)
class Done:
    """It was done, and there is nothing to say of it."""


Answer = Listening | Connected | Sent | Done

A_co = TypeVar("A_co", bound=Answer, covariant=True)


class Verb(Generic[A_co]):
    """What the engine is asked for; its parameter is what the engine answers."""

    __slots__ = ()


# Verbs


@dataclass(frozen=True)
class Listen(Verb[Listening]):
    """Make a listener.

    service  what is done with each connection: NAME or NAME=ARGUMENT
    buffer   bytes that each recv(2) asks for
    backlog  for listen(2)
    """

    endpoint: Annotated[Endpoint, _ENDPOINT]
    service: Annotated[str, _text()] = "echo"
    buffer: Annotated[int, _BUFFER] = BUFFER_SIZE
    backlog: Annotated[int, _integer(1, BACKLOG_MAX)] = BACKLOG


@dataclass(frozen=True)
class Connect(Verb[Connected]):
    """Make a connection.

    seconds  how long it may take, the name's resolution included
    buffer   bytes that each recv(2) asks for
    """

    endpoint: Annotated[Endpoint, _ENDPOINT]
    seconds: Annotated[float, _seconds(CONNECT_SECONDS_MAX)] = CONNECT_SECONDS
    buffer: Annotated[int, _BUFFER] = BUFFER_SIZE


@dataclass(frozen=True)
class Send(Verb[Sent]):
    """Send bytes on connections, as one message where there are such.

    kind      of a WebSocket's message: text, binary, ping, pong or close; where empty, what fits the data
    count     how often
    interval  milliseconds from one time to the next
    """

    sockets: Annotated[tuple[int, ...], _SOCKETS]
    data: Annotated[bytes, _BYTES] = b""
    kind: Annotated[str, _text()] = ""
    count: Annotated[int, _integer(1, REPEAT_MAX)] = 1
    interval: Annotated[int, _integer(0, INTERVAL_MAX)] = 0


@dataclass(frozen=True)
class SendFile(Verb[Sent]):
    """Send a file's bytes on connections, a piece at a time. `path` is absolute, or of the engine's own folder."""

    sockets: Annotated[tuple[int, ...], _SOCKETS]
    path: Annotated[str, _text()]
    count: Annotated[int, _integer(1, REPEAT_MAX)] = 1
    interval: Annotated[int, _integer(0, INTERVAL_MAX)] = 0


@dataclass(frozen=True)
class Shutdown(Verb[Done]):
    """Half-close a connection (shutdown(2)): send a FIN, go on receiving."""

    socket: Annotated[int, _SOCKET]


@dataclass(frozen=True)
class Close(Verb[Done]):
    """Close a connection in order, give up one in progress, or stop a listener."""

    socket: Annotated[int, _SOCKET]


@dataclass(frozen=True)
class Reset(Verb[Done]):
    """Close a connection with a RST."""

    socket: Annotated[int, _SOCKET]


@dataclass(frozen=True)
class SetBuffer(Verb[Done]):
    """Set how many bytes each recv(2) asks for, on a connection or on all those of a listener."""

    socket: Annotated[int, _SOCKET]
    size: Annotated[int, _BUFFER]


@dataclass(frozen=True)
class Stop(Verb[Done]):
    """Stop a request that goes on, such as a send that repeats; nothing where it is over.

    request  its number
    """

    request: Annotated[int, _integer(0, REQUEST_MAX)]


VERBS: dict[str, type[Verb[Answer]]] = {
    "listen": Listen,
    "connect": Connect,
    "send": Send,
    "send_file": SendFile,
    "shutdown": Shutdown,
    "close": Close,
    "reset": Reset,
    "set_buffer": SetBuffer,
    "stop": Stop,
}
"""The verbs by their names on the control socket."""

_NAMES = {kind: name for name, kind in VERBS.items()}


def name_of(verb: Verb[Answer]) -> str:
    """The name of a verb on the control socket."""
    return _NAMES[type(verb)]


def to_json(message: Verb[Answer] | Answer) -> dict[str, Any]:
    """The arguments of a verb, or an answer."""
    return {each.name: _form(each).dump(getattr(message, each.name)) for each in _fields(type(message))}


def verb_from_json(name: Any, args: Any) -> Verb[Answer]:
    """The verb that was asked for. Raises BadMessage, one sentence, where a part is missing, unknown or wrong."""
    kind = VERBS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadMessage(f"there is no such verb: one of {', '.join(VERBS)}")
    return cast(Verb[Answer], _from_json(kind, args))


def answer_from_json(verb: Verb[A_co], result: Any) -> A_co:
    """The answer to a verb. Raises BadMessage."""
    (kind,) = get_args(type(verb).__orig_bases__[0])  # type: ignore[attr-defined]  # Verb[Sent] in `class Send(Verb[Sent])`
    return cast(A_co, _from_json(kind, result))


def _from_json(kind: type[Any], found: Any) -> Any:
    if not isinstance(found, dict):
        raise BadMessage(f"its arguments have to be an object, not {_shown(found)}")
    known = {each.name: each for each in _fields(kind)}
    for name in found:
        if name not in known:
            raise BadMessage(f"it has no {_shown(name)}: its arguments are {', '.join(known) or 'none'}")
    values = {}
    for name, each in known.items():
        if name in found:
            try:
                values[name] = _form(each).load(found[name])
            except ValueError as error:
                raise BadMessage(f"its {name} {error}") from None
        elif each.default is MISSING:
            raise BadMessage(f"its {name} is missing")
    return kind(**values)


def _fields(kind: type[Any]) -> Iterable["Field[Any]"]:
    return fields(kind)


def _form(each: "Field[Any]") -> _Form:
    (form,) = cast(Any, each.type).__metadata__
    return cast(_Form, form)
