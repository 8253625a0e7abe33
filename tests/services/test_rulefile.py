"""The file of rules: what it may say, and what is wrong with it."""

import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from socktui.services import ServiceError, script
from socktui.services.rulefile import load
from socktui.services.rules import End, Frame, Rule, Rules, Send, Steps, Wait

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Save a file of rules; where it is."""

    def save(text: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(textwrap.dedent(text))
        return path

    return save


def say(text: str) -> Steps:
    return (Send(text.encode()),)


def test_the_example_is_right(tmp_path: Path) -> None:
    assert script.__doc__
    example = script.__doc__.partition("\n\n")[2].partition("\n\nText and hex")[0]
    (tmp_path / "rules.toml").write_text(inspect.cleandoc(example))
    (tmp_path / "reply.bin").write_bytes(b"\0\xff")
    assert load(tmp_path / "rules.toml") == Rules(
        Frame.LINE,
        (
            Rule(1, b"PING", say("PONG\r\n")),
            Rule(2, re.compile(rb"(?i)^get (\d+)"), (Send(b"wait..."), Wait(0.5), Send(b"\0\xff"))),
            Rule(3, b"\xde\xad\xbe\xef", (Send(b"\0\1"), End(reset=True))),
            Rule(4, b"QUIT", (Send(b"bye\r\n"), End(reset=False))),
        ),
        connect=say("220 ready\r\n"),
        default=say("what?\r\n"),
    )


def test_an_empty_file_answers_nothing(write: Write) -> None:
    assert load(write("")) == Rules()


def test_both_kinds_of_quotes(write: Write) -> None:
    found = load(
        write(r"""
        [[rule]]
        text = 'a\x00\r'
        answer = "b\\x00\r"
    """)
    )
    assert found.rules == (Rule(1, b"a\0\r", (Send(b"b\0\r"),)),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("frame", "Expected '=' after a key in a key/value pair (at end of document)"),
        ("\n\nx = = 1", "Invalid value (at line 3, column 5)"),
        ("a = " + "[" * 5000, "it is nested too deep"),
        ("frame = 'word'", "'frame' is one of buffer, line, chunk"),
        ("frame = 1", "'frame' is one of buffer, line, chunk"),
        ("frame = []", "'frame' is one of buffer, line, chunk"),
        ("[rule]\ntext = 'a'", "'rule' has to be written [[rule]]"),
        ("rule = [1]", "rule 1: a table is needed here, with text, hex, regex, answer"),
        ("rules = []", "'rules' is no key here: one of frame, connect, rule, default"),
        ("[[rule]]\nanswer = 'a'", "rule 1: it needs one of text, hex, regex, and has none"),
        (
            "[[rule]]\ntext = 'a'\nhex = '00'\nanswer = 'a'",
            "rule 1: it needs one of text, hex, regex, and has text and hex",
        ),
        ("[[rule]]\ntext = 'a'", "rule 1: 'answer' is missing"),
        (
            "[[rule]]\ntext = 'a'\nanswer = 'a'\n[[rule]]\ntxet = 'b'",
            "rule 2: 'txet' is no key here: one of text, hex,",
        ),
        ("[[rule]]\ntext = ''\nanswer = 'a'", "rule 1: 'text' has to stand for 1 to 8192 bytes, not 0"),
        (
            "[[rule]]\nhex = '" + "00" * 9000 + "'\nanswer = 'a'",
            "rule 1: 'hex' has to stand for 1 to 8192 bytes, not 9000",
        ),
        ("[[rule]]\ntext = 1\nanswer = 'a'", "rule 1: 'text' has to be a text"),
        ("[[rule]]\ntext = '\\q'\nanswer = 'a'", "rule 1: 'text' is wrong: \\q is no escape"),
        ("[[rule]]\nhex = 'xy'\nanswer = 'a'", "rule 1: 'hex' is wrong: “x” is no hex digit"),
        ("[[rule]]\nregex = '('\nanswer = 'a'", "rule 1: 'regex' is wrong: missing ), unterminated subpattern"),
        ("[[rule]]\nregex = 'a{99999999999}'\nanswer = 'a'", "rule 1: 'regex' is wrong: "),
        ("[[rule]]\nregex = '" + "(" * 5000 + "'\nanswer = 'a'", "rule 1: 'regex' is wrong: "),
        (
            "[[rule]]\ntext = 'a'\nanswer = 1",
            "rule 1: step 1 of 'answer': a table is needed here, with hex, file, wait",
        ),
        (
            "[[rule]]\ntext = 'a'\nanswer = ['a', '\\x1']",
            "rule 1: step 2 of 'answer': 'text' is wrong: \\x needs 2 hex digits",
        ),
        ("[[rule]]\ntext = 'a'\nanswer = {}", "rule 1: step 1 of 'answer': a step has one key, not 0"),
        (
            "[[rule]]\ntext = 'a'\nanswer = {wait=1, close=true}",
            "rule 1: step 1 of 'answer': a step has one key, not 2",
        ),
        ("[[rule]]\ntext = 'a'\nanswer = {wiat=1}", "rule 1: step 1 of 'answer': 'wiat' is no key here"),
        (
            "[default]\nanswer = {wait=0}",
            "default: step 1 of 'answer': 'wait' is a number of seconds above 0, up to 3600",
        ),
        ("[default]\nanswer = {wait=nan}", "default: step 1 of 'answer': 'wait' is a number of seconds"),
        ("[default]\nanswer = {wait=true}", "default: step 1 of 'answer': 'wait' is a number of seconds"),
        ("[default]\nanswer = {wait='1'}", "default: step 1 of 'answer': 'wait' is a number of seconds"),
        ("[default]\nanswer = {reset=false}", "default: step 1 of 'answer': 'reset' can only be true"),
        ("[default]\nanswer = [{close=true}, 'a']", "default: step 1 of 'answer': nothing can come after it"),
        ("[connect]\ntext = 'a'", "connect: 'text' is no key here: one of answer"),
        ("connect = 'a'", "connect: a table is needed here, with answer"),
        ("[connect]", "connect: 'answer' is missing"),
        ("[connect]\nanswer = {file='nowhere'}", "connect: step 1 of 'answer': "),
        ("[connect]\nanswer = {file='.'}", "connect: step 1 of 'answer': "),
        ("[connect]\nanswer = {file='/dev/zero'}", "connect: step 1 of 'answer': /dev/zero is no file"),
    ],
)
def test_what_is_wrong_is_told_by_rule_and_key(text: str, sentence: str, write: Write) -> None:
    path = write("")
    path.write_text(text)
    with pytest.raises(ServiceError) as error:
        load(path)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_text(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "nowhere", "cannot be read: No such file or directory"),
        (tmp_path, "is no file that can be read"),
        (Path("/dev/zero"), "is no file that can be read"),
    ):
        with pytest.raises(ServiceError, match=f"{re.escape(str(path))} {sentence}"):
            load(path)
    (tmp_path / "binary").write_bytes(b"# \xff")
    with pytest.raises(ServiceError, match="it is no UTF-8 at byte 2"):
        load(tmp_path / "binary")
