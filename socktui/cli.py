"""The command line. What a command needs is imported by that command: help and headless runs load no screen."""

import argparse
import errno as errnos
import gc
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from socktui.control.start import Start
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.safe import safe
from socktui.headless.stdio import STDERR, STDIN, STDOUT, open_standard_files, say, why, write_line

ECHO = Endpoint("tcp", "127.0.0.1", 5005)
KEEP_FREE = 256
BUFFER_MOST = 1 << 20
BACKLOG_MOST = 65535

_ABOUT = """\
Endpoints are written tcp://127.0.0.1:5005, tcp://[::1]:5005, HOST:PORT or :PORT (on 127.0.0.1); port 0 asks the
kernel for a free one. Others: udp://HOST:PORT, unix:///PATH, unix://@NAME (abstract), unix-dgram://, unix-seqpacket://,
tls://HOST:PORT, ws://HOST:PORT/PATH, wss://, telnet://HOST, icmp://HOST, raw://HOST:PROTOCOL; options follow as
?NAME=VALUE&... Messages are on standard error. SIGINT and SIGTERM end a run in order.
Exit status: 0 done, 1 the kernel or the peer said no, 2 bad usage.
"""

_JSON = """\
--json prints one object a call, with these keys: seq; time (RFC 3339, UTC); duration_us; socket (its number in the
capture); fd; call; args (as in the man page, without the descriptor; of bytes just their number); result; errno (by
name, or null); layer (wire, tls, ws or telnet); data (the bytes that moved in base64; null for none, or where they were
not kept); answer (an address or a value that was written back, or why it failed in words; or null); made (the number of
the socket accepted, or null); via (the number of the bound socket that a datagram peer's call went through, or null).
"""

_DATAGRAMS = """\
To a datagram socket each read of standard input is a datagram. At its end the client stays until nothing has come for
a second, or for as long as --for says.
"""


_SEARCH = """\
A line is printed for each match: when, in which call of which socket, at which of its bytes, and what stands there.
A match may go on in the next calls of the same socket, direction and layer, but not from one message to the next.
Matches may overlap, and come in the order of their ends.
--json prints one object a match, with these keys: seq (the call in which it begins), time, socket, call, layer, byte
(of that call), offset (in what the socket moved that way), length, and end_seq and end_byte of its last byte.
Exit status: 0 found, 1 not found, 2 bad usage, or no capture.
"""


class Parser(argparse.ArgumentParser):
    """A parser that reports bad usage in one line."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message}")
        sys.exit(2)

    def print_help(self, file: object = None) -> None:
        """Print the help. The inherited method would hide that it could not be written."""
        write_line(self.format_help().rstrip())


class Command(Parser):
    """The parser of a command, set up when that command is given: to set them all up takes longer than to parse.

    fill  adds its arguments
    """

    def __init__(self, *, fill: Callable[[Parser], None], **options: Any) -> None:
        self._fill = fill
        self._options = options

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Set the parser up, and parse: argparse calls this once the command is known."""
        super().__init__(**self._options)
        self._fill(self)
        return super().parse_known_args(args, namespace)


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` (the default: that of the process). Its exit status: 0, 1, 2, or 130 after SIGINT.

    Raises SystemExit, as argparse does: 0 after the help, 2 for bad usage.
    """
    open_standard_files()
    try:
        args = _parser().parse_args(argv)
        status: int = args.run(args)
    except BrokenPipeError:
        return 0  # whoever read it has seen enough
    except OSError as error:
        say(why(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return status


# What can be said


def _parser() -> Parser:
    parser = Parser(
        prog="socktui",
        description="A terminal workbench for sockets. Without a command: the workbench.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_const", dest="run", const=_version, help="say which this is")
    _add_capture(parser)
    parser.set_defaults(run=_workbench, capture=None, keep_free=KEEP_FREE)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="socktui", parser_class=Command)

    def command(name: str, summary: str, fill: Callable[[Parser], None], epilog: str = _ABOUT) -> None:
        commands.add_parser(
            name,
            help=summary,
            fill=fill,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    command("echo", "an echo server: short for listen ENDPOINT --service echo", _fill_echo, _ABOUT + _JSON)
    command("listen", "a server", _fill_listen, _ABOUT + _JSON)
    command("connect", "a client, which sends what comes on standard input", _fill_connect, _ABOUT + _DATAGRAMS + _JSON)
    command("services", "the services that a server can have", lambda parser: parser.set_defaults(run=_services))
    command("templates", "what can be sent without typing it", lambda parser: parser.set_defaults(run=_templates))
    command("open", "look at a capture", _fill_open, _ABOUT + _JSON)
    command("search", "find bytes in a capture", _fill_search, _SEARCH)
    command("captures", "the captures that are kept on this machine", _fill_captures)
    return parser


def _fill_echo(parser: Parser) -> None:
    parser.add_argument(
        "endpoint", metavar="ENDPOINT", type=_endpoint, nargs="?", default=ECHO, help=f"default: {ECHO}"
    )
    _add_listening(parser)
    parser.set_defaults(run=_listen, service="echo")


def _fill_listen(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", type=_endpoint)
    parser.add_argument(
        "--service", metavar="NAME[=ARGUMENT]", type=_service, default="echo", help="what it does (default: echo)"
    )
    _add_listening(parser)
    parser.set_defaults(run=_listen)


def _fill_connect(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", type=_endpoint)
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, default=0.0, help="to connect in (default: 10)")
    parser.add_argument(
        "--template", metavar="NAME", type=_template, default=b"", help="send this first: see `socktui templates`"
    )
    printed = _add_making(parser)
    printed.add_argument("--pipe", action="store_true", help="headless, and just the received bytes on standard output")
    parser.set_defaults(run=_connect)


def _fill_open(parser: Parser) -> None:
    parser.add_argument("path", metavar="CAPTURE", type=Path)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--headless", action="store_true", help="no screen: print its calls, a line each")
    form.add_argument("--json", action="store_true", help="no screen: print its calls as JSON Lines")
    parser.set_defaults(run=_open)


def _fill_search(parser: Parser) -> None:
    parser.add_argument("path", metavar="CAPTURE", type=Path)
    parser.add_argument("pattern", metavar="PATTERN", help="text, with escapes such as \\r\\n \\x00 \\u0416")
    parser.add_argument("--hex", action="store_true", help="the pattern is hex: 48 65 6c, or 0x48,0x65")
    parser.add_argument("--ignore-case", action="store_true", help="letters of ASCII match in either case")
    parser.add_argument("--socket", metavar="N", type=_number(1 << 32), help="only in what this one moved")
    parser.add_argument(
        "--layers",
        choices=("clear", "wire", "all"),
        default="clear",
        help="of a protocol over another (default: clear)",
    )
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--count", action="store_true", help="print only how many matches there are")
    printed.add_argument("--json", action="store_true", help="print the matches as JSON Lines")
    parser.set_defaults(run=_search)


def _fill_captures(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON Lines")
    parser.set_defaults(run=_captures)


def _add_listening(parser: Parser) -> None:
    parser.add_argument(
        "--backlog", metavar="N", type=_number(BACKLOG_MOST), default=0, help="for listen(2) (default: 1024)"
    )
    _add_making(parser)


def _add_making(parser: Parser) -> "argparse._MutuallyExclusiveGroup":
    """Add the arguments of all commands that make sockets. The group of choices of what is printed."""
    parser.add_argument(
        "--buffer", metavar="N", type=_number(BUFFER_MOST), default=0, help="bytes each recv asks for (default: 65536)"
    )
    parser.add_argument("--headless", action="store_true", help="no screen: one line per call on standard output")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="headless, and the lines are JSON (see below)")
    printed.add_argument("--quiet", action="store_true", help="headless, and nothing on standard output")
    parser.add_argument("--for", metavar="SECONDS", dest="seconds", type=_seconds, help="headless, end after that time")
    _add_capture(parser)
    parser.set_defaults(pipe=False)
    return printed


def _add_capture(parser: Parser) -> None:
    """Add the arguments of captures, without defaults: those would override what stands before the command."""
    parser.add_argument(
        "--capture", metavar="DIR", type=Path, default=argparse.SUPPRESS,
        help="where the capture goes, a new folder (default: a dated one in the user's state directory)",
    )  # fmt: skip
    parser.add_argument(
        "--keep-free", metavar="MIB", type=_number(1 << 40, least=0), default=argparse.SUPPRESS,
        help=f"with less disk free than this, calls are kept without their bytes (default: {KEEP_FREE})",
    )  # fmt: skip


def _endpoint(text: str) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except EndpointError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _service(spec: str) -> str:
    from socktui.services import ServiceError, service

    try:
        service(spec)
    except ServiceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return spec


def _template(name: str) -> bytes:
    """The bytes of the template of that name."""
    from socktui.templates import TemplateError, find, templates

    found, wrong = templates()
    try:
        return find(name, found).payload()
    except TemplateError as error:
        raise argparse.ArgumentTypeError("; ".join([str(error), *wrong])) from error


def _number(most: int, least: int = 1) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return number


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


# The commands


def _version(args: argparse.Namespace) -> int:
    from socktui.control.launch import engine_version

    write_line(engine_version())
    return 0


def _workbench(args: argparse.Namespace) -> int:
    return _screen(args, None)


def _listen(args: argparse.Namespace) -> int:
    start = Start("listen", args.endpoint, service=args.service, buffer=args.buffer, backlog=args.backlog)
    return _make(args, start)


def _connect(args: argparse.Namespace) -> int:
    start = Start("connect", args.endpoint, buffer=args.buffer, seconds=args.timeout, data=args.template)
    return _make(args, start)


def _make(args: argparse.Namespace, start: Start) -> int:
    if not (args.headless or args.json or args.quiet or args.pipe):
        if args.seconds is not None:
            say("socktui: --for is for headless runs: add --headless")
            return 2
        return _screen(args, start)
    from socktui.control.launch import Launch

    launch = Launch(_capture(args), floor=args.keep_free << 20)
    from socktui.headless.session import Options, Output, run

    output = Output.JSON if args.json else Output.QUIET if args.quiet else Output.PIPE if args.pipe else Output.TEXT
    return run(Options(start, launch, output, args.seconds))


def _services(args: argparse.Namespace) -> int:
    from socktui.services import SERVICES

    for service in SERVICES.values():
        source = f" ({service.source})" if service.source else ""
        default = f", {service.default} where none is given" if service.default else ""
        argument = f"; {service.name}=ARGUMENT: {service.argument}{default}" if service.argument else ""
        write_line(f"{service.name:<12} {service.summary}{source}{argument}")
    return 0


def _templates(args: argparse.Namespace) -> int:
    from socktui.templates import own_folder, templates

    found, wrong = templates()
    for template in found:
        write_line(safe(f"{template.path.stem:<18} {template.endpoint:<24} {template.about or template.name}"))
    for sentence in wrong:
        say(sentence)
    say(f"your own stand in {own_folder()}")
    return 1 if wrong else 0


def _open(args: argparse.Namespace) -> int:
    if args.headless or args.json:
        from socktui.headless.captures import show

        return show(args.path, as_json=args.json)
    from socktui.journal.reader import CaptureError, Reader

    try:
        Reader(args.path).close()
    except CaptureError as error:
        say(str(error))
        return 1
    if not _at_a_terminal("add --headless"):
        return 2
    gc.disable()
    from socktui.tui.run import open_capture

    return open_capture(args.path)


def _search(args: argparse.Namespace) -> int:
    from socktui.core.payload import PayloadError, from_escapes, from_hex
    from socktui.headless.search import Options, search
    from socktui.journal.matching import Pattern, PatternError
    from socktui.journal.search import Scope

    try:
        data = from_hex(args.pattern) if args.hex else from_escapes(args.pattern, "utf-8")
        pattern = Pattern(data, args.ignore_case)
    except (PayloadError, PatternError) as error:
        say(f"socktui search: {error}")
        return 2
    return search(args.path, pattern, Scope(args.socket, args.layers), Options(args.count, args.json))


def _captures(args: argparse.Namespace) -> int:
    from socktui.headless.captures import listing

    return listing(as_json=args.json)


def _screen(args: argparse.Namespace, start: Start | None) -> int:
    if not _at_a_terminal("add --headless" if start else "try `socktui echo --headless`"):
        return 2
    gc.disable()  # until the first paint: what is imported and mounted stays, and looking for garbage in it takes time
    from socktui.tui.run import run

    return run(_capture(args), floor=args.keep_free << 20, start=start)


def _at_a_terminal(advice: str) -> bool:
    """Whether a screen can be drawn. Where not, says why, and what to do instead."""
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        say(f"the screen needs a terminal that can be drawn on, and TERM is {term or 'not set'}: {advice}")
        return False
    if not all(map(os.isatty, (STDIN, STDOUT, STDERR))):  # it is drawn on standard error
        say(f"the screen needs a terminal as standard input, output and error: {advice}")
        return False
    return True


def _capture(args: argparse.Namespace) -> Path:
    """The path of the new capture. Raises FileExistsError where something is there already."""
    if args.capture is None:
        from socktui.journal.folder import new_path

        return new_path()
    path = Path(args.capture)
    if os.path.lexists(path):
        raise FileExistsError(errnos.EEXIST, "there is something already, and a capture is a new folder", str(path))
    return path
