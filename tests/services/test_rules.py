"""Rules: which of them fits, how a stream is cut for them, and what a file of them may say."""

import inspect
import re
import textwrap
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.services import ServiceError, bounded_regex, script
from socktui.services.rulefile import load
from socktui.services.rules import BOUND, End, Frame, Incoming, Rule, Rules, Send, Steps, Wait

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


def rules(frame: Frame, *wanted: bytes | re.Pattern[bytes], default: str | None = None) -> Rules:
    """Rules that answer `1`, `2` and so on, as they stand."""
    found = tuple(Rule(number, each, say(str(number))) for number, each in enumerate(wanted, 1))
    return Rules(frame, found, default=None if default is None else say(default))


def answers(to: Rules, *pieces: bytes, whole: bool = False) -> list[str]:
    """What is answered to these pieces and their end, one text for each answer."""
    incoming = Incoming()
    found = [steps for piece in pieces for steps in incoming.answers(to, piece, whole=whole)]
    found += incoming.rest(to)
    return ["".join(step.data.decode() for step in steps if isinstance(step, Send)) for steps in found]


# What fits


@pytest.mark.parametrize("frame", list(Frame))
def test_text_and_expressions_fit_anywhere(frame: Frame) -> None:
    three = rules(frame, b"PING", re.compile(rb"^\d+$"), b"\xde\xad")
    assert answers(three, b"a PING b") == ["1"]
    assert answers(three, b"123") == ["2"]
    assert answers(three, b"..\xde\xad..") == ["3"]
    assert [found for found in answers(three, b"nothing") if found] == []


def test_of_a_line_the_first_rule_that_fits_is_taken() -> None:
    assert answers(rules(Frame.LINE, b"b", b"a"), b"a b\n") == ["1"]
    assert answers(rules(Frame.LINE, b"", b"a", default="d"), b"a\n") == ["1"]


def test_of_a_buffer_the_rule_that_fits_first_is_taken() -> None:
    two = rules(Frame.BUFFER, b"QUIT", b"PING")
    assert answers(two, b"PING QUIT PING") == ["2", "1", "2"]
    same = rules(Frame.BUFFER, re.compile(b"a+"), b"aa")
    assert answers(same, b"aaa") == ["1"]


def test_the_default_is_for_what_no_rule_fits() -> None:
    assert answers(rules(Frame.LINE, b"a", default="d"), b"b\na\n\n") == ["d", "1", "d"]
    assert answers(rules(Frame.CHUNK, b"a", default="d"), b"b", b"a") == ["d", "1"]
    assert answers(rules(Frame.BUFFER, b"a", default="d"), b"b", b"xa", b"ay") == ["d", "1", "1", "d"]
    assert answers(rules(Frame.CHUNK, b"a", default="d"), b"", b"a", whole=True) == ["d", "1"]


# How it is cut


def test_a_buffer_puts_pieces_together() -> None:
    assert answers(rules(Frame.BUFFER, b"PING"), b"xxPI", b"NGPIN", b"G") == ["1", "1"]


def test_a_chunk_is_looked_at_by_itself() -> None:
    assert answers(rules(Frame.CHUNK, b"PING", default="d"), b"PI", b"NG", b"PING PING") == ["d", "d", "1"]


def test_a_line_is_without_its_end() -> None:
    whole = rules(Frame.LINE, re.compile(rb"^PING$"), default="d")
    assert answers(whole, b"PI", b"NG\r", b"\nPING\n\nPING\r") == ["1", "1", "d", "1"]


def test_a_message_is_looked_at_by_itself_whatever_the_frame() -> None:
    for frame in Frame:
        assert answers(rules(frame, b"PING", default="d"), b"PI", b"NG", b"PING\nPING", whole=True) == ["d", "d", "1"]


def test_a_match_of_nothing_takes_all_that_came() -> None:
    assert answers(rules(Frame.BUFFER, re.compile(b"x*")), b"abc", b"d") == ["1", "1"]


def test_what_fits_nothing_is_kept_only_so_far() -> None:
    incoming = Incoming()
    for frame in (Frame.BUFFER, Frame.LINE):
        for _ in range(10):
            assert list(incoming.answers(rules(frame, b"PING"), b"x" * 100_000, whole=False)) == []
            assert len(incoming._kept) <= BOUND
    assert answers(rules(Frame.BUFFER, b"PING"), b"x" * (BOUND - 2) + b"PI", b"NG" + b"x" * BOUND) == ["1"]


def test_a_long_line_is_judged_by_its_beginning() -> None:
    two = rules(Frame.LINE, b"END", b"BEGIN")
    line = b"BEGIN" + b"x" * (2 * BOUND) + b"END"
    assert answers(two, line + b"\nEND\n") == ["2", "1"]
    assert answers(two, *(line[i : i + 1000] for i in range(0, len(line), 1000)), b"\nEND\n") == ["2", "1"]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_lines_are_the_same_however_they_come(data: bytes, cuts: list[int]) -> None:
    one = rules(Frame.LINE, b"a", re.compile(b"^$"), default="d")
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert answers(one, *pieces) == answers(one, data)


@given(st.text("PINGx", max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_a_text_is_found_however_it_comes(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert len(answers(rules(Frame.BUFFER, b"PING"), *pieces)) == data.count(b"PING")


# Expressions that take for ever


def test_a_search_is_given_up() -> None:
    for_ever = re.compile(rb"(a+)+$")
    with pytest.raises(bounded_regex.TooSlow):
        bounded_regex.search(for_ever, b"a" * 60 + b"!")
    assert bounded_regex.search(for_ever, b"aaa")


def test_an_expression_that_takes_too_long_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    two = rules(Frame.LINE, re.compile(rb"^(a+)+$"), b"!")
    assert answers(two, b"aaa\n", b"a" * 60 + b"!\n", b"aaa\n", b"!\n") == ["1", "2", "", "2"]
    assert caplog.messages == ["rule 1: 'regex' took longer than 0.1 s and is left out from now on"]


# The file


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
