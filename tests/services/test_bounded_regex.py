"""A search that is given up."""

import re
import signal

import pytest

from socktui.services import bounded_regex


def test_a_search_is_given_up() -> None:
    for_ever = re.compile(rb"(a+)+$")
    with pytest.raises(bounded_regex.TooSlow):
        bounded_regex.search(for_ever, b"a" * 60 + b"!")
    assert bounded_regex.search(for_ever, b"aaa")


def test_what_is_found_is_what_re_finds() -> None:
    pattern = re.compile(rb"b(.)")
    found = bounded_regex.search(pattern, b"abcbd")
    assert found
    assert (found.span(), found[1]) == ((1, 3), b"c")
    assert bounded_regex.search(pattern, b"ab") is None


def test_no_timer_is_left_running() -> None:
    bounded_regex.search(re.compile(b"a"), b"a")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_signal_that_comes_late_ends_nothing() -> None:
    bounded_regex.search(re.compile(b"a"), b"a")
    signal.raise_signal(signal.SIGVTALRM)
