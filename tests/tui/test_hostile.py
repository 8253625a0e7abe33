"""What peers and people may send: it is shown as text, does nothing, and no control character reaches the screen."""

from __future__ import annotations

import os
import signal
import unicodedata
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.call import Function
from socktui.core.safe import safe
from socktui.tui.app import SocktuiApp
from tests.support import peer, read_exactly
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened, running
from tests.tui.key_coverage import of

HOSTILE = [
    "\x1b]0;pwned\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b2J\x9d0;c1\x9c",
    "\x00\x01\x08\x7f",
    "\u202eevil\u202c\u2066x\u2069",
    "zero\u200bwidth\u200d\ufeff",
    "[/foo]",
    "[bold]markup[/bold]",
    "[@click=app.quit]x[/]",
    "[@click='app.bell']y[/]",
    "$error ${x} \\[",
    "e\u0301\u0489",
    "日本語\U0001f468\u200d\U0001f469",
    "\U000e0041\ue000",
]


def clean(drive: Drive) -> None:
    """Nothing on the screen that a terminal could obey, and nothing that carries an action."""
    for strip in drive.app.screen._compositor.render_strips():
        for segment in strip:
            assert segment.control is None
            assert safe(segment.text) == segment.text, ascii(segment.text)
            assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn") for char in segment.text)
            meta = segment.style.meta if segment.style else {}
            assert "@click" not in meta
    assert drive.app._running


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_payload_in_every_view_and_encoding(capture: Path, text: str) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener(service=text[:40]))
    canned.echo(client, accepted, text.encode("utf-8", "surrogatepass"))
    canned.echo(client, accepted, text.encode("latin-1", "replace"))
    canned.close()
    async with opened(capture) as drive:
        clean(drive)
        for view in ("both", "text"):
            for encoding in ("utf-8", "latin-1", "cp866", "ascii"):
                drive.main._look_through(view=view, encoding=encoding)
                await drive.settle()
                clean(drive)
        drive.main._look_through(view="text", encoding="utf-8")
        await drive.press("G")
        assert safe(text) in drive.text
        await drive.press("y", "1", "y", "a")
        clean(drive)
        await drive.pilot.click("#bytes", offset=(6, 1))
        await drive.pilot.click("#listening", offset=(30, 1))
        clean(drive)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_paths_processes_certificates_and_reasons(capture: Path, text: str) -> None:
    """Names that others choose: they come into rows, titles, headings and lines of C."""
    canned = Canned(capture)
    server = canned.bound("unix-dgram", f"/run/{text}", text[:40])
    peer = canned.speaker(server, f"@{text}")
    canned.carry(peer, Function.RECVFROM, b"x", answer=f"@{text}")
    canned.stream("unix", "", f"/run/{text}", who=f"{text} (pid 1, {text})")
    client = canned.stream("wss", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.call(client, Function.SSL_DO_HANDSHAKE, 1, answer=["TLSv1.3", text, f"CN={text}"])
    canned.carry(client, Function.WS_RECV, b"\x03\xe8", args=("close", 1000, text))
    canned.call(client, Function.WS_RECV, -1, answer=text)
    canned.call(client, Function.SSL_DO_HANDSHAKE, -1, answer=text)
    canned.close_socket(client)
    canned.close()
    async with opened(capture, (250, 40)) as drive:
        clean(drive)
        for key in ("1", "y", "a", "a", "2", "g", "a", "y", "j", "y", "j", "y", "a", "w", "w", "3", "g", "y", "4", "y"):
            await drive.press(key)
            clean(drive)
        await drive.press("1", "g")
        assert safe(f"/run/{text}")[:20] in drive.text


@of("connect_to", "listen")
async def test_endpoint_fields_and_their_sentences(drive: Drive) -> None:
    for key, texts in (("o", HOSTILE), ("l", HOSTILE[:3])):
        await drive.press(key)
        await drive.sees("Endpoint")
        for text in texts:
            await drive.type(f"{safe(text)}:80")
            clean(drive)
            await drive.type(f"{safe(text)}://x:80")
            clean(drive)
            await drive.paste(text)
            clean(drive)
        await drive.press("escape")
    assert drive.journal.count == 0


async def test_names_of_files_and_what_is_typed(drive: Drive, tmp_path: Path) -> None:
    await drive.press("5")
    for mode in ("text", "escapes", "hex", "file"):
        assert drive.box.settings.mode == mode
        for text in HOSTILE:
            drive.box.line.value = ""
            await drive.paste(text)
            if drive.box.settings.mode != mode:
                drive.box.change(mode=mode)
            await drive.press("enter")
            clean(drive)
        await drive.press("f2")


async def test_a_live_peer_that_sends_all_of_it(drive: Drive) -> None:
    port = await drive.server()
    data = "\n".join(HOSTILE).encode() + bytes(range(256))
    with peer(port) as sock:
        sock.sendall(data)
        assert read_exactly(sock, len(data)) == data
        await drive.until(lambda: drive.peers == 1 and drive.socket(2).sent == len(data))
        await drive.press("3")
        for key in ("v", "v", "E", "pageup", "v", "t", "m", "a", "y"):
            await drive.press(key)
            clean(drive)


@pytest.mark.parametrize("name", ["[/foo]", "[@click=app.quit]x[/]", "\x1b[2J\u202e", "\udcff\ud800"[:1]], ids=ascii)
async def test_the_name_of_a_capture(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    engine = Engine(folder / "c.socktui")
    async with running(SocktuiApp(engine, history=tmp_path / "history"), (400, 24)) as drive:
        os.kill(engine.pid, signal.SIGKILL)
        await drive.until(engine.gone.is_set)
        await drive.press("e")
        await drive.sees("what it captured is kept in")
        assert safe(name) in drive.text
        clean(drive)


@pytest.mark.parametrize("size", [(80, 24), (20, 8)])
async def test_a_screenshot_of_it_is_clean_as_well(capture: Path, size: tuple[int, int]) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for text in HOSTILE:
        canned.say(client, accepted, text.encode())
    canned.close()
    async with opened(capture, size) as drive:
        drive.main._look_through(view="text")
        await drive.settle()
        picture = drive.app.export_screenshot(simplify=True)
        assert not any(unicodedata.category(char) in ("Cf", "Cs", "Co") for char in picture)
        assert not any(char in picture for char in "\x1b\x07\x9b\x9d\x00")
