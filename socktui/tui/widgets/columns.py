"""The columns of a list: which of them fit, how wide they are, and a text in just so many cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from socktui.core.safe import clip, width

GAP = 1
ESSENTIAL = 7
"""Columns of this priority or more are what a list is for."""


@dataclass(frozen=True)
class Column:
    """`width` is the least a column needs, `wide` what it takes where there is room; flex columns share the rest.

    Columns of low priority vanish first. What is too long loses its end, or its middle where both ends matter; a
    column that grows is made wider instead, for good.
    """

    name: str
    width: int
    align: Literal["<", ">"] = "<"
    priority: int = 0
    flex: bool = False
    elide: Literal["end", "middle"] = "end"
    wide: int = 0
    grows: bool = False


def arrange(columns: Sequence[Column], room: int) -> list[tuple[int, int]]:
    """Index and width of the columns that fit, from left to right.

    Essential columns narrow each other before one vanishes; others come only where all have what they want.
    """
    kept: list[int] = []
    for i in sorted(range(len(columns)), key=lambda i: -columns[i].priority):
        others = [columns[j].width if columns[i].priority >= ESSENTIAL else _wanted(columns[j]) for j in kept]
        if kept and sum(others) + GAP * len(others) + columns[i].width > room:
            break
        kept.append(i)
    widths = {i: columns[i].width for i in sorted(kept)}
    spare = room - sum(widths.values()) - GAP * (len(kept) - 1)
    if spare < 0:
        widths[kept[0]] = max(0, room)
    for i in kept:
        more = min(max(0, spare), _wanted(columns[i]) - widths[i])
        widths[i] += more
        spare -= more
    flex = [i for i in widths if columns[i].flex]
    if flex and spare > 0:
        share, rest = divmod(spare, len(flex))
        for place, i in enumerate(flex):
            widths[i] += share + (place < rest)
    return list(widths.items())


def _wanted(column: Column) -> int:
    return max(column.width, column.wide)


def fit(text: str, cells: int, align: Literal["<", ">"] = "<", elide: Literal["end", "middle"] = "end") -> str:
    """A safe text in exactly so many cells."""
    used = len(text) if text.isascii() else width(text)
    if used > cells:
        text = clip(text, cells) if elide == "end" else _without_middle(text, cells)
        used = width(text)
    pad = " " * (cells - used)
    return pad + text if align == ">" else text + pad


def _without_middle(text: str, cells: int) -> str:
    kept = ""
    for char in reversed(text):
        if width(char + kept) > cells // 2:
            break
        kept = char + kept
    return clip(text, cells - width(kept)) + kept
