"""The dialogs, with the engine behind them: each service through the form, and the keys in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.services import SERVICES
from socktui.tui import dialogs
from socktui.tui.widgets.form import Choice, Form, SafeInput
from tests.support import peer, read_all, read_exactly
from tests.tui.drive import Drive
from tests.tui.key_coverage import of


async def listen(drive: Drive, service: str, argument: str = "") -> int:
    """A listener with a service, through the dialog; its port."""
    await drive.press("l")
    await drive.sees("Service", "Backlog")
    form = drive.app.screen
    assert isinstance(form, Form)
    endpoint = form.query_one("#field-endpoint", SafeInput)
    assert endpoint.value.startswith("tcp://127.0.0.1:")
    endpoint.value = "127.0.0.1:0"
    await drive.press("tab", *["right"] * list(SERVICES).index(service))
    assert form.query_one("#field-service", Choice).value == service
    field = form.query_one("#field-argument", SafeInput)
    if SERVICES[service].argument:
        await drive.until(lambda: field.region)  # until it has a place, it is not the next one
        await drive.press("tab")
        assert drive.app.focused is field
        assert field.value == SERVICES[service].default
        assert SERVICES[service].argument in field.placeholder
        field.value = argument
    await drive.press("enter")
    await drive.until(lambda: drive.app.screen is drive.main and drive.listening.cursor_key == drive.journal.sockets)
    listener = drive.socket(drive.journal.sockets)
    assert (listener.service, listener.backlog) == (f"{service}={argument}" if argument else service, 1024)
    return int(listener.local.rpartition(":")[2])


ARGUMENTS = {"literal": r"any\x21", "script": "RULES", "slow": "1000", "close-after": "5", "reset-after": "5"}


@pytest.mark.parametrize("service", SERVICES)
@of("listen", "submit", "next_choice")
async def test_l_starts_each_service(drive: Drive, service: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\ntext = "PING"\nanswer = "PONG"\n')
    port = await listen(drive, service, ARGUMENTS.get(service, "").replace("RULES", str(rules)))
    with peer(port) as sock:
        match service:
            case "echo" | "slow":
                sock.sendall(b"there and back")
                assert await asyncio.to_thread(read_exactly, sock, 14) == b"there and back"
            case "discard":
                sock.sendall(b"into the void")
                await drive.until(lambda: drive.peers == 1 and drive.socket(2).received == 13)
                assert drive.socket(2).sent == 0
            case "clogged":
                sock.sendall(b"is not read")
                await drive.until(lambda: drive.peers == 1)
                assert drive.socket(2).received == 0
            case "chargen":
                first, second = read_exactly(sock, 2 * 74).decode().split("\r\n")[:2]
                assert len(first) == len(second) == 72
                assert first[1:] == second[:-1]
            case "random":
                assert len(read_exactly(sock, 1000)) == 1000
            case "daytime":
                assert re.search(rb"\d\d:\d\d:\d\d", await asyncio.to_thread(read_all, sock))
            case "time":
                assert len(await asyncio.to_thread(read_all, sock)) == 4
            case "qotd":
                assert 0 < len(await asyncio.to_thread(read_all, sock)) <= 512
            case "manual":
                await drive.until(lambda: drive.peers == 1)
                await drive.press("2", "enter")
                await drive.type("typed by hand")
                assert read_exactly(sock, 13) == b"typed by hand"
            case "http":
                sock.sendall(b"GET /ip HTTP/1.0\n\n")
                assert b'"origin": "127.0.0.1"' in await asyncio.to_thread(read_all, sock)
            case "broadcast":
                with peer(port) as other:
                    await drive.until(lambda: drive.peers == 2)
                    sock.sendall(b"to the other")
                    assert await asyncio.to_thread(read_exactly, other, 12) == b"to the other"
            case "literal" | "script":
                sock.sendall(b"PING")
                answer = b"any!" if service == "literal" else b"PONG"
                assert await asyncio.to_thread(read_exactly, sock, 4) == answer
            case "close-after":
                sock.sendall(b"12345")
                assert await asyncio.to_thread(read_all, sock) == b"12345"
            case "reset-after":
                sock.sendall(b"12345")
                assert await asyncio.to_thread(read_exactly, sock, 5) == b"12345"
                with pytest.raises(ConnectionResetError):
                    await asyncio.to_thread(read_all, sock)
            case _:
                raise AssertionError(f"{service} has no test")


@of("next_field", "previous_field", "next_choice", "previous_choice", "cancel")
async def test_keys_in_a_dialog(drive: Drive) -> None:
    await drive.press("l")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    form = drive.app.screen
    assert isinstance(form, Form)
    fields = ["field-endpoint", "field-service", "field-buffer", "field-backlog", "field-kind"]

    def at() -> str | None:
        return drive.app.focused.id if drive.app.focused else None

    for forth, back in (("tab", "shift+tab"), ("down", "up")):
        for field in (*fields, fields[0]):
            assert at() == field
            await drive.press(forth)
        await drive.press(back)
        assert at() == fields[0]
    await drive.press("tab")
    choice = form.query_one("#field-service", Choice)
    names = list(SERVICES)
    for key in ("right", "l", "space"):
        await drive.press(key)
    assert choice.value == names[3]
    for key in ("left", "h", "left", "left"):
        await drive.press(key)
    assert choice.value == names[-1]
    await drive.press("escape")
    assert drive.app.screen is drive.main
    assert drive.journal.count == 0


def test_the_lectures_port_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert dialogs.DEFAULT_ENDPOINT == "tcp://127.0.0.1:5005"


@of("listen")
async def test_the_dialog_offers_a_port_that_is_free(drive: Drive) -> None:
    taken = await drive.server()
    await drive.press("l")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    offered = drive.app.focused
    assert isinstance(offered, SafeInput)
    assert offered.value != f"tcp://127.0.0.1:{taken}"


@of("listen")
async def test_the_backlog_and_the_buffer_are_what_was_asked_for(drive: Drive) -> None:
    await drive.press("l")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    form = drive.app.screen
    for name, value in {"endpoint": "[::1]:0", "buffer": "20", "backlog": "7"}.items():
        form.query_one(f"#field-{name}", SafeInput).value = value
    await drive.press("enter")
    await drive.until(lambda: drive.app.screen is drive.main and drive.journal.sockets == 1)
    listener = drive.socket(1)
    assert listener.backlog == 7
    assert listener.local.startswith("[::1]:")
    with peer(int(listener.local.rpartition(":")[2]), "::1") as sock:
        sock.sendall(b"x" * 60)
        assert read_exactly(sock, 60) == b"x" * 60
    assert {call.size for call in drive.made(2, Function.RECV)} == {20}
