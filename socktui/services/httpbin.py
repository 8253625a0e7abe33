"""The resources of the HTTP server: a small httpbin. Pure: from requests to answers, no bytes are moved here."""

import base64
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from socktui.services.multipart import Part, parts

BYTES_MOST = 102_400
LINES_MOST = 100
SECONDS_MOST = 10.0
FIELDS_MOST = 1000

_INDENTED_MOST = 65536
"""The longest body, in bytes, that is answered in indented JSON, which takes ten times as long to write."""

GET = ("GET", "HEAD")
ANY = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Request:
    """A complete request.

    target   the request target as sent (RFC 9112, section 3.2): a path and a query, or a URL
    headers  names in lower case, and values, as often as they were sent
    origin   the host of the peer; empty where it has none
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    origin: str = ""
    scheme: str = "http"

    def header(self, name: str) -> str:
        """The value of a header, the last one where there are several; empty where there is none."""
        return dict(self.headers).get(name, "")

    @cached_property
    def path(self) -> str:
        """The path of the target, without its query. Raises ValueError where the target is no URL."""
        return urlsplit(self.target).path

    @property
    def url(self) -> str:
        """The whole URL that was asked for, with the host that the request names."""
        return f"{self.scheme}://{self.header('host')}{self.target}" if self.target.startswith("/") else self.target


@dataclass(frozen=True)
class Answer:
    """A response.

    pieces   the body, in pieces that are sent one after the other
    chunked  its length is not sent beforehand (RFC 9112, section 7.1)
    delay    seconds to wait before it is sent
    """

    status: int = 200
    pieces: tuple[bytes, ...] = ()
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    delay: float = 0.0


class BadRequest(ValueError):
    """A request cannot be answered. The message is one sentence that says why."""


def answer(request: Request) -> Answer:
    """The answer to any request; an error of the request is a status of 4xx. Raises nothing."""
    allowed: tuple[str, ...] = ()
    try:
        for route in ROUTES:
            match = route.pattern.fullmatch(request.path)
            if match is None:
                continue
            if request.method in route.methods:
                return route.answer(request, *match.groups())
            allowed = route.methods
    except RecursionError:
        return refusal(400, "the JSON is nested too deep")
    except ValueError as error:
        return refusal(400, str(error))
    if allowed:
        return refusal(405, f"{request.path} takes {', '.join(allowed)}", ("Allow", ", ".join(allowed)))
    return refusal(404, "there is no such thing: / tells what there is")


def refusal(status: int, sentence: str, *headers: tuple[str, str]) -> Answer:
    """An answer with a status of 4xx or 5xx, and one sentence as JSON that says why."""
    return Answer(status, (_as_json({"error": sentence}),), headers=headers)


def _as_json(value: object, indent: int | None = 2) -> bytes:
    return json.dumps(value, indent=indent, sort_keys=True).encode() + b"\n"


def _json(request: Request, value: object, delay: float = 0.0) -> Answer:
    indent = 2 if len(request.body) <= _INDENTED_MOST else None
    return Answer(pieces=(_as_json(value, indent),), delay=delay)


# What is told of a request, under the names that httpbin.org has for it.


def _flat(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Pairs as a dictionary; a name that occurs more than once has a list of its values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _args(request: Request) -> dict[str, str | list[str]]:
    return _flat(parse_qsl(urlsplit(request.target).query, keep_blank_values=True, max_num_fields=FIELDS_MOST))


def _headers(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in request.headers:
        title = name.title()
        found[title] = f"{found[title]},{value}" if title in found else value
    return found


def _asked(request: Request) -> dict[str, Any]:
    return {
        "args": _args(request),
        "headers": _headers(request),
        "origin": request.origin,
        "url": request.url,
    }


def _posted(request: Request) -> dict[str, Any]:
    form: list[tuple[str, str]] = []
    files: list[Part] = []
    data = b""
    content_type = request.header("content-type")
    match content_type.partition(";")[0].strip().lower():
        case "application/x-www-form-urlencoded":
            text = request.body.decode("utf-8", "replace")
            form = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MOST)
        case "multipart/form-data":
            found = parts(content_type, request.body)
            form = [(part.name, _text(part.data)) for part in found if part.filename is None]
            files = [part for part in found if part.filename is not None]
        case _:
            data = request.body
    return {
        **_asked(request),
        "data": _text(data),
        "files": _flat((part.name, _text(part.data)) for part in files),
        "form": _flat(form),
        "json": _parsed(data),
    }


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def _parsed(data: bytes) -> Any:
    """The data parsed as JSON; None where they are not JSON."""
    try:
        return json.loads(data, parse_constant=_no_constant)
    except ValueError:
        return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# The paths


def _index(request: Request) -> Answer:
    width = max(len(route.written) for route in ROUTES)
    lines = [f"{route.written:<{width}}  {route.about}\n" for route in ROUTES]
    return Answer(pieces=("".join(lines).encode(),), content_type="text/plain; charset=utf-8")


def _ip(request: Request) -> Answer:
    return _json(request, {"origin": request.origin})


def _only_headers(request: Request) -> Answer:
    return _json(request, {"headers": _headers(request)})


def _get(request: Request) -> Answer:
    return _json(request, _asked(request))


def _post(request: Request) -> Answer:
    return _json(request, _posted(request))


def _anything(request: Request) -> Answer:
    return _json(request, {**_posted(request), "method": request.method})


def _status(request: Request, number: str) -> Answer:
    if not 200 <= int(number) <= 599:
        raise BadRequest(f"{number} is no status of an answer: from 200 to 599")
    return Answer(int(number), content_type="text/plain; charset=utf-8")


def _bytes(request: Request, number: str) -> Answer:
    return Answer(pieces=(os.urandom(min(int(number), BYTES_MOST)),), content_type="application/octet-stream")


def _delay(request: Request, seconds: str) -> Answer:
    return _json(request, _posted(request), delay=min(float(seconds), SECONDS_MOST))


def _stream(request: Request, number: str) -> Answer:
    asked = _asked(request)
    lines = [json.dumps({**asked, "id": turn}).encode() + b"\n" for turn in range(min(int(number), LINES_MOST))]
    return Answer(pieces=tuple(lines), chunked=True)


@dataclass(frozen=True)
class Route:
    """A path, and the function that answers it: it takes the request and the groups of the pattern."""

    written: str
    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    answer: Callable[..., Answer]
    about: str


def _route(written: str, methods: tuple[str, ...], answer: Callable[..., Answer], about: str) -> Route:
    pattern = written.replace("/NUMBER", r"/([0-9]{1,9})").replace("/SECONDS", r"/([0-9]{1,9}(?:\.[0-9]{1,9})?)")
    return Route(written, re.compile(pattern), methods, answer, about)


ROUTES = (
    _route("/", GET, _index, "this list"),
    _route("/ip", GET, _ip, "the address that the request comes from"),
    _route("/headers", GET, _only_headers, "the request's headers"),
    _route("/get", GET, _get, "what was asked: args, headers, origin, url"),
    _route("/post", ("POST",), _post, "the same, and what was sent: data, files, form, json"),
    _route("/put", ("PUT",), _post, "as /post"),
    _route("/patch", ("PATCH",), _post, "as /post"),
    _route("/delete", ("DELETE",), _post, "as /post"),
    _route("/anything", ANY, _anything, "as /post, and the method"),
    _route("/status/NUMBER", ANY, _status, "that status, from 200 to 599"),
    _route("/bytes/NUMBER", GET, _bytes, f"so many random bytes, at most {BYTES_MOST}"),
    _route("/delay/SECONDS", ANY, _delay, f"as /post, after that time, at most {SECONDS_MOST:g} s"),
    _route("/stream/NUMBER", GET, _stream, f"so many lines of JSON, at most {LINES_MOST}, one by one"),
)
