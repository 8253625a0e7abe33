"""Draw the pictures of the README and docs/ from the running program: `python -m tests.screenshots`.

Each picture is the program itself, on a real engine with real sockets, driven by its keys; and the page that it serves
to browsers, in a real browser.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket as sockets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import resvg_py
from textual.pilot import Pilot

from socktui.control.client import Engine
from socktui.core.sockets import Role, State
from socktui.journal.reader import Reader
from socktui.tui.app import SocktuiApp
from socktui.tui.screens.workbench import Workbench
from tests.peers.chromium import Chromium, Page, driven
from tests.support import listening

FOLDER = Path(__file__).parent.parent / "screenshots"
FONTS = Path("/usr/share/fonts")
Scene = Callable[[Pilot[None]], Awaitable[None]]


async def settle(pilot: Pilot[None], done: Callable[[Workbench], bool]) -> None:
    """Wait until the screen has seen what the sockets did."""
    for _ in range(200):
        screen = pilot.app.screen_stack[0]
        if isinstance(screen, Workbench):
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


_KEYS = {
    " ": "space",
    ",": "comma",
    "!": "exclamation_mark",
    "/": "slash",
    ".": "full_stop",
    ":": "colon",
    "-": "minus",
}


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
    assert isinstance(screen, Workbench)
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
    assert isinstance(screen, Workbench)
    port = int(screen.reader.socket(1).local.rpartition(":")[2])
    with sockets.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(
            b"\x1b]0;pwned\x07\x1b[2J\x1b[31mred?\x1b[0m [bold]markup[/bold] \xff\xfe \xe2\x80\xae\r\n\0\x01\x02"
        )
        await settle(pilot, lambda screen: screen.reader.sockets >= 2 and screen.reader.socket(2).sent > 40)
        await keys(pilot, "v", "v", "3")
        screen.clear_message()
        await pilot.pause()


async def kinds(pilot: Pilot[None]) -> None:
    """A server and a client of several kinds, and a message on each."""
    await settle(pilot, lambda screen: True)
    for endpoint in ("udp://127.0.0.1:5005", "unix-seqpacket:///tmp/chat.sock", "ws://127.0.0.1:9001", "tls://:8443"):
        await say_hello(pilot, endpoint, endpoint.partition(":")[0])
    screen = pilot.app.screen
    assert isinstance(screen, Workbench)
    screen.clear_message()
    await pilot.pause()


async def say_hello(pilot: Pilot[None], endpoint: str, scheme: str) -> None:
    """Listen, connect a client, and have a message echoed."""

    def count(screen: Workbench, role: Role) -> int:
        sockets = (screen.reader.socket(number) for number in range(1, screen.reader.sockets + 1))
        mine = (each for each in sockets if each.scheme == scheme and each.role is role)
        return sum(each.open and (role is Role.LISTENER or each.state is not State.SYN_SENT) for each in mine)

    def echoed(screen: Workbench) -> bool:
        newest = (screen.reader.call(seq) for seq in range(screen.reader.count - 1, 0, -1))
        return any(call.receives and call.length == len(message) and not call.under for call in newest)

    message = f"Hello, {scheme}!"
    await keys(pilot, "1", "l")
    await typed(pilot, endpoint)
    await settle(pilot, lambda screen: count(screen, Role.LISTENER) == 1)
    await keys(pilot, "c")
    await settle(pilot, lambda screen: count(screen, Role.CLIENT) == 1)
    await typed(pilot, message)
    await settle(pilot, echoed)
    await keys(pilot, "escape")


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
    "kinds": (kinds, 150, 44),
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
        app = SocktuiApp(engine, history=Path(folder) / "history")
        async with app.run_test(size=(columns, rows)) as pilot:
            await play(pilot)
            draw(app.export_screenshot(title="socktui"), name)
        with Reader(engine.capture) as reader:
            print(f"{name}: {columns}x{rows}, {reader.count} calls")


async def page() -> None:
    """The page of a WebSocket listener, with a few messages."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "page.socktui")
        await engine.ready()
        browser = Chromium(Path(folder))
        try:
            port = await listening(engine, "ws://127.0.0.1:0")
            async with driven(await browser.address()) as connection:
                tab = await Page.open(connection)
                await tab.go(f"http://127.0.0.1:{port}/")
                await tab.until("document.getElementById('state').textContent === 'open'")
                for number, text in enumerate(("Hello, World!", "Привет, сокеты!", "<b>shown, not obeyed</b>"), 1):
                    await tab.type(text)
                    await tab.press("Enter")
                    await tab.until(f"document.querySelectorAll('#log li').length >= {2 * number}")
                shot = await tab.call("Page.captureScreenshot", format="png")
            (FOLDER / "page.png").write_bytes(base64.b64decode(shot["data"]))
        finally:
            browser.close()
            await engine.end()
    print("page: in Chromium")


async def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or [*SCENES, "page"]:
        await (page() if name == "page" else scene(name))


if __name__ == "__main__":
    os.environ.setdefault("COLORTERM", "truecolor")
    asyncio.run(main(sys.argv[1:]))
