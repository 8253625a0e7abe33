"""A capture in the same panes, without an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.journal.format import RECORD_SIZE
from socktui.tui import keys
from socktui.tui.screens.help import HelpScreen
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened


@pytest.fixture
def talk(capture: Path) -> Path:
    canned = Canned(capture)
    listener = canned.listener()
    client, accepted = canned.pair(listener)
    canned.echo(client, accepted, b"Hello, World!")
    canned.close_socket(client)
    canned.fin(accepted)
    canned.pair(listener, 50930)
    return canned.close()


def fingerprint(capture: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(capture.iterdir())}


async def test_it_shows_what_was_there(talk: Path) -> None:
    async with opened(talk, (160, 36)) as drive:
        assert drive.app.focused is drive.log
        await drive.sees("LISTEN", "127.0.0.1:5005", "peer FIN", "closed", "2 open of 4", "48 65 6c 6c 6f")
        assert "Send" not in drive.text.replace("Send-Q", "")
        assert not drive.main.query("SendBox")


async def test_keys_of_the_engine_are_not_shown_and_do_nothing(talk: Path) -> None:
    before = fingerprint(talk)
    async with opened(talk, (250, 30)) as drive:
        shown = drive.footer
        for key in keys.KEYS:
            if key.engine or key.id == "restart":
                assert f" {key.label} " not in f" {shown} "
                await drive.press("1")
                await drive.press(*key.keys)
                assert drive.app.screen is drive.main
                assert drive.app.focused is drive.listening
        await drive.press("2", "enter", "5")
        assert drive.app.focused is drive.connections
        for word in ("Echo", "Client", "Listen", "Close", "Send"):
            assert f" {word} " not in f" {shown} "
    assert fingerprint(talk) == before


async def test_keys_of_the_view_work(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("v")
        assert drive.log.lens.view == "hex"
        await drive.press("t", "E")
        assert (drive.log.lens.stamp, drive.log.lens.encoding) == ("start", "latin-1")
        await drive.press("2", "g", "a")
        assert drive.log.sequence.number == 2
        await drive.press("y")
        assert drive.app.clipboard == "tcp://127.0.0.1:5005"
        await drive.press("m", "m", "?")
        await drive.until(lambda: isinstance(drive.app.screen, HelpScreen))
        await drive.press("escape", "ctrl+q")
        await drive.until(lambda: not drive.app._running)


async def test_the_palette_offers_only_what_works(talk: Path) -> None:
    async with opened(talk) as drive:
        titles = [command.title for command in drive.app.get_system_commands(drive.app.screen)]
        assert titles == [
            "Find (/)", "View (v)", "All (a)", "Copy (y)", "Maximize (m)", "Time (t)", "Encoding (E)", "Listening (1)",
            "Connections (2)", "Bytes (3)", "Calls (4)", "Help (?)", "Quit (^q)", "Theme",
        ]  # fmt: skip


async def test_it_quits_without_asking(talk: Path) -> None:
    async with opened(talk) as drive:
        await drive.press("ctrl+q")
        await drive.until(lambda: not drive.app._running)


async def test_a_capture_that_another_is_writing_is_followed(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())

    async def follow(drive: Drive) -> None:
        for i in range(3):
            canned.echo(client, accepted, f"news {i}".encode())
            await drive.sees(f"news {i}")

    async with opened(capture) as drive:
        await follow(drive)
    canned.close()


async def test_what_is_missing_is_told_together(talk: Path) -> None:
    async with opened(talk) as drive:
        assert not drive.main._banner.display
        drive.main.warn("lost", "capture incomplete: [/x] 5 bytes")
        drive.main.warn("engine", "the engine has ended")
        drive.main.warn("lost", "capture incomplete: [/x] 6 bytes")
        text = await drive.sees("capture incomplete: [/x] 6 bytes", "the engine has ended")
        assert "5 bytes" not in text


async def test_a_capture_that_is_cut_off_says_so_and_shows_the_rest(talk: Path) -> None:
    calls = talk / "calls"
    with calls.open("r+b") as file:
        file.truncate(calls.stat().st_size - 2 * RECORD_SIZE - 1)
    async with opened(talk) as drive:
        await drive.sees("capture cut off: 3 calls at its end cannot be read", "48 65 6c 6c 6f")
