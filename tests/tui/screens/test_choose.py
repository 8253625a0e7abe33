"""Choosing a template from a list."""

from __future__ import annotations

import pytest
from textual.app import App

from socktui.templates import Template, templates
from socktui.tui.screens.choose import ChooseTemplate, Templates

FOUND = templates()[0]


class Asking(App[None]):
    """An application that asks for a template at once."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Template | None] = []

    def on_mount(self) -> None:
        self.push_screen(ChooseTemplate(FOUND), self.answers.append)


@pytest.mark.parametrize(("pressed", "chosen"), [(["enter"], FOUND[0]), (["j", "enter"], FOUND[1])])
async def test_enter_chooses(pressed: list[str], chosen: Template) -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press(*pressed)
        await pilot.pause()
        assert app.answers == [chosen]


@pytest.mark.parametrize("key", ["escape", "q", "f7"])
async def test_it_can_be_left(key: str) -> None:
    app = Asking()
    async with app.run_test() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert app.answers == [None]


def test_a_row_says_what_a_template_is_for() -> None:
    rows = Templates(FOUND)
    assert len(rows) == len(FOUND) > 5
    for i, template in enumerate(FOUND):
        assert rows.cells(i)[0] == (template.name, "strong")
        assert rows.key(i) == i
