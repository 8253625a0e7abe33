"""Rows become segments of exactly as many cells as there are, and the colours say what the bytes are."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from socktui.core.rows import HexGeometry, hex_row, text_rows
from socktui.tui.bytelog.log_rows import Heading, LogRow
from socktui.tui.bytelog.row_styles import NOT_KEPT, RowStyles, filled

NAMES = {
    "": "white", "dim": "grey50", "control": "yellow", "high": "cyan", "bad": "red", "failed": "magenta",
    "sent": "green", "received": "blue", "event": "grey70", "cursor-blurred": "white",
}  # fmt: skip
STYLES = RowStyles(lambda name: Style(color=NAMES[name], bgcolor="black" if name != "cursor-blurred" else "navy_blue"))
HEADING = Heading("13:00:00.123456", "sent", "sent 13 at 26", "#2 tcp client 127.0.0.1:5005")

ROWS: list[LogRow] = [
    HEADING,
    HEADING._replace(way="failed", text="ECONNREFUSED 日本 " * 20),
    None,
    hex_row(b"Hello, World!", 0, HexGeometry(16), "utf-8"),
    *text_rows("Привет, 日本\x00\x1b\xff".encode(), "utf-8", 60),
]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("room", [5, 10, 24, 40, 80, 200])
def test_a_row_takes_exactly_the_room_there_is(row: LogRow, room: int) -> None:
    segments = list(STYLES.row(row, True, room))
    assert sum(cell_len(segment.text) for segment in segments) == room
    ground = STYLES.under_cursor(segments)
    assert [segment.text for segment in ground] == [segment.text for segment in segments]
    assert all(segment.style and segment.style.bgcolor != Style(bgcolor="black").bgcolor for segment in ground)


def text(row: LogRow, room: int, sends: bool = True) -> str:
    return "".join(segment.text for segment in STYLES.row(row, sends, room))


def test_the_arrow_tells_the_way() -> None:
    row = text_rows(b"Hello", "utf-8", 40)[0]
    assert text(row, 40).startswith("→ Hello")
    assert text(row, 40, sends=False).startswith("← Hello")
    assert text(None, 40).rstrip() == f"→ {NOT_KEPT}"
    assert " ✗ " in text(HEADING._replace(way="failed"), 80)


def test_the_label_of_a_socket_gives_way() -> None:
    assert text(HEADING, 80).rstrip().endswith("sent 13 at 26" + " " * 20 + "#2 tcp client 127.0.0.1:5005")
    assert text(HEADING, 40).rstrip().endswith("at 26      #2")
    assert "#" not in text(HEADING, 32)


def test_each_kind_of_byte_has_its_colour() -> None:
    segments = STYLES.row(text_rows(b"ab\x1b\xff\xd0\x96", "utf-8", 40)[0], True, 40)
    found = {s.text.strip(): s.style.color.name for s in segments if s.style and s.style.color}
    assert found["→"] == "green"
    assert found["ab"] == "white"
    assert found["␛"] == "yellow"
    assert found["\\xff"] == "red"
    assert found["Ж"] == "cyan"


def test_filling() -> None:
    style = Style(bgcolor="black")
    segments = [Segment("abc", style)]
    assert list(filled(segments, 3, 5, style)) == [Segment("abc", style), Segment("  ", style)]
    assert list(filled(segments, 3, 3, style)) == segments
    assert "".join(segment.text for segment in filled(segments, 3, 2, style)) == "ab"
