"""The page that a WebSocket listener serves, in a real browser: a newcomer opens it, types and sees."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close
from socktui.core.sockets import End, Role
from tests.peers.chromium import Chromium, Page, driven
from tests.support import all_sockets, carried, listening, until

ANY = "ws://127.0.0.1:0"
HOSTILE = "<img src=x onerror=alert(1)>\"'&amp;\u202eevil\x1b[31m</script>"

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
async def page(chromium: Chromium) -> AsyncIterator[Page]:
    async with driven(await chromium.address()) as connection:
        yield await Page.open(connection)


async def opened(page: Page, engine: Engine, service: str = "echo", options: str = "") -> int:
    """The page of a listener, connected; the listener's port."""
    port = await listening(engine, ANY + options, service)
    await page.go(f"http://127.0.0.1:{port}/")
    await page.until("document.getElementById('state').textContent === 'open'")
    return port


async def rows(page: Page, count: int) -> list[list[str]]:
    """What stands in the log, once there are so many rows: arrow, kind and text."""
    await page.until(f"document.querySelectorAll('#log li').length >= {count}")
    found: list[list[str]] = await page.value(
        "[...document.querySelectorAll('#log li')].map(row => [...row.children].slice(1).map(cell => cell.textContent))"
    )
    assert len(found) == count, found
    return found


def websockets(engine: Engine) -> list[int]:
    """The browser's connections that became WebSockets: it makes others for the page, and some to spare."""
    sockets = [socket.number for socket in all_sockets(engine.capture) if socket.role is not Role.LISTENER]
    return [number for number in sockets if carried(engine.capture, number, "send").startswith(b"HTTP/1.1 101 ")]


async def test_a_newcomer_types_and_sees_the_echo(page: Page, engine: Engine) -> None:
    await opened(page, engine)
    assert "permessage-deflate" in await page.value("document.getElementById('agreed').textContent")
    assert await page.value("document.activeElement.id") == "data"
    await page.type("Hello, World!")
    await page.press("Enter")
    assert await rows(page, 3) == [
        ["·", "open", "connected"],
        ["→", "text 13", "Hello, World!"],
        ["←", "text 13", "Hello, World!"],
    ]
    assert await page.value("document.getElementById('data').value") == ""
    [number] = await until(lambda: websockets(engine))
    assert carried(engine.capture, number, "ws_recv") == b"Hello, World!"
    assert page.complaints() == []


async def test_what_comes_cannot_do_anything_to_the_page(page: Page, engine: Engine) -> None:
    await opened(page, engine)
    before = await page.value("document.querySelectorAll('*').length")
    await page.value(f"document.getElementById('data').value = {HOSTILE!r}")
    await page.value("document.getElementById('send').click()")
    size = len(HOSTILE.encode())
    shown = HOSTILE.replace("\u202e", "\\u{202e}").replace("\x1b", "\\u{1b}")
    assert (await rows(page, 3))[1:] == [["→", f"text {size}", shown], ["←", f"text {size}", shown]]
    assert await page.value("document.querySelectorAll('img').length") == 0
    assert await page.value("document.querySelectorAll('*').length") == before + 2 * 5
    assert page.complaints() == []


async def test_binary_is_written_and_shown_in_hex(page: Page, engine: Engine) -> None:
    await opened(page, engine)
    await page.value("document.getElementById('mode').value = 'binary'")
    await page.type("48 65 6c:6C 6f 00 ff")
    await page.press("Enter")
    await rows(page, 3)
    await page.type("4")
    await page.press("Enter")
    assert (await rows(page, 4))[1:] == [
        ["→", "binary 7", "48 65 6c 6c 6f 00 ff"],
        ["←", "binary 7", "48 65 6c 6c 6f 00 ff"],
        ["·", "error", "binary is written in hex, two digits a byte, such as 48 65 6c 6c 6f"],
    ]
    [number] = await until(lambda: websockets(engine))
    assert carried(engine.capture, number, "ws_recv") == b"Hello\0\xff"


async def test_it_is_closed_with_a_code_and_opened_again(page: Page, engine: Engine) -> None:
    await opened(page, engine)
    await page.value("document.getElementById('code').value = '4000'")
    await page.value("document.getElementById('reason').value = 'enough'")
    await page.value("document.getElementById('close').click()")
    assert (await rows(page, 2))[1] == ["·", "closed", "4000 enough"]
    [number] = await until(lambda: websockets(engine))
    await until(lambda: not all_sockets(engine.capture)[number - 1].open)
    assert all_sockets(engine.capture)[number - 1].end is End.PEER_FIN
    assert await page.value("document.getElementById('state').textContent") == "closed"
    await page.value("document.getElementById('connect').click()")
    await page.until("document.getElementById('state').textContent === 'open'")
    await page.value("document.getElementById('code').value = '1002'")
    await page.value("document.getElementById('close').click()")
    assert (await rows(page, 4))[3][1] == "error"


async def test_what_the_server_does_is_shown(page: Page, engine: Engine) -> None:
    await opened(page, engine, "manual")
    [number] = await until(lambda: websockets(engine))
    await engine.send([number], "Привет".encode())
    await engine.send([number], b"\xfe")
    await engine.request(Close(number))
    assert (await rows(page, 4))[1:] == [
        ["←", "text 12", "Привет"],
        ["←", "binary 1", "fe"],
        ["·", "closed", "1000"],
    ]


async def test_a_page_of_another_origin(page: Page, engine: Engine) -> None:
    here = await opened(page, engine)
    open_port = await listening(engine, ANY)
    guarded = await listening(engine, f"{ANY}/?origin=http://127.0.0.1:{here}")
    closed = await listening(engine, f"{ANY}/?origin=http://good.example")

    async def outcome(port: int) -> Any:
        return await page.value(
            f"new Promise(r => {{ const s = new WebSocket('ws://127.0.0.1:{port}/');"
            " s.onopen = () => r('open'); s.onerror = () => r('refused') })"
        )

    assert [await outcome(port) for port in (open_port, guarded, closed)] == ["open", "open", "refused"]


async def test_many_messages_are_shown_and_the_oldest_go(page: Page, engine: Engine) -> None:
    await opened(page, engine)
    await page.value("for (let n = 0; n < 700; n++) socket.send(`message ${n}`)")
    await page.until("document.querySelector('#log li:last-child .what').textContent === 'message 699'")
    assert len(await rows(page, 500)) == 500
