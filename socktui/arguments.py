"""The words of the command line: what they may be, parsers that say in one line what is wrong, and long help texts."""

import argparse
import math
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.limits import CONNECT_SECONDS_MAX
from socktui.headless.stdio import say, write_line

ABOUT = """\
Endpoints are written tcp://127.0.0.1:5005, tcp://[::1]:5005, HOST:PORT or :PORT (on 127.0.0.1); port 0 asks the
kernel for a free one. Others: udp://HOST:PORT, unix:///PATH, unix://@NAME (abstract), unix-dgram://, unix-seqpacket://,
tls://HOST:PORT, ws://HOST:PORT/PATH, wss://, telnet://HOST, icmp://HOST, raw://HOST:PROTOCOL; options follow as
?NAME=VALUE&... Messages are on standard error. SIGINT and SIGTERM end a run in order.
Exit status: 0 done, 1 the kernel or the peer said no, 2 bad usage.
"""

JSON = """\
--json prints one object a call, with these keys: seq; time (RFC 3339, UTC); duration_us; socket (its number in the
capture); fd; call; args (as in the man page, without the descriptor; of bytes just their number); result; errno (by
name, or null); layer (wire, tls, ws or telnet); data (the bytes that moved in base64; null for none, or where they were
not kept); answer (an address or a value that was written back, or why it failed in words; or null); made (the number of
the socket accepted, or null); via (the number of the bound socket that a datagram peer's call went through, or null).
"""

DATAGRAMS = """\
To a datagram socket each read of standard input is a datagram. At its end the client stays until nothing has come for
a second, or for as long as --for says.
"""


SEARCH = """\
A line is printed for each match: when, in which call of which socket, at which of its bytes, and what stands there.
A match may go on in the next calls of the same socket, direction and layer, but not from one message to the next.
Matches may overlap, and come in the order of their ends.
--json prints one object a match, with these keys: seq (the call in which it begins), time, socket, call, layer, byte
(of that call), offset (in what the socket moved that way), length, and end_seq and end_byte of its last byte.
Exit status: 0 found, 1 not found, 2 bad usage, or no capture.
"""


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say it, and leave with the status 2."""
        say(f"{self.prog}: {message}")
        sys.exit(2)

    def print_help(self, file: object = None) -> None:
        """The stock one hides that it could not be written."""
        write_line(self.format_help().rstrip())


class Command(Parser):
    """The parser of a command, made when that command is given: to make them all takes longer than to parse.

    fill  adds its arguments
    """

    def __init__(self, *, fill: Callable[[Parser], None], **options: Any) -> None:
        self._fill = fill
        self._options = options

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Make the parser, and parse."""
        super().__init__(**self._options)
        self._fill(self)
        return super().parse_known_args(args, namespace)


# Types of arguments: each raises argparse.ArgumentTypeError, one sentence


def endpoint(text: str) -> Endpoint:
    """An endpoint that is written right."""
    try:
        return Endpoint.parse(text)
    except EndpointError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def service(spec: str) -> str:
    """NAME or NAME=ARGUMENT of a service that there is."""
    from socktui.services import ServiceError
    from socktui.services import service as find

    try:
        find(spec)
    except ServiceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return spec


def template(name: str) -> bytes:
    """What a template sends."""
    from socktui.templates import TemplateError, find, templates

    found, wrong = templates()
    try:
        return find(name, found).payload()
    except TemplateError as error:
        raise argparse.ArgumentTypeError("; ".join([str(error), *wrong])) from error


def number(most: int, least: int = 1) -> Callable[[str], int]:
    """A whole number between these."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= CONNECT_SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value
