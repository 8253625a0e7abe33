"""The footer line: which keys it shows, and messages in their place."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from socktui.core.safe import width
from socktui.tui import keys
from socktui.tui.widgets.footer import FooterBar, wrap
from socktui.tui.widgets.lines import Lines


class SendBox(Input):
    BINDINGS = keys.bindings(keys.group("send"))


class FooterApp(App[None]):
    BINDINGS = keys.bindings([*keys.group("workbench"), *keys.group("everywhere")])

    def __init__(self) -> None:
        super().__init__()
        self.footer = FooterBar()
        self.done: list[str] = []
        self.dead = {"layer", "kind", *keys.RARE}  # as they mostly are

    def compose(self) -> ComposeResult:
        yield Lines()
        yield SendBox()
        yield self.footer

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in self.dead

    def action_echo_server(self) -> None:
        self.done.append("echo")

    def action_help(self) -> None:
        self.done.append("help")

    def shown(self) -> list[str]:
        return [self.footer.render_line(y).text for y in range(self.footer.size.height)]


@pytest.mark.parametrize("columns", [30, 60, 80, 120, 200, 240])
async def test_as_many_keys_as_fit_and_always_the_last_two(columns: int) -> None:
    app = FooterApp()
    async with app.run_test(size=(columns, 10)):
        (line,) = app.shown()
        assert len(line) == columns
        assert line.startswith(" e Echo  c Cl" if columns > 30 else " e Echo ")
        assert line.endswith(" ? Help  ^q Quit ")
        assert ("^p Palette" in line) == (columns == 240)


async def test_keys_are_those_of_the_focused_widget() -> None:
    app = FooterApp()
    async with app.run_test(size=(120, 10)) as pilot:
        app.query_one(SendBox).focus()
        await pilot.pause()
        (line,) = app.shown()
        assert line.startswith(" enter Send  esc Back  f2 Mode ")
        assert "e Echo" not in line
        # In the box a question mark is typed.
        assert line.endswith(" f1 Help  ^q Quit ")


async def test_keys_that_do_not_work_or_have_moved() -> None:
    app = FooterApp()
    async with app.run_test(size=(120, 10)) as pilot:
        app.dead |= {"client"}
        app.set_keymap({"echo_server": "z"})
        await pilot.pause()
        app.footer.refresh_keys()
        assert app.shown()[0].startswith(" z Echo  l Listen ")


async def test_keys_that_rarely_work_come_first_when_they_do() -> None:
    app = FooterApp()
    app.dead.remove("stop_repeat")
    async with app.run_test(size=(80, 10)):
        assert app.shown()[0].startswith(" f8 Stop  e Echo ")


async def test_a_click_runs_the_action() -> None:
    app = FooterApp()
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.click(FooterBar, offset=(3, 0))
        await pilot.click(FooterBar, offset=(80 - 12, 0))
        await pilot.pause()
        assert app.done == ["echo", "help"]


async def test_message_in_one_line_or_two() -> None:
    app = FooterApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.footer.show("[/foo] [@click=app.quit]x[/] \x1b[2J")
        await pilot.pause()
        assert [line.rstrip() for line in app.shown()] == [" [/foo] [@click=app.quit]x[/] ␛[2J"]
        app.footer.show("bind: the address 127.0.0.1:5005 is in use by another socket " * 3, "error")
        await pilot.pause()
        first, second = app.shown()
        assert first.startswith(" Error: bind: the address")
        assert second.rstrip().endswith("…")
        await pilot.click(FooterBar, offset=(3, 0))
        await pilot.pause()
        assert app.shown()[0].startswith(" e Echo")
        assert app.done == []


async def test_a_message_goes_by_itself_and_the_last_one_counts() -> None:
    app = FooterApp()
    async with app.run_test(size=(60, 10)) as pilot:
        app.footer.show("first", seconds=0.02)
        app.footer.show("second", seconds=0.1)
        await pilot.pause(0.05)
        assert app.shown()[0].startswith(" second")
        await pilot.pause(0.1)
        assert app.shown()[0].startswith(" e Echo")


@pytest.mark.parametrize("room", [1, 2, 5, 11, 40])
@pytest.mark.parametrize("text", ["", "one", "one two three four five six", "x" * 50, "日本語" * 9])
def test_wrap(text: str, room: int) -> None:
    lines = wrap(text, room)
    assert 1 <= len(lines) <= 2
    assert all(width(line) <= max(room, 0) for line in lines)
    if text.isascii() and len(text) <= room:
        assert lines == [text]


def test_wrap_breaks_between_words() -> None:
    assert wrap("one two three four", 9) == ["one two", "three fo…"]
    assert wrap("one two three", 7) == ["one two", "three"]
