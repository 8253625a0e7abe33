"""The dialogs that verbs ask their arguments with."""

from __future__ import annotations

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.services import SERVICES
from socktui.tui.widgets.form import ChoiceField, Form, Submit, TextField

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5005"
BUFFER_SIZE = 65536


def listen_form(endpoint: str, submit: Submit) -> Form:
    return Form(
        "Listen",
        [
            TextField("endpoint", "Endpoint", endpoint, "tcp://127.0.0.1:5005", check_endpoint),
            ChoiceField("service", "Service", [(each.name, each.summary) for each in SERVICES.values()], "echo"),
            TextField("buffer", "Buffer size", str(BUFFER_SIZE), "bytes that each recv() asks for", check_size),
            TextField("backlog", "Backlog", "1024", "connections that may wait for accept()", check_count),
        ],
        intro="A server on this machine. Port 0 takes any free port; 127.0.0.1 is reached from here alone.",
        submit=submit,
    )


def connect_form(endpoint: str, submit: Submit) -> Form:
    return Form(
        "Connect",
        [
            TextField("endpoint", "Endpoint", endpoint, "tcp://host:port", check_endpoint),
            TextField("seconds", "Time-out, s", "10", "how long to wait for an answer", check_seconds),
        ],
        intro="A client of ours. The time-out includes the time that the name takes.",
        submit=submit,
    )


def buffer_form(size: int, submit: Submit) -> Form:
    return Form(
        "Receive buffer",
        [TextField("size", "Bytes", str(size), "20 in the lecture", check_size)],
        intro="How many bytes each recv() asks for. A longer message then comes in several calls.",
        submit=submit,
    )


def repeat_form(submit: Submit) -> Form:
    return Form(
        "Repeat",
        [
            TextField("count", "Times", "10", "how often to send it", check_count),
            TextField("interval", "Every, ms", "1000", "milliseconds from one to the next", check_interval),
        ],
        intro="Send what the box holds again and again. f8 stops it.",
        submit=submit,
    )


def check_endpoint(text: str) -> str | None:
    try:
        Endpoint.parse(text)
    except EndpointError as error:
        return str(error)
    return None


def check_size(text: str) -> str | None:
    return _check_number(text, 1, 1 << 20)


def check_count(text: str) -> str | None:
    return _check_number(text, 1, 1_000_000)


def check_interval(text: str) -> str | None:
    return _check_number(text, 0, 86_400_000)


def check_seconds(text: str) -> str | None:
    return _check_number(text, 1, 3600)


def _check_number(text: str, least: int, most: int) -> str | None:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
        return None
    return f"a whole number from {least} to {most} is needed"
