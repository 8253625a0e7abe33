"""What every screen has: messages, warnings, the strip and its key; on screens of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from socktui.journal.reader import Reader
from socktui.tui import keys
from socktui.tui.app import SocktuiApp
from socktui.tui.screens.base import BaseScreen, terminal_behind
from socktui.tui.widgets.strip import ScreenStrip
from tests.tui.canned import Canned
from tests.tui.drive import Drive, running
from tests.tui.key_coverage import of

SIZE = (80, 24)


class Counting(BaseScreen):
    """A screen with something to type into, which counts its turns."""

    TITLE = "Counting"

    def __init__(self, screens: Sequence[str] = (TITLE,)) -> None:
        super().__init__(screens)
        self.box = Input()
        self.turns = self.watched_turns = 0

    def body(self) -> ComposeResult:
        yield self.box

    @property
    def home(self) -> Widget:
        return self.box

    def tick(self) -> None:
        self.turns += 1
        self.watched_turns += self.watched


class Alone(App[None]):
    """An application of one screen."""

    def get_default_screen(self) -> BaseScreen:
        return Counting()


class Several(SocktuiApp):
    """The program with two screens more."""

    @property
    def screens(self) -> Mapping[str, Callable[[], BaseScreen]]:
        names = ("Workbench", "Counting", "Empty")
        return {**super().screens, "Counting": lambda: Counting(names), "Empty": lambda: Empty(names)}


class Empty(BaseScreen):
    """A screen with nothing in it."""

    TITLE = "Empty"


@pytest.fixture
async def drive(capture: Path) -> AsyncIterator[Drive]:
    """The program on a capture, with two screens more."""
    Canned(capture).close()
    with Reader(capture) as reader:
        async with running(Several(reader=reader, history=capture.parent / "history"), SIZE) as drive:
            yield drive


def shown(app: App[None]) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def current(drive: Drive, kind: type[Screen[object]] | type[BaseScreen]) -> Screen[object]:
    await drive.until(lambda: isinstance(drive.app.screen, kind) and drive.app.screen.is_mounted)
    return drive.app.screen


def focused(drive: Drive) -> str | None:
    return drive.app.focused.id if drive.app.focused else None


# One screen


async def test_one_screen_has_no_strip_and_its_key_does_nothing() -> None:
    app = Alone()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, Counting)
        assert not screen.query(ScreenStrip)
        assert screen.box.region.y == 0
        assert app.focused is screen.box
        assert "screens" not in {each.binding.id for each in screen.active_bindings.values() if each.enabled}
        await pilot.press("ctrl+t")
        assert app.focused is screen.box
        assert not [command for key, command in screen.commands() if key.id == "screens"]


async def test_messages_stand_in_place_of_the_keys() -> None:
    app = Alone()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, Counting)
        screen.say("all [b]is[/b] well", seconds=0)
        await pilot.pause()
        assert shown(app)[-1].strip() == "all [b]is[/b] well"
        screen.complain("it is not")
        await pilot.pause()
        assert shown(app)[-1].strip() == "Error: it is not"
        screen.clear_message()
        await pilot.pause()
        assert "^q Quit" in shown(app)[-1]


async def test_warnings_stay_a_line_for_each_thing() -> None:
    app = Alone()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, Counting)
        assert not screen._banner.display
        screen.warn("one", "first [/x]")
        screen.warn("two", "second")
        screen.warn("one", "first again")
        await pilot.pause()
        assert [line.strip() for line in shown(app)[:2]] == ["first again", "second"]


def test_a_terminal_that_takes_no_frames_is_behind() -> None:
    class Queue:
        def qsize(self) -> int:
            return 3

    class Writer:
        _queue = Queue()

    class Driver:
        _writer_thread = Writer()

    app = Alone()
    assert not terminal_behind(app)
    app._driver = Driver()  # type: ignore[assignment]
    assert terminal_behind(app)
    Queue.qsize = lambda self: 2  # type: ignore[method-assign]
    assert not terminal_behind(app)


# Several


async def test_the_strip_names_all_screens(drive: Drive) -> None:
    assert drive.lines[0].split("   ")[0].strip() == "1 Workbench  2 Counting  3 Empty"
    assert focused(drive) == "bytes"
    assert drive.app.screen.active_bindings["ctrl+t"].enabled


@of("screens")
async def test_its_key_goes_to_another_screen_and_back(drive: Drive) -> None:
    workbench = drive.app.screen
    await drive.press("ctrl+t", "right", "enter")
    counting = await current(drive, Counting)
    assert isinstance(counting, Counting)
    assert drive.app.focused is counting.box
    assert drive.lines[0].split("   ")[0].strip() == "1 Workbench  2 Counting  3 Empty"
    await drive.until(lambda: counting.watched_turns > 0)
    await drive.press("ctrl+t", "3")  # though there is something to type into
    await current(drive, Empty)
    await drive.press("ctrl+t", "1")
    await drive.until(lambda: drive.app.screen is workbench)
    assert focused(drive) == "bytes"
    await drive.press("ctrl+t", "2")
    assert await current(drive, Counting) is counting


async def test_only_a_screen_that_is_seen_is_watched(drive: Drive) -> None:
    """Behind a dialog it is seen; while another screen is shown it is not."""
    workbench = drive.main
    await drive.press("?")
    assert workbench.watched
    await drive.press("escape", "ctrl+t", "2")
    counting = await current(drive, Counting)
    assert isinstance(counting, Counting)
    assert counting.watched
    assert not workbench.watched


async def test_the_strip_is_left_without_a_choice(drive: Drive) -> None:
    workbench = drive.app.screen
    await drive.press("4", "ctrl+t", "l", "escape")
    assert focused(drive) == "calls"
    await drive.press("ctrl+t", "1")
    assert drive.app.screen is workbench
    assert focused(drive) == "calls"
    await drive.press("ctrl+t", "9", "x")
    assert isinstance(drive.app.focused, ScreenStrip)


async def test_tab_does_not_go_to_the_strip(drive: Drive) -> None:
    seen = set()
    for _ in range(6):
        await drive.press("tab")
        seen.add(focused(drive))
    assert seen == {"listening", "connections", "calls", "bytes"}


async def test_a_click_goes_to_a_screen(drive: Drive) -> None:
    await drive.pilot.click(ScreenStrip, offset=(16, 0))
    await current(drive, Counting)


async def test_the_palette_goes_to_the_other_screens(drive: Drive) -> None:
    commands = {each.title: each for each in drive.app.get_system_commands(drive.app.screen)}
    assert {"Counting", "Empty"} <= set(commands)
    assert "Workbench" not in commands
    commands["Empty"].callback()
    await current(drive, Empty)
    titles = [each.title for each in drive.app.get_system_commands(drive.app.screen)]
    assert titles == ["Help (?)", "Quit (^q)", "Workbench", "Counting", "Theme"]


async def test_a_dialog_stays_with_its_screen(drive: Drive) -> None:
    await drive.press("?")
    await drive.until(lambda: drive.app.screen is not drive.main)
    dialog = drive.app.screen
    await drive.app.switch_mode("Counting")
    await current(drive, Counting)
    await drive.app.switch_mode("Workbench")
    await drive.until(lambda: drive.app.screen is dialog)


def test_the_keys_of_every_screen_are_those_of_the_table() -> None:
    ids = [binding.id for binding in BaseScreen.BINDINGS if isinstance(binding, Binding)]
    assert ids == [key.id for key in keys.group("everywhere")]
