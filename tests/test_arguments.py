"""What the words of the command line may be, and parsers that say in one line what is wrong."""

import argparse

import pytest

from socktui import arguments
from socktui.arguments import Command, Parser
from socktui.core.endpoint import Endpoint


def test_what_is_right() -> None:
    assert arguments.endpoint(":5005") == Endpoint("tcp", "127.0.0.1", 5005)
    assert arguments.service("slow=20") == "slow=20"
    assert arguments.template("http-get").startswith(b"GET ")
    assert arguments.number(10)("10") == 10
    assert arguments.number(10, least=0)("0") == 0
    assert arguments.seconds("2.5") == 2.5
    assert arguments.seconds("1e9") == 1e9


@pytest.mark.parametrize(
    ("parse", "text", "why"),
    [
        (arguments.endpoint, ":x", "the port is wrong: 'x'"),
        (arguments.service, "gopher", "no service 'gopher'"),
        (arguments.template, "gopher", "no template 'gopher'"),
        (arguments.number(10), "0", "'0' is no number from 1 to 10"),
        (arguments.number(10), "11", "'11' is no number from 1 to 10"),
        (arguments.number(10), "٣", "is no number"),
        (arguments.number(1 << 70), "9" * 20, "is no number"),
        (arguments.seconds, "0", "'0' is no number of seconds above 0"),
        (arguments.seconds, "nan", "'nan' is no number"),
        (arguments.seconds, "1.1e9", "is no number"),
        (arguments.seconds, "soon", "is no number"),
    ],
)
def test_what_is_wrong_is_one_sentence(parse: object, text: str, why: str) -> None:
    assert callable(parse)
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        parse(text)


def test_a_parser_says_in_one_line_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        Parser(prog="socktui").parse_args(["\x1b[2J"])
    assert end.value.code == 2
    assert capfd.readouterr() == ("", "socktui: unrecognized arguments: ␛[2J\n")


def test_a_command_is_filled_when_it_is_given() -> None:
    filled: list[Parser] = []
    parser = Parser(prog="socktui")
    commands = parser.add_subparsers(parser_class=Command)
    for name in ("one", "two"):
        commands.add_parser(name, fill=filled.append)
    assert filled == []
    parser.parse_args(["two"])
    assert len(filled) == 1
