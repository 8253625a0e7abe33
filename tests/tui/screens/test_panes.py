"""What is new is painted once a turn, in all panes together."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.tui.app import SocktuiApp
from socktui.tui.screens.viewer import Viewer
from tests.tui.canned import Canned
from tests.tui.drive import opened


class Turns:
    """Counts the looks at what is new, the titles made, and the paints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks = self.titles = self.paints = 0
        show_news, subtitle = Viewer._show_news, Viewer._subtitle

        def looking(viewer: Viewer) -> None:
            self.looks += 1
            show_news(viewer)

        def titling(viewer: Viewer) -> None:
            self.titles += 1
            subtitle(viewer)

        def painting(app: SocktuiApp) -> None:
            self.paints += 1

        monkeypatch.setattr(Viewer, "_show_news", looking)
        monkeypatch.setattr(Viewer, "_subtitle", titling)
        monkeypatch.setattr(SocktuiApp, "post_display_hook", painting)


@pytest.mark.parametrize("following", [True, False])
async def test_news_of_all_panes_is_one_paint(capture: Path, monkeypatch: pytest.MonkeyPatch, following: bool) -> None:
    canned = Canned(capture)
    pair = canned.pair(canned.listener())
    for _ in range(20):
        canned.echo(*pair, b"what was there")
    async with opened(capture) as drive:
        await drive.press(*("3", "G") if following else ("3", "g"))
        await drive.until(lambda: drive.log.following == following)
        turns = Turns(monkeypatch)
        for i in range(20):
            canned.echo(*pair, b"what is new %d" % i)
            count = canned.journal.count
            await drive.until(lambda count=count: len(drive.main._calls.sequence) == count)  # type: ignore[misc]
            await drive.settle()
        assert turns.looks >= 20
        assert turns.titles <= turns.looks
        assert turns.paints <= turns.looks + 2
    canned.close()
