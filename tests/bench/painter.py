"""Paints the byte log, or the same strips made beforehand, and tells what a paint took:

`python -m tests.bench.painter CAPTURE log|strips LINES TURNS RESULT`: scrolls up LINES at a time, TURNS times.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from socktui.journal.reader import Reader
from socktui.tui.app import COLLECTOR
from socktui.tui.bytelog.byte_log import ByteLog
from socktui.tui.call_sequence import CallSequence

PAINTED = asyncio.Event()
"""Set while a paint is made: whoever waits for it goes on after Textual has written the paint out."""


class Log(ByteLog):
    def render_lines(self, crop: Region) -> list[Strip]:
        PAINTED.set()
        return super().render_lines(crop)


class Prepared(Widget):
    """Screens of strips, one after the other: the least that painting them can cost."""

    DEFAULT_CSS = "Prepared { width: 1fr; height: 1fr; }"

    def __init__(self, screens: list[list[Strip]]) -> None:
        super().__init__()
        self._screens = screens
        self._at = 0

    def next(self) -> None:
        self._at += 1
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        PAINTED.set()
        return self._screens[self._at][crop.y : crop.bottom]


async def painted() -> None:
    """Until the next paint."""
    PAINTED.clear()
    await PAINTED.wait()


class Painter(App[None]):
    def __init__(self, reader: Reader, lines: int, turns: int, prepared: bool) -> None:
        super().__init__()
        self._bytes = Log(CallSequence(reader), str)
        self._lines, self._turns, self._prepared = lines, turns, prepared
        self.seconds = 0.0

    def compose(self) -> ComposeResult:
        yield self._bytes

    def on_ready(self) -> None:
        self.run_worker(self._measure())

    async def _measure(self) -> None:
        self._bytes.grow()
        await painted()
        step: Callable[[], None] = self._scroll
        if self._prepared:
            prepared = Prepared(self._strips())
            step = prepared.next
            self._bytes.display = False
            await self.mount(prepared)
            prepared.refresh()
            await painted()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTOR)
        began = time.process_time()
        for _ in range(self._turns):
            step()
            await painted()
        self.seconds = (time.process_time() - began) / self._turns
        self.exit()

    def _scroll(self) -> None:
        self._bytes.scroll_by(-self._lines)

    def _strips(self) -> list[list[Strip]]:
        """What the log paints, in strips that nobody has painted; a row that stays is the same strip."""
        found = []
        copies: dict[int, tuple[Strip, Strip]] = {}
        for _ in range(self._turns + 1):
            strips = self._bytes.render_lines(Region(0, 0, *self._bytes.size))
            found.append(
                [copies.setdefault(id(strip), (strip, Strip(list(strip), strip.cell_length)))[1] for strip in strips]
            )
            self._scroll()
        return found


def main() -> None:
    capture, what, lines, turns, result = sys.argv[1:]
    with Reader(Path(capture)) as reader:
        app = Painter(reader, int(lines), int(turns), what == "strips")
        app.run()
    Path(result).write_text(json.dumps(app.seconds))
    sys.exit(app.return_code)


main()
