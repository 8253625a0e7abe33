"""A line that is typed: what is pasted into it, and what was typed before."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical

from socktui.tui.history import History
from socktui.tui.outgoing import Mode
from socktui.tui.widgets.typed import About, TypedBox, TypedInput, next_of


class Box(TypedBox, Vertical):
    """The least that a box needs."""

    PLACEHOLDERS = {"text": "a text", "escapes": "escapes", "hex": "hex", "file": "a file"}  # noqa: RUF012

    def __init__(self, history: History) -> None:
        super().__init__()
        self.line = TypedInput(history)
        self.about = About()
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.line
        yield self.about

    def show(self) -> None:
        super().show()
        self.say(f"{self.settings.mode}: {self.line.value}", error=self.line.value == "bad")

    def submit(self) -> None:
        self.submitted.append(self.line.value)


class BoxApp(App[None]):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.box = Box(History(path))

    def compose(self) -> ComposeResult:
        yield self.box


@pytest.fixture
def app(tmp_path: Path) -> BoxApp:
    return BoxApp(tmp_path / "history")


async def test_what_is_typed_is_shown_and_submitted(app: BoxApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("b", "a", "d")
        assert str(app.box.about.content) == "text: bad"
        assert app.box.about.has_class("error")
        await pilot.press("slash", "enter")
        assert app.box.submitted == ["bad/"]
        assert not app.box.about.has_class("error")


async def test_another_mode_has_another_placeholder(app: BoxApp) -> None:
    async with app.run_test():
        app.box.change(mode="hex")
        assert app.box.line.placeholder == "hex"
        assert str(app.box.about.content) == "hex: "


async def test_what_is_said_is_no_markup_and_fits(app: BoxApp) -> None:
    async with app.run_test():
        app.box.say("[/b]\x1b[2J 123456789", cells=12)
        assert str(app.box.about.content) == "[/b]␛[2J 12…"


PASTED: list[tuple[Mode, str, str, str, Mode]] = [
    ("text", "a", "b\n", r"ab\n", "escapes"),
    ("text", "a", "b", "ab", "text"),
    ("text", "\\", "\x07", r"\\\a", "escapes"),
    ("escapes", r"\n", "\x07", r"\n\a", "escapes"),
    ("hex", "48 ", "65\n6c\t6c", "48 65 6c 6c", "hex"),
    ("file", "", "/tmp/x\r\n", "/tmp/x", "file"),
]


@pytest.mark.parametrize(("mode", "before", "pasted", "after", "then"), PASTED)
async def test_what_is_pasted(app: BoxApp, mode: Mode, before: str, pasted: str, after: str, then: Mode) -> None:
    async with app.run_test() as pilot:
        app.box.change(mode=mode)
        app.box.line.put(before)
        app.box.line.post_message(events.Paste(pasted))
        await pilot.pause()
        assert (app.box.line.value, app.box.settings.mode) == (after, then)
        assert app.box.line.cursor_position == len(after)


async def test_lines_come_back(app: BoxApp) -> None:
    async with app.run_test():
        line = app.box.line
        for text in ("one", "two"):
            line.put(text)
            line.remember()
        line.put("draft")
        seen = []
        for move in (line.older, line.older, line.older, line.newer, line.newer, line.newer):
            move()
            seen.append(line.value)
        assert seen == ["two", "one", "one", "two", "draft", "draft"]


def test_choices_go_round() -> None:
    assert [next_of(("a", "b", "c"), each) for each in "abc"] == ["b", "c", "a"]
