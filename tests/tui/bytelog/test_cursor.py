"""Walking over rows: leaps come to where single steps do, and rows that go leave the cursor on one that is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.journal.reader import Reader
from socktui.tui.bytelog.cursor import RowPosition, RowWalker
from socktui.tui.bytelog.log_rows import Lens, LogRow, View, pages, rows
from socktui.tui.call_sequence import CallSequence
from tests.tui.canned import Canned


@contextmanager
def walker(capture: Path, view: View = "both", cells: int = 78) -> Iterator[RowWalker]:
    """Over all calls of a capture, laid out in so many cells."""
    lens = Lens(view)
    with Reader(capture) as reader:
        sequence = CallSequence(reader)

        @cache
        def rows_of(position: int, page: int) -> Sequence[LogRow]:
            return rows(sequence, sequence.call(position), page, lens, cells, str)

        yield RowWalker(sequence, rows_of, lambda call: pages(call, lens.layers))


def all_rows(walker: RowWalker) -> list[RowPosition]:
    found = []
    at = walker.first_from(0, 0)
    while at is not None:
        found.append(at)
        at = walker.after(at)
    return found


@pytest.fixture
def lines(capture: Path) -> Path:
    """Calls of many sizes, and some that the log does not show."""
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for size in (1, 0, 40, 5000, 17):
        canned.say(client, accepted, b"line\n" * size)
        canned.call(client, Function.GETSOCKNAME)
    return canned.close()


@pytest.mark.parametrize("view", ["both", "text"])
def test_steps_come_to_every_row_both_ways(lines: Path, view: View) -> None:
    with walker(lines, view) as walk:
        found = all_rows(walk)
        assert found == sorted(set(found))
        assert found[-1] == walk.end
        assert [walk.before(at) for at in found] == [None, *found[:-1]]


@pytest.mark.parametrize("view", ["both", "text"])
def test_a_leap_comes_to_where_steps_do(lines: Path, view: View) -> None:
    with walker(lines, view) as walk:
        found = all_rows(walk)
        last = len(found) - 1
        for at in (0, 1, 5, 60, last // 2, last - 1, last):
            for by in (-(10**6), -last, -300, -7, -1, 0, 1, 7, 300, last, 10**6):
                expected = found[min(last, max(0, at + by))]
                assert walk.moved(found[at], by) == expected, (at, by)
            for size in (0, 1, 2, 50, 10**6):
                assert walk.window(found[at], size) == found[at : at + size], (at, size)
        assert walk.window(None, 5) == []


def test_a_walk_over_nothing(capture: Path) -> None:
    Canned(capture).close()
    with walker(capture) as walk:
        assert walk.end is None
        assert walk.first_from(0, 0) is None
        assert walk.fitting(None) is None


def test_where_there_are_fewer_rows_the_nearest_is_taken(lines: Path) -> None:
    with walker(lines, cells=8) as narrow, walker(lines, cells=78) as wide:
        there = set(all_rows(wide))
        for at in all_rows(narrow)[::37]:
            fitting = wide.fitting(at)
            assert fitting in there
            assert fitting == min(at, max(row for row in there if row[:2] == at[:2]))


def test_a_page_that_has_no_rows_any_more_gives_the_row_before_it(lines: Path) -> None:
    with walker(lines) as walk:
        found = all_rows(walk)
        hidden = sorted(set(range(found[-1].position)) - {at.position for at in found})
        assert len(hidden) > 5
        for position in hidden:
            earlier = [at for at in found if at.position < position]
            assert walk.fitting(RowPosition(position, 0, 0)) == (earlier[-1] if earlier else found[0])
