"""What a pattern is, and where some bytes match it: as a plain comparison of every place finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.journal.matching import LONGEST, Matcher, Pattern, PatternError

DATA = st.text("abA", max_size=9).map(str.encode)
PATTERNS = st.builds(Pattern, st.text("abA", min_size=1, max_size=5).map(str.encode), st.booleans())


@pytest.mark.parametrize("data", [b"", b"x" * (LONGEST + 1)])
def test_what_cannot_be_found_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(PatternError, match="pattern") as told:
        Pattern(data)
    assert "\n" not in str(told.value)


def test_the_longest_pattern_is_taken() -> None:
    assert Matcher(Pattern(b"x" * LONGEST)).size == LONGEST


@given(DATA, PATTERNS)
def test_matches_are_found_wherever_they_begin(data: bytes, pattern: Pattern) -> None:
    matcher = Matcher(pattern)
    data, wanted = matcher.folded(data), matcher.folded(pattern.data)
    found = [at for at in range(len(data)) if data[at : at + len(wanted)] == wanted]
    assert list(matcher.places(data)) == found
    assert list(matcher.places(data, backward=True)) == found[::-1]
    assert matcher.within(data) == bool(found)


@given(DATA, DATA, PATTERNS)
def test_whether_a_match_goes_on_over_a_border(before: bytes, data: bytes, pattern: Pattern) -> None:
    """goes_on() and begins() rule out what cannot be: they never miss a match over the border."""
    matcher = Matcher(pattern)
    before, data, reach = matcher.folded(before), matcher.folded(data), matcher.size - 1
    over = [at for at in matcher.places(before + data) if at < len(before) < at + matcher.size]
    if over:
        assert matcher.goes_on(data[:reach])
        assert matcher.begins(before[-reach:])
        assert list(matcher.may_go_on(data[:1])) == [0]


def test_case_is_ignored_where_asked_and_of_ascii_only() -> None:
    assert list(Matcher(Pattern(b"NeedLE", ignore_case=True)).places(b"a needle")) == [2]
    matcher = Matcher(Pattern("Ж".encode(), ignore_case=True))
    assert not matcher.within(matcher.folded("ж".encode()))
    assert not Matcher(Pattern(b"needle")).within(b"NEEDLE")


def test_a_match_may_begin_before_and_end_after() -> None:
    matcher = Matcher(Pattern(b"needle"))
    assert matcher.begins(b"eed")
    assert matcher.begins(b"xxnee")
    assert not matcher.begins(b"xxeed")
    assert not matcher.begins(b"needle")
    assert matcher.goes_on(b"edle")
    assert matcher.goes_on(b"eedle!", known=4)
    assert not matcher.goes_on(b"eedle!", known=5)
