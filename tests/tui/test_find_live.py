"""Finding bytes while they come, during a pause, and while a search is under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from socktui.core.call import Function
from socktui.journal.search import Hits, Search
from socktui.tui import find
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened
from tests.tui.finding import look, marked, says


async def test_bytes_that_come_later_are_found_and_marked(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.say(client, accepted, b"hay")
    async with opened(capture) as drive:
        await look(drive, "needle")
        await says(drive, "not found")
        canned.send(client, b"needle one")
        await drive.press("n")
        await says(drive, "found in call 11")
        canned.send(client, b"nee")
        canned.send(client, b"dle two")
        await drive.press("n")
        await says(drive, "found in call 12")
        assert marked(drive) == ["6e 65 65 64 6c 65needle", "6e 65 65nee", "64 6c 65dle"]
    canned.close()


async def test_a_pause_that_begins_when_something_is_found_is_over(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"hay")
    async with opened(capture) as drive:
        drive.main.action_pause()
        canned.send(client, b"needle")
        drive.main.reach(9)
        assert drive.main.paused
        drive.main.reach(10)
        await drive.until(lambda: not drive.main.paused)
        assert len(drive.log.sequence) == 11
    canned.close()


async def test_during_a_pause_nothing_is_found_that_came_after_it(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"needle")
    async with opened(capture) as drive:
        drive.main.action_pause()
        canned.send(client, b"needle")
        await look(drive, "needle")
        await says(drive, "found in call 9")
        await drive.press("n")
        await says(drive, "no more below: from the top · found in call 9")
        assert drive.main.paused
        drive.main.action_pause()
        await drive.press("n")
        await says(drive, "found in call 10")
    canned.close()


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A search that goes on until it is told to find something."""
    event = threading.Event()
    forward = Search.forward

    def slowly(search: Search, *args: Any) -> Hits:
        search.of = 10
        search.looked = 4
        while not event.wait(0.001):
            yield None
        yield from forward(search, *args)

    monkeypatch.setattr(Search, "forward", slowly)
    monkeypatch.setattr(find, "PATIENCE", 0.0)
    yield event
    event.set()


async def test_keys_work_while_it_looks(talk: Path, endless: threading.Event) -> None:
    async with opened(talk) as drive:
        await drive.press("g")
        await look(drive, "needle")
        await drive.sees("looking … 40 % · esc stops")
        await drive.press("j", "j")
        assert drive.log.standing == (8, 0)
        endless.set()
        await says(drive, "found in call 11")


async def test_escape_stops_a_search(talk: Path, endless: threading.Event) -> None:
    async with opened(talk) as drive:
        await drive.press("g")
        await look(drive, "needle")
        await drive.sees("looking … 40 %")
        await drive.press("escape")
        await drive.sees("stopped looking")
        endless.set()
        await drive.press("n")
        await says(drive, "found in call 11")


async def test_a_search_under_way_ends_with_the_program(talk: Path, endless: threading.Event) -> None:
    async with opened(talk) as drive:
        await look(drive, "needle")
        await drive.sees("looking … 40 %")
        await drive.press("ctrl+q")
        await drive.until(lambda: not drive.app._running)


async def test_another_view_while_it_looks(talk: Path, endless: threading.Event) -> None:
    async with opened(talk) as drive:
        await drive.press("g")
        await look(drive, "needle")
        await drive.sees("looking …")
        await drive.press("2", "G", "a")
        endless.set()
        await drive.sees("found, but the log shows others by now: n looks there")
        await drive.press("3", "g", "n")
        await says(drive, "found in call 12 · socket 3")


async def test_in_the_workbench_what_the_engine_moved(drive: Drive) -> None:
    client, _ = await drive.pair()
    await drive.type("Hello, World!")
    await drive.until(lambda: drive.carried(client, Function.RECV) == b"Hello, World!")
    await drive.press("escape")
    await look(drive, "World")
    await says(drive, "found in call")
    assert set(marked(drive)) == {"57  6f 72 6c 64World"}
    await drive.press("5")
    assert "/ Find" not in drive.footer
