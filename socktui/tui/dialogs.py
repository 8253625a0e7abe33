"""The dialogs that verbs ask their arguments with."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from socktui.core.endpoint import SCHEMES, Endpoint, EndpointError
from socktui.core.limits import (
    BACKLOG,
    BACKLOG_MAX,
    BUFFER_MAX,
    BUFFER_SIZE,
    CONNECT_SECONDS,
    INTERVAL_MAX,
    REPEAT_MAX,
)
from socktui.services import SERVICES
from socktui.tui.widgets.form import ChoiceField, Form, Submit, TextField, Values

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5005"
SOCKET_FILE = "/tmp/socktui.sock"
EXPERIMENTAL = 253
"""A protocol number that nothing uses (RFC 3692)."""

VERIFY = (("yes", "its certificate must be good"), ("no", "whoever answers is trusted"))

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]*)://")


def listen_form(endpoint: str, submit: Submit) -> Form:
    """Asks for `endpoint`, `service`, `argument`, `buffer` and `backlog`."""
    kinds = [(name, kind.about) for name, kind in SCHEMES.items() if kind.serves]
    return Form(
        "Listen",
        [
            ChoiceField("kind", "Kind", kinds, kind_of(endpoint)),
            TextField("endpoint", "Endpoint", endpoint, "tcp://127.0.0.1:5005", check_endpoint),
            ChoiceField("service", "Service", [(each.name, each.summary) for each in SERVICES.values()], "echo"),
            TextField("argument", "Its argument", "", _argument_hint, when=_takes_argument),
            TextField("buffer", "Buffer size", str(BUFFER_SIZE), "bytes that each recv() asks for", check_size),
            TextField(
                "backlog", "Backlog", str(BACKLOG), "connections that may wait", check_backlog, when=_has_backlog
            ),
        ],
        intro="A server on this machine. Port 0 takes any free port; 127.0.0.1 is reached from here alone.",
        submit=submit,
        linked=partial(linked, endpoint),
    )


def connect_form(endpoint: str, submit: Submit) -> Form:
    """Asks for `endpoint` and `seconds`."""
    return Form(
        "Connect",
        [
            ChoiceField("kind", "Kind", [(name, kind.about) for name, kind in SCHEMES.items()], kind_of(endpoint)),
            TextField("endpoint", "Endpoint", endpoint, "tcp://host:port", check_endpoint),
            ChoiceField("verify", "Verify", VERIFY, verify_of(endpoint), bad=frozenset({"no"}), when=_can_verify),
            TextField(
                "seconds", "Time-out, s", f"{CONNECT_SECONDS:g}", "how long to wait for an answer", check_seconds
            ),
        ],
        intro="A client of ours. The time-out includes the time that the name takes.",
        submit=submit,
        linked=partial(linked, endpoint),
    )


def buffer_form(size: int, submit: Submit) -> Form:
    """Asks for `size`, in bytes."""
    return Form(
        "Receive buffer",
        [TextField("size", "Bytes", str(size), "20 in the lecture", check_size)],
        intro="How many bytes each recv() asks for. A longer message then comes in several calls.",
        submit=submit,
    )


def repeat_form(submit: Submit) -> Form:
    """Asks for `count` and `interval`, in milliseconds."""
    return Form(
        "Repeat",
        [
            TextField("count", "Times", "10", "how often to send it", check_count),
            TextField("interval", "Every, ms", "1000", "milliseconds from one to the next", check_interval),
        ],
        intro="Send what the box holds again and again. f8 stops it.",
        submit=submit,
    )


# An endpoint and the choices that stand beside it


def kind_of(endpoint: str) -> str:
    """The scheme that a text names, finished or not; TCP where it names none."""
    match = _SCHEME.match(endpoint.strip())
    return match[1].lower() if match and match[1].lower() in SCHEMES else "tcp"


def verify_of(endpoint: str) -> str:
    """The option `verify` of a text."""
    try:
        return Endpoint.parse(endpoint).option("verify", "yes")
    except EndpointError:
        return "yes"


def as_kind(endpoint: str, scheme: str, offered: str) -> str:
    """The endpoint of another scheme: at the same host and port where it has such, else at those of `offered`."""
    form = SCHEMES[scheme].form
    if form == "path":
        return f"{scheme}://{SOCKET_FILE}"
    found = _addressed(endpoint) or _addressed(offered) or Endpoint.parse(DEFAULT_ENDPOINT)
    port = EXPERIMENTAL if form == "protocol" else found.port if form == "port" else 0
    return str(Endpoint(scheme, found.host, port, path="/" if SCHEMES[scheme].resource else ""))


def _addressed(text: str) -> Endpoint | None:
    """The endpoint that a text writes, where it has a host and a port."""
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError:
        return None
    return endpoint if endpoint.kind.form == "port" else None


def linked(offered: str, name: str, values: Values) -> Values:
    """What the endpoint says, the choices show; what they choose, the endpoint gets."""
    endpoint = values["endpoint"]
    if name == "kind" and kind_of(endpoint) != values["kind"]:
        endpoint = as_kind(endpoint, values["kind"], offered)
        return {"endpoint": endpoint, "verify": verify_of(endpoint)} if "verify" in values else {"endpoint": endpoint}
    if name == "verify" and verify_of(endpoint) != values["verify"]:
        return {"endpoint": _with_verify(endpoint, values["verify"])}
    if name == "endpoint":
        found = {"kind": kind_of(endpoint)}
        return found | ({"verify": verify_of(endpoint)} if "verify" in values else {})
    if name == "service":
        return {"argument": SERVICES[values["service"]].default}
    return {}


def service_of(values: Values) -> str:
    """NAME, or NAME=ARGUMENT, as the engine is asked for it."""
    name, argument = values["service"], values["argument"]
    return f"{name}={argument}" if SERVICES[name].argument and argument else name


def _with_verify(text: str, verify: str) -> str:
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError:
        return text
    if verify == "no":
        return str(endpoint.with_option("verify", "no"))
    return str(replace(endpoint, options=tuple(each for each in endpoint.options if each[0] != "verify")))


def _takes_argument(values: Values) -> bool:
    return bool(SERVICES[values["service"]].argument)


def _argument_hint(values: Values) -> str:
    return SERVICES[values["service"]].argument


def _can_verify(values: Values) -> bool:
    return "verify" in SCHEMES[kind_of(values["endpoint"])].options


def _has_backlog(values: Values) -> bool:
    return SCHEMES[kind_of(values["endpoint"])].netid not in ("udp", "u_dgr", "raw", "icmp")


# What is right in a field


def check_endpoint(text: str) -> str | None:
    """What is wrong with an endpoint, in a sentence; None where it is right."""
    try:
        Endpoint.parse(text)
    except EndpointError as error:
        return str(error)
    return None


def check_size(text: str) -> str | None:
    """What is wrong with the size of a receive buffer, in bytes."""
    return _check_number(text, 1, BUFFER_MAX)


def check_backlog(text: str) -> str | None:
    """What is wrong with a backlog, as listen(2) is told."""
    return _check_number(text, 1, BACKLOG_MAX)


def check_count(text: str) -> str | None:
    """What is wrong with how often something is to be sent."""
    return _check_number(text, 1, REPEAT_MAX)


def check_interval(text: str) -> str | None:
    """What is wrong with the milliseconds from one time to the next."""
    return _check_number(text, 0, INTERVAL_MAX)


def check_seconds(text: str) -> str | None:
    """What is wrong with the seconds that a connect may take: nobody waits for an hour."""
    return _check_number(text, 1, 3600)


def _check_number(text: str, least: int, most: int) -> str | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
        return None
    return f"a whole number from {least} to {most} is needed"
