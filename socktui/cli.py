"""The command line. What a command needs is imported by that command: help and headless runs load no screen."""

import argparse
import errno as errnos
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from socktui import arguments
from socktui.arguments import ABOUT, DATAGRAMS, JSON, SEARCH, Command, Parser
from socktui.core.endpoint import Endpoint
from socktui.core.limits import BACKLOG, BACKLOG_MAX, BUFFER_MAX, BUFFER_SIZE, CONNECT_SECONDS, DISK_FLOOR_MIB
from socktui.core.safe import safe
from socktui.headless.stdio import STDERR, STDIN, STDOUT, open_standard_files, say, why, write_line

if TYPE_CHECKING:
    from socktui.control.launch import Launch
    from socktui.control.start import Start

ECHO = Endpoint("tcp", "127.0.0.1", 5005)


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
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_const", dest="run", const=_version, help="say which this is")
    _add_capture(parser)
    parser.set_defaults(run=_screen, start=None, capture=None, keep_free=DISK_FLOOR_MIB, log=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="socktui", parser_class=Command)

    def command(name: str, summary: str, fill: Callable[[Parser], None], epilog: str = ABOUT) -> None:
        commands.add_parser(
            name,
            help=summary,
            fill=fill,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    command("echo", "an echo server: short for listen ENDPOINT --service echo", _fill_echo, ABOUT + JSON)
    command("listen", "a server", _fill_listen, ABOUT + JSON)
    command("connect", "a client, which sends what comes on standard input", _fill_connect, ABOUT + DATAGRAMS + JSON)
    command("services", "the services that a server can have", lambda parser: parser.set_defaults(run=_services))
    command("templates", "what can be sent without typing it", lambda parser: parser.set_defaults(run=_templates))
    command("open", "look at a capture", _fill_open, ABOUT + JSON)
    command("search", "find bytes in a capture", _fill_search, SEARCH)
    command("captures", "the captures that are kept on this machine", _fill_captures)
    return parser


def _fill_echo(parser: Parser) -> None:
    parser.add_argument(
        "endpoint", metavar="ENDPOINT", type=arguments.endpoint, nargs="?", default=ECHO, help=f"default: {ECHO}"
    )
    _add_listening(parser)
    parser.set_defaults(run=_make, start=_listen, service="echo")


def _fill_listen(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", type=arguments.endpoint)
    parser.add_argument(
        "--service",
        metavar="NAME[=ARGUMENT]",
        type=arguments.service,
        default="echo",
        help="what it does (default: echo)",
    )
    _add_listening(parser)
    parser.set_defaults(run=_make, start=_listen)


def _fill_connect(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", type=arguments.endpoint)
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=arguments.seconds,
        default=CONNECT_SECONDS,
        help=f"to connect in (default: {CONNECT_SECONDS:g})",
    )
    parser.add_argument(
        "--template",
        metavar="NAME",
        type=arguments.template,
        default=b"",
        help="send this first: see `socktui templates`",
    )
    printed = _add_making(parser)
    printed.add_argument("--pipe", action="store_true", help="headless, and just the received bytes on standard output")
    parser.set_defaults(run=_make, start=_connect)


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
    parser.add_argument("--socket", metavar="N", type=arguments.number(1 << 32), help="only in what this one moved")
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
        "--backlog",
        metavar="N",
        type=arguments.number(BACKLOG_MAX),
        default=BACKLOG,
        help=f"for listen(2) (default: {BACKLOG})",
    )
    _add_making(parser)


def _add_making(parser: Parser) -> "argparse._MutuallyExclusiveGroup":
    """Add the arguments of all commands that make sockets. The group of choices of what is printed."""
    parser.add_argument(
        "--buffer",
        metavar="N",
        type=arguments.number(BUFFER_MAX),
        default=BUFFER_SIZE,
        help=f"bytes each recv asks for (default: {BUFFER_SIZE})",
    )
    parser.add_argument("--headless", action="store_true", help="no screen: one line per call on standard output")
    printed = parser.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="headless, and the lines are JSON (see below)")
    printed.add_argument("--quiet", action="store_true", help="headless, and nothing on standard output")
    parser.add_argument(
        "--for", metavar="SECONDS", dest="seconds", type=arguments.seconds, help="headless, end after that time"
    )
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
        "--keep-free", metavar="MIB", type=arguments.number(1 << 40, least=0), default=argparse.SUPPRESS,
        help=f"with less disk free than this, calls are kept without their bytes (default: {DISK_FLOOR_MIB})",
    )  # fmt: skip
    parser.add_argument(
        "--log", metavar="FILE", type=Path, default=argparse.SUPPRESS,
        help="write what goes on there; how much, the variable SOCKTUI_LOG says: debug, info (default) or warning",
    )  # fmt: skip


# The commands


def _version(args: argparse.Namespace) -> int:
    from socktui.control.launch import engine_version

    write_line(engine_version())
    return 0


def _listen(args: argparse.Namespace) -> "Start":
    from socktui.control.start import Start
    from socktui.control.verbs import Listen

    return Start(Listen(args.endpoint, args.service, args.buffer, args.backlog))


def _connect(args: argparse.Namespace) -> "Start":
    from socktui.control.start import Start
    from socktui.control.verbs import Connect

    return Start(Connect(args.endpoint, args.timeout, args.buffer), args.template)


def _make(args: argparse.Namespace) -> int:
    if not (args.headless or args.json or args.quiet or args.pipe):
        if args.seconds is not None:
            say("socktui: --for is for headless runs: add --headless")
            return 2
        return _screen(args)
    launch = _launch(args)
    if launch is None:
        return 2
    from socktui.headless.session import Options, Output, run

    output = Output.JSON if args.json else Output.QUIET if args.quiet else Output.PIPE if args.pipe else Output.TEXT
    return run(Options(args.start(args), launch, output, args.seconds))


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


def _screen(args: argparse.Namespace) -> int:
    if not _at_a_terminal("add --headless" if args.start else "try `socktui echo --headless`"):
        return 2
    launch = _launch(args)
    if launch is None:
        return 2
    gc.disable()  # until the first paint: what is imported and mounted stays, and looking for garbage in it takes time
    from socktui.tui.run import run

    return run(launch, args.start(args) if args.start else None)


def _launch(args: argparse.Namespace) -> "Launch | None":
    """The engine, started before anything slow is loaded; None, and said why, where the log's level is none."""
    from socktui.control.launch import Launch
    from socktui.control.log_level import LOG_LEVELS, LOG_VARIABLE

    level = os.environ.get(LOG_VARIABLE, "")
    if level and level not in LOG_LEVELS:
        say(f"socktui: {LOG_VARIABLE} is {level!r}: one of {', '.join(LOG_LEVELS)}")
        return None
    return Launch(_capture(args), floor=args.keep_free << 20, log=args.log)


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
