"""What matches is highlighted, in every row, call and view in which it stands, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from rich.segment import Segment
from rich.style import Style

from socktui.journal.matching import Pattern
from socktui.journal.reader import Reader
from socktui.tui.bytelog import highlights
from socktui.tui.bytelog.cursor import RowPosition
from socktui.tui.bytelog.highlights import Highlighter, highlighted
from socktui.tui.bytelog.log_rows import GUTTER, Lens, rows
from socktui.tui.call_sequence import CallSequence
from tests.tui.canned import Canned
from tests.tui.drive import opened
from tests.tui.finding import look, marked, says

ON = Style(bgcolor="yellow")


def texts(segments: list[Segment], spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    return [(s.text, bool(s.style and s.style.bgcolor)) for s in highlighted(segments, spans, ON)]


def test_segments_are_cut_where_a_highlight_begins_and_ends() -> None:
    segments = [Segment("abc"), Segment("defg")]
    assert texts(segments, [(1, 5)]) == [("a", False), ("bc", True), ("de", True), ("fg", False)]
    assert texts(segments, [(0, 1), (6, 7)]) == [("a", True), ("bc", False), ("def", False), ("g", True)]
    assert texts(segments, []) == [("abc", False), ("defg", False)]


def test_a_wide_character_is_never_cut() -> None:
    assert texts([Segment("a日b")], [(1, 2)]) == [("a", False), ("日", True), ("b", False)]


def test_the_style_is_put_over_that_of_the_segment() -> None:
    [segment] = highlighted([Segment("x", Style(bold=True))], [(0, 1)], ON)
    assert segment.style == Style(bold=True, bgcolor="yellow")


def test_the_cells_of_a_row(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"." * 16 + b"needle")
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        highlighter = Highlighter()

        def cells(view: str, row: int) -> tuple[tuple[int, int], ...]:
            lens = Lens(view)  # type: ignore[arg-type]
            laid_out = rows(sequence, sequence.call(9), 0, lens, 80, str)
            return highlighter.cells(sequence, lens, 80, RowPosition(9, 0, row), laid_out)

        highlighter.pattern = Pattern(b"eed")
        assert cells("both", 0) == cells("both", 1) == ()
        digits, chars = GUTTER + 6, GUTTER + 6 + 48 + 2
        assert cells("both", 2) == ((digits + 3, digits + 11), (chars + 1, chars + 4))
        assert cells("hex", 2) == ((digits + 3, digits + 11),)
        assert cells("text", 1) == ((GUTTER + 17, GUTTER + 20),)
        highlighter.pattern = Pattern(b"hay")
        assert cells("both", 2) == ()


def test_a_bounded_number_of_pages_is_remembered(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    for _ in range(highlights.PAGES + 20):
        canned.send(client, b"needle")
    canned.close()
    with Reader(capture) as reader:
        sequence, lens, highlighter = CallSequence(reader), Lens(), Highlighter()
        highlighter.pattern = Pattern(b"needle")
        for position in range(9, len(sequence)):
            laid_out = rows(sequence, sequence.call(position), 0, lens, 80, str)
            assert highlighter.cells(sequence, lens, 80, RowPosition(position, 0, 1), laid_out)
            assert len(highlighter._pages) <= highlights.PAGES


async def test_what_goes_on_in_other_rows_and_calls_is_marked_in_all(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("2", "g", "a")
        await look(drive, "needle")
        await drive.press("n")
        await says(drive, "found in call 61")
        assert marked(drive) == ["6e 65 65nee", "64d", "6c 65le"]
        await drive.press("v")
        assert marked(drive) == ["6e 65 65", "64", "6c 65"]
        await drive.press("v")
        assert marked(drive) == ["nee", "d", "le"]
        assert drive.log.standing == (61, 0)


async def test_in_the_encoding_of_the_log_and_in_text(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.say(client, accepted, "日本語 Привет, ".encode() * 40)
    canned.say(client, accepted, "Привет".encode("cp1251"))
    canned.close()
    async with opened(capture) as drive:
        await drive.press("v", "v", "3", "g")
        await look(drive, "Привет")
        await says(drive, "found in call 9")
        shown = "".join(drive.rows(drive.log))
        assert "".join(marked(drive)) == "".join(char for char in shown if char in "Привет")
        await drive.press("E", "E")
        await look(drive, "Привет")
        await says(drive, "found in call 11")
        assert marked(drive) == ["Привет"] * 2


async def test_a_character_of_which_only_some_bytes_match_is_marked(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.say(client, accepted, "日本".encode())
    canned.close()
    async with opened(capture) as drive:
        await drive.press("v", "v")
        await look(drive, "9c", "f2", "f2")
        assert marked(drive) == ["本", "本"]
        await drive.press("v")
        assert marked(drive)[0].startswith("9c")
