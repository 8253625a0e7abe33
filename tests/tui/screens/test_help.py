"""The page of all keys."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from socktui.tui import keys
from socktui.tui.screens.help import HelpScreen, columns, entries


class Plain(App[None]):
    def compose(self) -> ComposeResult:
        yield Input()

    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_help_shows_every_key_whole(size: tuple[int, int]) -> None:
    app = Plain()
    async with app.run_test(size=size) as pilot:
        app.push_screen(HelpScreen())
        await pilot.pause()
        seen = "\n".join(app.lines())
        await pilot.press("G")
        seen += "\n".join(app.lines())
        if size[0] == 80:
            await pilot.press("g")
            for _ in range(2):
                await pilot.press("pagedown")
                seen += "\n".join(app.lines())
        for key in keys.KEYS:
            assert key.help in seen
        assert "…" not in seen


@pytest.mark.parametrize("key", ["escape", "q", "?"])
async def test_help_closes(key: str) -> None:
    app = Plain()
    async with app.run_test() as pilot:
        app.push_screen(HelpScreen())
        await pilot.press(key)
        assert len(app.screen_stack) == 1


def test_two_columns_are_as_equal_as_can_be() -> None:
    (one,), two = columns(wide=False), columns(wide=True)
    assert two[0] + two[1] == one
    assert one == [entry for where in keys.TITLES for entry in entries(where)]
    assert two[0][0] == ("", "Workbench")
    assert abs(len(two[0]) - len(two[1])) < 12
