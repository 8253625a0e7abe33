"""The send box: what is typed, the bytes that it makes, who gets them, and what was sent before."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.core.payload import ENCODINGS
from socktui.services import SERVICES
from socktui.tui.outgoing import MODES, Settings
from socktui.tui.screens.workbench import Workbench
from tests.support import peer, read_exactly
from tests.tui.drive import Drive, workbench
from tests.tui.key_coverage import of


def typed(drive: Drive) -> str:
    return drive.box.line.value


def preview(drive: Drive) -> str:
    return str(drive.box.about.content)


async def write(drive: Drive, text: str) -> None:
    drive.box.line.value = text
    drive.box.line.cursor_position = len(text)
    await drive.settle()


async def sends(drive: Drive, client: int, text: str, data: bytes) -> None:
    """Type a text and press enter: these bytes go out, and come back."""
    before = drive.carried(client, Function.SEND)
    await drive.type(text)
    await drive.until(lambda: drive.carried(client, Function.RECV) == before + data)
    assert drive.carried(client, Function.SEND) == before + data
    assert typed(drive) == ""


@of("send", "choose")
async def test_enter_on_a_connection_goes_to_the_box_and_enter_there_sends(drive: Drive) -> None:
    client, accepted = await drive.pair()
    await drive.press("escape", "2", "g", "j")
    assert drive.connections.cursor_key == max(client, accepted)
    await drive.press("enter")
    assert drive.app.focused is drive.box.line
    await drive.press(*"Hi, you!", "enter")
    await drive.until(lambda: drive.carried(accepted, Function.SEND) == b"Hi, you!")
    await drive.until(lambda: drive.carried(client, Function.RECV) == b"Hi, you!")


@of("back")
async def test_escape_comes_back_to_the_list(drive: Drive) -> None:
    await drive.pair()
    await write(drive, "kept")
    await drive.press("escape")
    assert drive.app.focused is drive.connections
    await drive.press("5")
    assert typed(drive) == "kept"


@of("send")
async def test_enter_with_nothing_says_so(drive: Drive) -> None:
    client, _ = await drive.pair()
    await drive.press("enter")
    await drive.sees("nothing to send")
    await drive.press("f2", "f2", "enter")
    await drive.sees("nothing to send")
    await drive.press("f2", "enter")
    await drive.sees("name a file")
    assert drive.socket(client).sent == 0


@of("mode")
async def test_f2_goes_through_text_escapes_hex_and_file(drive: Drive, tmp_path: Path) -> None:
    client, _ = await drive.pair()
    seen = []
    for _ in MODES:
        seen.append(drive.box.settings.mode)
        assert f" · {seen[-1]}" in f" · {drive.box.subtitle}"
        await drive.press("f2")
    assert (tuple(seen), drive.box.settings.mode) == (MODES, "text")
    await sends(drive, client, r"a\n", rb"a\n")
    await drive.press("f2")
    await sends(drive, client, r"a\r\n\x00\u0416", b"a\r\n\0\xd0\x96")
    await drive.press("f2")
    await sends(drive, client, "48 65,6c 0x6c6f", b"Hello")
    file = tmp_path / "[bold]a file\u202e.bin"
    file.write_bytes(bytes(range(256)) * 1000)
    await drive.press("f2")
    await write(drive, str(file))
    assert preview(drive) == "256000 bytes of a file"
    await drive.press("enter")
    await drive.until(lambda: drive.carried(client, Function.RECV).endswith(file.read_bytes()))


@of("line_ending")
async def test_f3_puts_a_line_end_after_what_is_typed(drive: Drive) -> None:
    client, _ = await drive.pair()
    for name, ending in {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r", "NUL": b"\0"}.items():
        await drive.press("f3")
        assert drive.box.subtitle == f"text · utf-8 · + {name}"
        await sends(drive, client, "x", b"x" + ending)
    await sends(drive, client, "", b"\0")
    await drive.press("f3")
    await sends(drive, client, "x", b"x")


@of("send_encoding")
async def test_f6_chooses_the_encoding(drive: Drive) -> None:
    client, _ = await drive.pair()
    for encoding in ENCODINGS:
        assert drive.box.subtitle == f"text · {encoding}"
        await write(drive, "Ж")
        try:
            data = "Ж".encode(encoding)
        except UnicodeEncodeError:
            assert drive.box.about.has_class("error")
            await drive.press("enter")
            assert typed(drive) == "Ж"
        else:
            await sends(drive, client, "Ж", data)
        await drive.press("f6")
    assert drive.box.settings.encoding == "utf-8"


@of("target")
async def test_f4_sends_to_one_to_the_marked_or_to_all(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as first, peer(port) as second:
        await drive.until(lambda: drive.peers == 2)
        await drive.press("2", "g", "enter")
        assert drive.box.title.startswith("Send to #2 echo 127.0.0.1:")
        await drive.type("one")
        assert read_exactly(first, 3) == b"one"
        await drive.press("f4")
        assert drive.box.title.startswith("Send to the 0 marked")
        await drive.type("nobody")
        await drive.sees("nobody to send to: select a connection, or choose others with f4")
        assert typed(drive) == "nobody"
        await drive.press("f4")
        assert drive.box.title.startswith(f"Send to all clients of #1 echo 127.0.0.1:{port}")
        await drive.type("all")
        assert read_exactly(first, 3) == read_exactly(second, 3) == b"all"
        await drive.press("f4")
        assert drive.box.settings.target == "one"


@of("choose", "target")
async def test_enter_on_a_listener_sends_to_all_its_clients_that_are_open(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as first:
        with peer(port):
            await drive.until(lambda: drive.peers == 2)
        await drive.until(lambda: not drive.socket(3).open or not drive.socket(2).open)
        await drive.press("1", "enter")
        await drive.type("all")
        assert read_exactly(first, 3) == b"all"
        assert "Error" not in drive.footer


@of("send")
async def test_what_could_not_be_sent_comes_back(drive: Drive) -> None:
    client, accepted = await drive.pair()
    await drive.press("escape", "x")
    await drive.until(lambda: not drive.socket(client).open and not drive.socket(accepted).open)
    await drive.press("5")
    await drive.type("too late")
    await drive.sees("Error: ")
    await drive.until(lambda: typed(drive) == "too late")


@of("older", "newer")
async def test_up_and_down_bring_back_what_was_sent_also_in_the_next_run(tmp_path: Path) -> None:
    async with workbench(tmp_path) as drive:
        client, _ = await drive.pair()
        for text in ("first", "second", "second", "Третья [/b]"):
            await sends(drive, client, text, text.encode())
        await write(drive, "draft")
        seen = []
        for key in ("up", "up", "up", "up", "down", "down", "down", "down"):
            await drive.press(key)
            seen.append(typed(drive))
        assert seen == ["Третья [/b]", "second", "first", "first", "second", "Третья [/b]", "draft", "draft"]
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600
    (tmp_path / "next").mkdir()
    (tmp_path / "history").rename(tmp_path / "next" / "history")
    async with workbench(tmp_path / "next") as drive:
        await drive.press("5", "up", "up")
        assert typed(drive) == "second"
        assert preview(drive) == "6 bytes: 73 65 63 6f 6e 64"


PREVIEWS = [
    ("text", "Ж!", "3 bytes: d0 96 21", False),
    ("text", "x", "1 byte: 78", False),
    ("text", "y" * 65, "65 bytes: " + "79 " * 64 + "…", False),
    ("escapes", r"\x0", r"\x", True),
    ("escapes", "\\", "A backslash at the end escapes nothing", True),
    ("escapes", r"\e[2J", "4 bytes: 1b 5b 32 4a", False),
    ("hex", "4", "Half a byte", True),
    ("hex", "zz", "z", True),
    ("hex", "0x48, 0x65", "2 bytes: 48 65", False),
    ("file", "/no/such/file", "there is no file /no/such/file", True),
    ("file", "/", "there is no file /", True),
    ("file", "x" * 5000, "File name too long (ENAMETOOLONG): xxx", True),
    ("file", "[/b]\u202e", r"there is no file [/b]\u202e", True),
    ("hex", "", "", False),
]


async def test_the_preview_shows_bytes_or_what_is_wrong(drive: Drive) -> None:
    await drive.pilot.resize_terminal(400, 30)
    await drive.press("5")
    for mode, text, shown, wrong in PREVIEWS:
        drive.box.settings = Settings(mode=mode)  # type: ignore[arg-type]
        await write(drive, "")
        await write(drive, text)
        assert shown in preview(drive), text
        assert drive.box.about.has_class("error") == wrong, text
    assert isinstance(drive.app.screen, Workbench)


PASTED = [
    ("text", "", "plain", "plain", "text"),
    ("text", "", "a\x1b[31mb\r\n", r"a\e[31mb\r\n", "escapes"),
    ("text", r"C:\new ", "\x07", r"C:\\new \a", "escapes"),
    ("text", "", "\u202eevil", r"\u202eevil", "escapes"),
    ("escapes", r"\n", "\t", r"\n\t", "escapes"),
    ("hex", "48", " 65\n6c\t6c\r\n", "48 65 6c 6c ", "hex"),
    ("file", "", "/etc/hostname\n", "/etc/hostname", "file"),
]


@of("send")
async def test_control_characters_are_pasted_as_what_can_be_seen(drive: Drive) -> None:
    await drive.press("5")
    for mode, before, pasted, value, after in PASTED:
        drive.box.settings = Settings(mode=mode)  # type: ignore[arg-type]
        await write(drive, before)
        await drive.paste(pasted)
        assert (typed(drive), drive.box.settings.mode) == (value, after)


async def test_an_endless_send_does_not_hold_up_the_keys(drive: Drive, tmp_path: Path) -> None:
    """A peer that never reads: what is sent to it waits, everything else goes on, and f8 gives it up."""
    file = tmp_path / "big"
    with file.open("wb") as out:
        out.truncate(64 << 20)
    await drive.press("l", "tab")
    await drive.press(*["right"] * list(SERVICES).index("manual"), "enter")
    await drive.until(lambda: drive.app.screen is drive.main and drive.listening.cursor_key == 1)
    port = int(drive.socket(1).local.rpartition(":")[2])
    with peer(port) as sock:
        await drive.until(lambda: drive.peers == 1)
        await drive.press("2", "enter", "f2", "f2", "f2")
        await drive.type(str(file))
        await drive.until(lambda: drive.socket(2).sent > 100_000)
        await drive.press("escape", "v")
        assert drive.log.lens.view == "hex"
        await drive.press("f8")
        await drive.sees("stopped")
        sock.close()


@pytest.mark.parametrize("damage", [b"\xff\xfe\n", b"{}\n[1]\nnull\n", b'"\x1b[2J"\n', b'"\\u001b[2J\\ud800"\n', b""])
@of("older")
async def test_a_damaged_history_is_done_without(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "history").write_bytes(damage + b'"good"\n' + damage[:3])
    async with workbench(tmp_path) as drive:
        await drive.press("5", "up")
        assert typed(drive) == "good"
        await drive.press("up", "up")
        assert typed(drive).isprintable()
