"""What tests of finding bytes do and see."""

from __future__ import annotations

from socktui.tui.widgets.findbar import FindBar
from tests.tui.drive import Drive


def bar(drive: Drive) -> FindBar:
    return drive.main.query_one(FindBar)


def marked(drive: Drive) -> list[str]:
    """What is marked in the log, row by row."""
    ground = drive.log.style("found").bgcolor
    rows = drive.log.render_lines(drive.log.size.region)
    found = ["".join(s.text for s in row if s.style and s.style.bgcolor == ground) for row in rows]
    return [text for text in found if text]


async def look(drive: Drive, text: str, *keys: str) -> None:
    """Open the bar, press keys there, type and press enter."""
    await drive.press("/", *keys)
    await drive.type(text)


async def says(drive: Drive, text: str) -> None:
    """Wait for the end of a search, and see what is said of it."""
    await drive.until(lambda: not drive.main.finding)
    await drive.sees(text)
