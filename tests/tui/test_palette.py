"""What the palette offers of the key table, on a screen of the test's own."""

from __future__ import annotations

from textual.app import App
from textual.screen import Screen

from socktui.tui import keys
from socktui.tui.palette import LEFT_OUT, commands


class Page(Screen[None]):
    """A screen on which some actions work."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action in ("view", "jump", "older") and parameters != ("send",)

    def action_view(self) -> None:
        self.done.append("view")

    def action_jump(self, where: str) -> None:
        self.done.append(where)


class PageApp(App[None]):
    def get_default_screen(self) -> Page:
        return Page()


async def test_it_offers_what_works_and_carries_it_out() -> None:
    async with PageApp().run_test() as pilot:
        page = pilot.app.screen
        assert isinstance(page, Page)
        offered = dict(commands(page, [(keys.group("workbench"), page), (keys.group("send"), page)]))
        assert [key.id for key in offered] == ["view", "jump_listening", "jump_connections", "jump_bytes", "jump_calls"]
        for run in offered.values():
            await run()
        assert page.done == ["view", "listening", "connections", "bytes", "calls"]


async def test_actions_of_the_application_are_asked_of_it() -> None:
    async with PageApp().run_test() as pilot:
        page = pilot.app.screen
        assert isinstance(page, Page)
        offered = [key.id for key, _ in commands(page, [(keys.group("everywhere"), page)])]
        assert "quit" in offered
        assert "help" not in offered


def test_what_is_left_out_is_there() -> None:
    assert {key.id for key in keys.KEYS} >= LEFT_OUT
