"""One question with two answers."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from socktui.tui.screens.confirm import Confirm


class Plain(App[None]):
    def compose(self) -> ComposeResult:
        yield Input()

    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


@pytest.mark.parametrize(
    ("key", "danger", "answer"),
    [
        ("y", False, True),
        ("y", True, True),
        ("enter", False, True),
        ("enter", True, False),
        ("n", False, False),
        ("n", True, False),
        ("escape", False, False),
        ("escape", True, False),
    ],
)
async def test_confirm(key: str, danger: bool, answer: bool) -> None:
    app = Plain()
    async with app.run_test() as pilot:
        answers: list[Any] = []
        app.push_screen(Confirm("Close [/foo] [@click=app.quit]x[/]?", title="[/a]", danger=danger), answers.append)
        await pilot.pause()
        text = "\n".join(app.lines())
        assert "Close [/foo] [@click=app.quit]x[/]?" in text
        assert "[/a]" in text
        await pilot.press(key)
        assert answers == [answer]
