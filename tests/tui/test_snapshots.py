"""What the screens look like, at 80x24 and at 120x40, as pictures and as text.

`pytest tests/tui/test_snapshots.py --snapshot-update` makes them anew; look at the text files, and at the pictures,
before you keep them.
"""

from __future__ import annotations

import errno as errnos
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual._context import visible_screen_stack

from socktui.control.messages import Failure, VerbError
from socktui.core.call import Function
from socktui.core.errors import ErrorCode
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened
from tests.tui.frozen_app import StillWatch, standing, still

__all__ = ["standing"]

SIZES = [(80, 24), (120, 40)]
HOSTILE = (
    b"\x1b]0;pwned\x07\x1b[2J\x1b[31mred?\x1b[0m [bold]markup[/bold] [@click=app.quit]x[/]"
    b"\xff\xfe \xe2\x80\xae\r\n\0\x01\x7f"
)

pytestmark = [
    pytest.mark.usefixtures("standing"),
    pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}"),
]


class Picture(SingleFileSnapshotExtension):
    """An SVG of its own for each screen."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


class Text(SingleFileSnapshotExtension):
    """The same as text, so that a difference can be read."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
async def same(snapshot: SnapshotAssertion) -> AsyncIterator[Any]:
    """Compares a screen with what it looked like before."""
    as_text, as_picture = snapshot.use_extension(Text), snapshot.use_extension(Picture)

    async def compare(drive: Drive) -> None:
        # A dialog shows what is behind it as it was when it was last painted: paint it now.
        visible_screen_stack.set(drive.app._background_screens)
        for screen in reversed(drive.app.screen_stack):
            screen.refresh(layout=True)
            await drive.settle()
        drive.app.screen._on_timer_update()
        await drive.settle()
        picture = drive.app.export_screenshot(title="socktui", simplify=True)
        picture = re.sub(r"terminal-\d+-", "terminal-", picture)
        lines = [line.rstrip() for line in drive.lines]
        assert "\n".join(lines) + "\n" == as_text
        assert picture == as_picture

    yield compare
    # Whatever zone the machine is in comes back.
    time.tzset()


def hello(path: Path) -> Canned:
    """An echo server, a client, and what the lecture has it say."""
    canned = Canned(path)
    client, accepted = canned.pair(canned.listener())
    canned.wait(1500)
    canned.echo(client, accepted, b"Hello, World!")
    return canned


async def to_client(drive: Drive) -> None:
    """As after the key c: the client is selected, and the send box has the focus."""
    await drive.press("2", "g", "enter")


async def test_first_screen(capture: Path, size: tuple[int, int], same: Any) -> None:
    Canned(capture).close()
    async with still(capture, size) as (drive, _):
        await same(drive)


async def test_hello_world(capture: Path, size: tuple[int, int], same: Any) -> None:
    hello(capture).close()
    async with still(capture, size) as (drive, _):
        await to_client(drive)
        await same(drive)


async def test_text_with_cyrillic(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    client, accepted = canned.pair(canned.listener("127.0.0.1:5006", "manual"), 50932)
    text = "Привет, сокеты!\nКак слышно?\n".encode()
    canned.send(client, text[:19])
    canned.send(client, text[19:])
    canned.recv(accepted, text[:20], 20)
    canned.recv(accepted, text[20:], 20)
    canned.say(accepted, client, "Слышно 5 из 5 — 日本語 тоже.\r\n".encode())
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("2", "G", "3", "v", "v")
        await same(drive)


async def test_hex(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    client, accepted = canned.pair(canned.listener("127.0.0.1:5006"), 50932)
    canned.echo(client, accepted, bytes(range(256)))
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("3", "v", "t")
        await same(drive)


async def test_hostile_bytes(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.echo(client, accepted, HOSTILE)
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("3", "v", "v")
        await same(drive)


async def test_ended_connections(capture: Path, size: tuple[int, int], same: Any) -> None:
    """Closed, refused, reset by us and by the peer, and half-closed: and one that is well."""
    canned = Canned(capture)
    listener = canned.listener()
    pairs = [canned.pair(listener, 50928 + 2 * i) for i in range(4)]
    (one, one_end), (two, two_end), (three, three_end), (four, four_end) = pairs
    canned.echo(one, one_end, b"bye")
    canned.close_socket(one)
    canned.fin(one_end)
    canned.say(two, two_end, b"oops")
    canned.reset(two)
    canned.failed_recv(two_end, errnos.ECONNRESET)
    canned.client("127.0.0.1:5099", errno=errnos.ECONNREFUSED)
    canned.client("10.255.255.1:80", errno=errnos.ETIMEDOUT)
    canned.call(three, Function.SHUTDOWN, args=("SHUT_WR",))
    canned.call(three_end, Function.RECV, 0, size=65536)
    canned.echo(four, four_end, b"well")
    canned.listener("127.0.0.1:80", errno=errnos.EADDRINUSE)
    canned.wait(700_000)
    canned.close_socket(canned.listener("127.0.0.1:5006", "daytime"))
    canned.listener("0.0.0.0:5007", "discard")
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("2", "G", "k")
        await same(drive)


async def test_kinds_of_sockets(capture: Path, size: tuple[int, int], same: Any) -> None:
    """A server of datagrams with a peer, UNIX sockets, a WebSocket, and a TLS client that verifies nobody."""
    canned = Canned(capture)
    server = canned.bound("udp", "0.0.0.0:5005")
    peer = canned.speaker(server, "127.0.0.1:4000")
    canned.carry(peer, Function.RECVFROM, b"Hello, World!", answer=["127.0.0.1", 4000])
    canned.carry(peer, Function.SENDTO, b"", size=0, args=(["127.0.0.1", 4000],))
    canned.stream("unix", "/run/echo.sock", "", service="echo", who="ncat (pid 1234, root)")
    socket = canned.stream("ws", "127.0.0.1:50930", "127.0.0.1:9001")
    canned.carry(socket, Function.WS_SEND, "Привет".encode(), size=12, args=("text",))
    canned.carry(socket, Function.WS_RECV, b"\x03\xe8bye", args=("close", 1000, "bye"))
    client = canned.stream("tls", "127.0.0.1:50932", "127.0.0.1:5443")
    canned.journal.describe(client, insecure=True)
    canned.call(client, Function.SSL_DO_HANDSHAKE, 1, answer=["TLSv1.3", "TLS_AES_256_GCM_SHA384", "CN=localhost"])
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("2", "G", "enter")
        await same(drive)


async def test_many_connections(
    capture: Path, size: tuple[int, int], same: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StillWatch, "queues", (0, 40960))
    canned = Canned(capture)
    listeners = [
        canned.listener(f"127.0.0.1:{5005 + i}", name) for i, name in enumerate(("echo", "discard", "chargen"))
    ]
    for i in range(60):
        client, accepted = canned.pair(listeners[i % 3], 40_000 + i)
        canned.echo(client, accepted, b"x" * (7**i % 60_000 + 1))
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("2", "ctrl+u", "*", "*", "k", "k")
        await same(drive)


async def test_saved_capture(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    canned.close()
    async with opened(capture, size) as drive:
        await same(drive)


async def test_listen_dialog(capture: Path, size: tuple[int, int], same: Any) -> None:
    hello(capture).close()
    async with still(capture, size) as (drive, _):
        await drive.press("l")
        await drive.sees("Backlog")
        await drive.press("tab", "right")
        await same(drive)


async def test_connect_dialog_with_an_error(capture: Path, size: tuple[int, int], same: Any) -> None:
    Canned(capture).close()
    async with still(capture, size) as (drive, engine):
        engine.answer = VerbError(
            "tcp://127.0.0.1:5099: Connection refused (ECONNREFUSED): nothing listens there: "
            "check the port, or start a server first",
            Failure(ErrorCode.KERNEL, "ECONNREFUSED"),
        )
        await drive.press("o")
        await drive.sees("Time-out")
        await drive.type("127.0.0.1:5099")
        await drive.sees("ECONNREFUSED")
        await same(drive)


async def test_bad_endpoint(capture: Path, size: tuple[int, int], same: Any) -> None:
    Canned(capture).close()
    async with still(capture, size) as (drive, _):
        await drive.press("l")
        await drive.sees("Backlog")
        await drive.type("localhost:70000")
        await drive.sees("the port is wrong")
        await same(drive)


async def test_open_to_others(capture: Path, size: tuple[int, int], same: Any) -> None:
    Canned(capture).close()
    async with still(capture, size) as (drive, _):
        await drive.press("l")
        await drive.sees("Backlog")
        await drive.type("0.0.0.0:5005")
        await drive.sees("Listen there?")
        await same(drive)


async def test_help(capture: Path, size: tuple[int, int], same: Any) -> None:
    Canned(capture).close()
    async with still(capture, size) as (drive, _):
        await drive.press("?")
        await drive.sees("Start an echo server.")
        await same(drive)


async def test_send_box_in_hex(capture: Path, size: tuple[int, int], same: Any) -> None:
    hello(capture).close()
    async with still(capture, size) as (drive, _):
        await to_client(drive)
        await drive.press("f2", "f2", *"48 65 6c, 0x6c6f")
        await same(drive)


async def test_send_box_with_an_error(capture: Path, size: tuple[int, int], same: Any) -> None:
    hello(capture).close()
    async with still(capture, size) as (drive, _):
        await to_client(drive)
        await drive.press("f2", "f3", "f3", *r"Hello\q")
        await same(drive)


async def test_quit_is_asked(capture: Path, size: tuple[int, int], same: Any) -> None:
    hello(capture).close()
    async with still(capture, size) as (drive, _):
        await drive.press("ctrl+q")
        await drive.sees("Say goodbye and leave?")
        await same(drive)


async def test_maximized_log(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    client, accepted = canned.pair(canned.listener("127.0.0.1:5006"), 50932)
    canned.echo(client, accepted, bytes(range(32, 127)) * 2)
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("3", "m")
        await same(drive)


async def test_new_below_and_paused(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for i in range(12):
        canned.echo(client, accepted, f"line {i}".encode())
    async with still(capture, size) as (drive, _):
        await drive.until(lambda: len(drive.log.sequence) == drive.journal.count)
        await drive.press("3", "pageup", "k")
        for i in range(3):
            canned.echo(client, accepted, f"news {i}".encode())
        await drive.until(lambda: drive.log.below == 12)
        await drive.press("space")
        await same(drive)
    canned.close()


async def test_capture_incomplete(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    client, accepted = canned.pair(canned.listener("127.0.0.1:5006", "discard"), 50932)
    before = canned.journal.heap.head
    canned.say(client, accepted, b"x" * 50_000)
    canned.journal.heap._lose(before, canned.journal.heap.head)
    canned.say(client, accepted, b"kept again")
    canned.close()
    async with still(capture, size) as (drive, _):
        await drive.press("3")
        await same(drive)


async def test_message_of_what_went_wrong(capture: Path, size: tuple[int, int], same: Any) -> None:
    canned = hello(capture)
    canned.close()
    async with still(capture, size) as (drive, engine):
        engine.answer = VerbError(
            "tcp://127.0.0.1:5005: Address already in use (EADDRINUSE) by python3 (pid 4711): "
            "take another port, or 0 for any",
            Failure(ErrorCode.KERNEL, "EADDRINUSE"),
        )
        await drive.press("e")
        await drive.sees("Error: ")
        await same(drive)


async def test_found(capture: Path, size: tuple[int, int], same: Any) -> None:
    """Matches in one row, over two rows, over two calls; the bar is open for the next."""
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.say(client, accepted, b"a needle in a haystack, and one more needle in it")
    canned.say(client, accepted, "Иголка: nee".encode())
    canned.say(client, accepted, b"dle")
    canned.close()
    async with opened(capture, size) as drive:
        await drive.press("g", "/")
        await drive.type("needle")
        await drive.sees("found in call 9 · socket 2")
        drive.main.clear_message()
        await drive.press("/", "f3")
        await same(drive)
