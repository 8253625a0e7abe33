"""The find bar: what is typed there, and the pattern that it makes."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from tests.tui import key_coverage
from tests.tui.drive import opened
from tests.tui.finding import bar, look, says


@key_coverage.of("ignore_case", "pattern_mode")
async def test_hex_escapes_and_any_case(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("/")
        await drive.sees("text · utf-8 · exact case")
        await drive.press("f2")
        await drive.sees("escapes · utf-8 · exact case")
        await drive.type(r"\x00\x01N")
        await says(drive, "found in call 115")
        await look(drive, "4e 65 65 64", "f2")
        await says(drive, "found in call 115")
        await look(drive, "NEEDLE", "f2", "f3")
        await says(drive, "found in call 115")
        await drive.press("n", "n")
        await says(drive, "from the top · found in call 11 ·")
        await look(drive, "NEEDLE", "f3")
        await says(drive, "not found")


async def test_the_bar_says_what_is_wrong_and_stays(talk: Path) -> None:
    async with opened(talk) as drive:
        await look(drive, "6", "f2", "f2")
        await drive.sees("Half a byte: an odd number of hex digits")
        assert bar(drive).display
        await drive.type("x" * 9000)
        await drive.sees("is no hex digit")
        await drive.press("f2")
        await drive.sees("the pattern has 9000 bytes, and at most 4096 can be found")


async def test_enter_alone_does_nothing_where_nothing_was_asked_for(talk: Path) -> None:
    async with opened(talk) as drive:
        await look(drive, "")
        assert drive.app.focused is drive.log
        assert not bar(drive).display
        assert drive.main._pattern is None


@key_coverage.of("older_pattern", "newer_pattern")
async def test_patterns_come_back(talk: Path) -> None:
    async with opened(talk) as drive:
        for text in ("needle", "hay"):
            await look(drive, text)
        await drive.press("/", "up", "up")
        line = drive.app.focused
        assert isinstance(line, Input)
        assert line.value == "needle"
        await drive.press("down")
        assert line.value == "hay"
    async with opened(talk) as drive:
        await drive.press("/", "up")
        assert isinstance(drive.app.focused, Input)
        assert drive.app.focused.value == "hay"


async def test_what_is_pasted_comes_as_escapes(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("/")
        await drive.paste("\x00\x01Nee")
        assert isinstance(drive.app.focused, Input)
        assert drive.app.focused.value == r"\0\x01Nee"
        await drive.press("enter")
        await says(drive, "found in call 115")


async def test_a_slash_can_be_typed(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("/", "/", "n")
        assert isinstance(drive.app.focused, Input)
        assert drive.app.focused.value == "/n"
        assert "/ Find" not in drive.footer
