"""Draw the pictures of the README from the running program: `python -m tests.screenshots`.

Each picture is the program itself, on a real engine with real sockets, driven by its keys.
"""

from __future__ import annotations

import asyncio
import os
import socket as sockets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import resvg_py
from textual.pilot import Pilot

from socktui.control.client import Engine
from socktui.journal.reader import Reader
from socktui.tui.screens.main import Main
from socktui.tui.workbench import Workbench

FOLDER = Path(__file__).parent.parent / "screenshots"
FONTS = Path("/usr/share/fonts")
Scene = Callable[[Pilot[None]], Awaitable[None]]


async def settle(pilot: Pilot[None], done: Callable[[Main], bool]) -> None:
    """Wait until the screen has seen what the sockets did."""
    for _ in range(200):
        screen = pilot.app.screen_stack[1] if len(pilot.app.screen_stack) > 1 else None
        if isinstance(screen, Main):
            screen.look()
            if done(screen):
                await pilot.pause()
                return
        await asyncio.sleep(0.02)
    raise TimeoutError("the scene did not come about")


async def keys(pilot: Pilot[None], *pressed: str) -> None:
    await pilot.press(*pressed)
    await pilot.pause()


async def typed(pilot: Pilot[None], text: str) -> None:
    await pilot.press(*(_KEYS.get(char, char) for char in text), "enter")


_KEYS = {" ": "space", ",": "comma", "!": "exclamation_mark", "/": "slash", ".": "full_stop", ":": "colon"}


async def first(pilot: Pilot[None]) -> None:
    await settle(pilot, lambda screen: True)


async def echo(pilot: Pilot[None]) -> None:
    """e, c, and a message; then another client says something in Russian."""
    await settle(pilot, lambda screen: True)
    await keys(pilot, "e")
    await settle(pilot, lambda screen: screen.reader.sockets >= 1)
    await keys(pilot, "c")
    await settle(pilot, lambda screen: screen.peers == 2)
    await typed(pilot, "Hello, World!")
    await settle(pilot, lambda screen: screen.reader.socket(2).received == 13)
    await keys(pilot, "escape", "c")
    await settle(pilot, lambda screen: screen.peers == 4)
    await typed(pilot, "Привет, сокеты!")
    await settle(pilot, lambda screen: screen.reader.socket(4).received > 20)
    screen = pilot.app.screen
    assert isinstance(screen, Main)
    screen.clear_message()


async def one_connection(pilot: Pilot[None]) -> None:
    await echo(pilot)
    await keys(pilot, "escape", "a", "v", "v", "3")


async def hostile(pilot: Pilot[None]) -> None:
    """A peer that sends escape sequences, markup and what is no UTF-8: it is shown, and changes nothing."""
    await settle(pilot, lambda screen: True)
    await keys(pilot, "e")
    await settle(pilot, lambda screen: screen.reader.sockets >= 1)
    screen = pilot.app.screen
    assert isinstance(screen, Main)
    port = int(screen.reader.socket(1).local.rpartition(":")[2])
    with sockets.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(
            b"\x1b]0;pwned\x07\x1b[2J\x1b[31mred?\x1b[0m [bold]markup[/bold] \xff\xfe \xe2\x80\xae\r\n\0\x01\x02"
        )
        await settle(pilot, lambda screen: screen.reader.sockets >= 2 and screen.reader.socket(2).sent > 40)
        await keys(pilot, "v", "v", "3")
        screen.clear_message()
        await pilot.pause()


async def listen(pilot: Pilot[None]) -> None:
    await settle(pilot, lambda screen: True)
    await keys(pilot, "l")


async def help_page(pilot: Pilot[None]) -> None:
    await settle(pilot, lambda screen: True)
    await keys(pilot, "question_mark")


SCENES: dict[str, tuple[Scene, int, int]] = {
    "first": (first, 120, 34),
    "workbench": (echo, 132, 36),
    "small": (echo, 80, 24),
    "text": (one_connection, 120, 34),
    "hostile": (hostile, 120, 34),
    "listen": (listen, 120, 34),
    "help": (help_page, 120, 44),
}


def draw(svg: str, name: str) -> None:
    """Write a picture as PNG, in the font that terminals have."""
    svg = svg.replace("Fira Code", "Fira Code, DejaVu Sans Mono")
    png = resvg_py.svg_to_bytes(svg_string=svg, font_dirs=[str(FONTS)], width=1400)
    (FOLDER / f"{name}.png").write_bytes(bytes(png))


async def scene(name: str) -> None:
    play, columns, rows = SCENES[name]
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "scene.socktui")
        app = Workbench(engine, history=Path(folder) / "history")
        async with app.run_test(size=(columns, rows)) as pilot:
            await play(pilot)
            draw(app.export_screenshot(title="socktui"), name)
        with Reader(engine.capture) as reader:
            print(f"{name}: {columns}x{rows}, {reader.count} calls")


async def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or SCENES:
        await scene(name)


if __name__ == "__main__":
    os.environ.setdefault("COLORTERM", "truecolor")
    asyncio.run(main(sys.argv[1:]))
