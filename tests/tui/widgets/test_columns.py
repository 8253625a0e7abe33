"""Which columns fit, how wide they are, and texts in just so many cells."""

from __future__ import annotations

import pytest

from socktui.tui.widgets.columns import Column, arrange, fit

COLUMNS = [
    Column("Netid", 5, priority=1),
    Column("State", 10, priority=5),
    Column("Recv-Q", 6, ">", priority=2),
    Column("Local", 12, priority=4, flex=True),
    Column("Peer", 12, priority=3, flex=True),
]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (12, ["State"]),
        (30, ["State", "Local"]),
        (60, ["Netid", "State", "Recv-Q", "Local", "Peer"]),
        (120, ["Netid", "State", "Recv-Q", "Local", "Peer"]),
        (42, ["State", "Local", "Peer"]),
    ],
)
def test_columns_vanish_by_priority(width: int, shown: list[str]) -> None:
    layout = arrange(COLUMNS, width)
    assert [COLUMNS[i].name for i, _ in layout] == shown
    used = sum(cells + 1 for _, cells in layout) - 1
    assert used == width if "Local" in shown else used <= width


def test_flex_columns_share_and_the_last_column_shrinks() -> None:
    assert arrange(COLUMNS, 60) == [(0, 5), (1, 10), (2, 6), (3, 18), (4, 17)]
    assert arrange(COLUMNS, 4) == [(1, 4)]
    assert arrange(COLUMNS, 0) == [(1, 0)]


def test_fit() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, ">") == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日… "
    assert fit("", 0) == ""


def test_a_text_without_its_middle() -> None:
    assert fit("127.0.0.1:50928", 9, elide="middle") == "127.…0928"
    assert fit("日本語日本語", 7, elide="middle") == "日本…語"


def test_an_essential_column_narrows_others_before_it_goes() -> None:
    wide = [Column("A", 4, priority=9, wide=20), Column("B", 4, priority=8, wide=20), Column("C", 4, priority=1)]
    assert arrange(wide, 9) == [(0, 4), (1, 4)]
    assert arrange(wide, 30) == [(0, 20), (1, 9)]
    assert arrange(wide, 46) == [(0, 20), (1, 20), (2, 4)]
