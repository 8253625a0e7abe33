"""Finding bytes: from where the log stands, in both directions, and round the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.journal import prefilter
from socktui.tui import find
from tests.tui import key_coverage
from tests.tui.canned import Canned
from tests.tui.drive import opened
from tests.tui.finding import bar, look, marked, says


@key_coverage.of("find", "look", "find_next", "find_previous")
async def test_from_match_to_match_and_round_the_end(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("g")
        await look(drive, "needle")
        assert drive.app.focused is drive.log
        await says(drive, "found in call 11 · socket 2")
        assert marked(drive) == ["6e 65 65 64 6c 65needle"] * 2
        await drive.press("n")
        await says(drive, "found in call 12 · socket 3")
        await drive.press("n")
        await says(drive, "found in call 61 · socket 2")
        await drive.press("n")
        await says(drive, "found in call 62 · socket 3")
        await drive.press("n")
        await says(drive, "no more below: from the top · found in call 11 · socket 2")
        await drive.press("N")
        await says(drive, "no more above: from the end · found in call 62 · socket 3")
        await drive.press("N")
        await says(drive, "found in call 61 · socket 2")
        assert not drive.log.following


async def test_from_where_the_log_stands(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("G")
        await look(drive, "needle")
        await says(drive, "no more below: from the top · found in call 11")
        await drive.press("j", "j", "n")
        await says(drive, "found in call 12")
        await drive.press("j", "j", "n")
        await says(drive, "found in call 61")
        await drive.press("g", "N")
        await says(drive, "no more above: from the end · found in call 62")


async def test_round_the_end_in_the_smallest_steps(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little of a capture is looked at before the screen has its turn again."""
    monkeypatch.setattr(find, "SLICE", 0.0)
    monkeypatch.setattr(prefilter, "PIECE", 64)
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for i in range(30):
        canned.say(client, accepted, b"needle" if i == 10 else b"hay" * 9)
    canned.close()
    async with opened(capture) as drive:
        for start, key, told in (("G", "n", "no more below: from the top"), ("g", "N", "no more above: from the end")):
            await look(drive, "needle")
            await says(drive, "found in call")
            await drive.press(start, key)
            await says(drive, f"{told} · found in call {29 if key == 'n' else 30} ")


async def test_only_the_socket_that_is_shown(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("2", "G", "a", "3", "g")
        await look(drive, "needle")
        await says(drive, "found in call 12 · socket 3")
        await drive.press("n", "n")
        await says(drive, "no more below: from the top · found in call 12 · socket 3")


async def test_enter_alone_finds_the_next(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("g")
        await look(drive, "needle")
        await says(drive, "found in call 11")
        await look(drive, "")
        await says(drive, "found in call 12")


@key_coverage.of("end_find", "leave")
async def test_escape_leaves_the_bar_and_takes_the_marks_away(talk: Path) -> None:
    async with opened(talk) as drive:
        assert "End find" not in drive.footer
        await drive.press("/", "n", "escape")
        assert not bar(drive).display
        assert drive.app.focused is drive.log
        await look(drive, "needle")
        await says(drive, "found in call")
        await drive.press("f")
        drive.main.clear_message()
        assert drive.footer.startswith("n Next  N Previous  esc End find  / Find")
        await drive.press("g")
        assert marked(drive)
        await drive.press("escape")
        assert not marked(drive)
        assert "End find" not in drive.footer
        await drive.press("n")
        assert drive.log.standing == (2, 0)


async def test_deep_in_a_long_call(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    data = bytearray(b"." * 60_000)
    data[4094:4100] = data[50_001:50_007] = b"needle"
    canned.say(client, accepted, bytes(data))
    canned.close()
    async with opened(capture) as drive:
        await drive.press("g")
        for view in ("both", "hex", "text"):
            assert drive.log.lens.view == view
            await drive.press("g")
            await look(drive, "needle")
            await drive.until(lambda: not drive.main.finding)
            assert "".join(marked(drive)).replace(" ", "") == _seen(view)
            await drive.press("n")
            await drive.until(lambda: not drive.main.finding)
            assert len(marked(drive)) >= 1
            standing = drive.log.standing
            assert standing is not None
            assert standing.seq == 9
            assert standing.offset <= 50_001 < standing.offset + 200
            await drive.press("v")


def _seen(view: str) -> str:
    """A match over the border of a page, as it is marked in two rows."""
    return {"both": "6e65ne65646c65edle", "hex": "6e6565646c65", "text": "needle"}[view]


async def test_an_empty_log_has_nothing_to_look_through(capture: Path) -> None:
    Canned(capture).close()
    async with opened(capture) as drive:
        await look(drive, "x")
        await drive.sees("there are no bytes to look through yet")


async def test_the_palette_offers_what_works_of_it(talk: Path) -> None:
    async with opened(talk) as drive:

        def offered() -> list[str]:
            return [command.title for command in drive.app.get_system_commands(drive.app.screen)]

        assert "Find (/)" in offered()
        assert not {"Next (n)", "Mode (f2)"} & set(offered())
        await drive.press("/")
        assert {"Mode (f2)", "Case (f3)", "Find (enter)"} <= set(offered())
        await drive.type("needle")
        assert {"Next (n)", "Previous (N)", "End find (esc)"} <= set(offered())
        assert "Mode (f2)" not in offered()
