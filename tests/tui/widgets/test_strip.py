"""The strip that names the screens; `screens/test_base.py` has what its keys lead to."""

from __future__ import annotations

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Input

from socktui.tui.widgets.strip import ScreenStrip

NAMES = ("Workbench", "Host", "Captures")


class StripApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.strip = ScreenStrip(NAMES, "Host")
        self.chosen: list[str] = []
        self.left = 0

    def compose(self) -> ComposeResult:
        yield self.strip
        yield Input()

    @on(ScreenStrip.Chosen)
    def _chosen(self, event: ScreenStrip.Chosen) -> None:
        self.chosen.append(event.name)

    @on(ScreenStrip.Left)
    def _left(self) -> None:
        self.left += 1


@pytest.mark.parametrize(
    ("pressed", "chosen"),
    [
        (["1"], ["Workbench"]),
        (["3"], ["Captures"]),
        (["2"], []),
        (["enter"], []),
        (["right", "enter"], ["Captures"]),
        (["ctrl+t", "ctrl+t", "space"], ["Workbench"]),
        (["h", "enter"], ["Workbench"]),
        (["left", "left", "enter"], ["Captures"]),
        (["right", "escape"], []),
    ],
)
async def test_keys(pressed: list[str], chosen: list[str]) -> None:
    app = StripApp()
    async with app.run_test() as pilot:
        app.strip.choose()
        await pilot.press(*pressed)
        await pilot.pause()
        assert app.chosen == chosen
        assert app.left == 1


@pytest.mark.parametrize("pressed", ["4", "0", "x"])
async def test_other_keys_choose_nothing(pressed: str) -> None:
    app = StripApp()
    async with app.run_test() as pilot:
        app.strip.choose()
        await pilot.press(pressed)
        assert app.focused is app.strip
        assert not app.chosen


@pytest.mark.parametrize(("x", "chosen"), [(0, ["Workbench"]), (15, []), (22, ["Captures"]), (60, [])])
async def test_clicks(x: int, chosen: list[str]) -> None:
    app = StripApp()
    async with app.run_test() as pilot:
        await pilot.click(ScreenStrip, offset=(x, 0))
        await pilot.pause()
        assert app.chosen == chosen


@pytest.mark.parametrize(
    ("width", "line"), [(50, " 1 Workbench  2 Host  3 Captures       ^t Screens "), (16, " 1 Workbench  2…")]
)
async def test_it_is_one_line_in_which_the_current_screen_stands_out(width: int, line: str) -> None:
    app = StripApp()
    async with app.run_test(size=(width, 5)):
        assert app.strip.render_line(0).text == line
        bold = [segment.text for segment in app.strip.render_line(0) if segment.style and segment.style.bold]
        assert "".join(bold).strip() == line[13:21].strip()
