"""Rules: which of them fits, and how a stream is cut for them."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.services.rules import BOUND, Frame, Incoming, Rule, Rules, Send, Steps


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


def test_an_expression_that_takes_too_long_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    two = rules(Frame.LINE, re.compile(rb"^(a+)+$"), b"!")
    assert answers(two, b"aaa\n", b"a" * 60 + b"!\n", b"aaa\n", b"!\n") == ["1", "2", "", "2"]
    assert caplog.messages == ["rule 1: 'regex' took longer than 0.1 s and is left out from now on"]
