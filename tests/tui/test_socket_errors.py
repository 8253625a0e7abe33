"""What goes wrong with a socket is told where the user looks: in the dialog that asked for it, in one sentence."""

from __future__ import annotations

import ctypes
import os
import socket as sockets
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.sockets import End
from socktui.tui.app import SocktuiApp
from socktui.tui.screens.confirm import Confirm
from socktui.tui.widgets.form import Form
from tests.tui.drive import Drive, running, workbench
from tests.tui.key_coverage import of

PR_CAPBSET_DROP = 24
CAP_NET_BIND_SERVICE = 10


async def listen_on(drive: Drive, endpoint: str) -> None:
    await drive.press("l")
    await drive.sees("Listen", "Backlog")
    await drive.type(endpoint)


async def connect_to(drive: Drive, endpoint: str, seconds: str = "10") -> None:
    await drive.press("o")
    await drive.sees("Connect", "Time-out")
    form = drive.app.screen
    form.query_one("#field-seconds").value = seconds  # type: ignore[attr-defined]
    await drive.type(endpoint)


@of("listen")
async def test_a_port_in_use_is_told_with_its_holder_and_the_dialog_stays(drive: Drive) -> None:
    with closing(sockets.create_server(("127.0.0.1", 0))) as holder:
        port = holder.getsockname()[1]
        await listen_on(drive, f"127.0.0.1:{port}")
        text = await drive.sees("Address already in use (EADDRINUSE)", f"(pid {os.getpid()})", "take another port")
        assert f"tcp://127.0.0.1:{port}" in text
        assert isinstance(drive.app.screen, Form)
        await drive.type("127.0.0.1:0")
        await drive.until(lambda: drive.app.screen is drive.main)
    await drive.until(lambda: len(drive.listening.source) == 2)
    assert "EADD" in drive.row(drive.listening, f":{port}")
    assert drive.main.selected is not None
    assert drive.main.selected.open


@of("connect_to")
async def test_a_refused_connection_is_told_and_the_dialog_stays(drive: Drive) -> None:
    with closing(sockets.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    await connect_to(drive, f"127.0.0.1:{port}")
    await drive.sees(f"tcp://127.0.0.1:{port}: Connection refused (ECONNREFUSED)", "nothing listens there")
    assert isinstance(drive.app.screen, Form)
    await drive.press("escape")
    await drive.until(lambda: len(drive.connections.source) == 1)
    assert drive.socket(1).end is End.FAILED
    await drive.sees("ECONNREFU")


@of("connect_to")
async def test_an_unknown_name_is_told_and_the_dialog_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RES_OPTIONS", "timeout:1 attempts:1")
    async with workbench(tmp_path) as drive:
        await connect_to(drive, "no-such-host.invalid:80")
        await drive.sees("tcp://no-such-host.invalid:80: the name is not known (EAI_")
        assert isinstance(drive.app.screen, Form)


@of("connect_to")
async def test_a_time_out_is_told_and_the_dialog_stays(drive: Drive) -> None:
    with closing(sockets.socket()) as full, closing(sockets.socket()) as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting.connect(("127.0.0.1", port))
        await connect_to(drive, f"127.0.0.1:{port}", "1")
        await drive.sees("working …")
        await drive.sees("(ETIMEDOUT)", "nothing answered in time")
        assert isinstance(drive.app.screen, Form)


@of("connect_to", "cancel")
async def test_escape_gives_up_a_connect_that_waits(drive: Drive) -> None:
    with closing(sockets.socket()) as full, closing(sockets.socket()) as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting.connect(("127.0.0.1", port))
        await connect_to(drive, f"127.0.0.1:{port}")
        await drive.sees("working …")
        await drive.press("escape")
        await drive.until(lambda: drive.journal.sockets and not drive.socket(1).open)
    assert drive.app.screen is drive.main


BAD_ENDPOINTS = [
    ("nonsense", "the port is missing: write"),
    ("host:99999", "the port is wrong: '99999' is no number from 0 to 65535"),
    ("gopher://x:1", "unknown scheme 'gopher'"),
    ("1.2.3:80", "the host is wrong: '1.2.3' is no IPv4 address"),
    ("[::1:80", "the host is wrong"),
]


@of("connect_to", "listen")
async def test_a_bad_endpoint_is_told_under_its_field(drive: Drive) -> None:
    for key in ("o", "l"):
        await drive.press(key)
        for wrong, sentence in BAD_ENDPOINTS:
            await drive.type(wrong)
            lines = (await drive.sees(sentence)).splitlines()
            at = next(i for i, line in enumerate(lines) if "Endpoint" in line)
            assert sentence[:20] in lines[at + 1]
        await drive.press("escape")
    assert drive.journal.count == 0


@of("listen")
async def test_a_port_without_the_right_to_it_is_told(tmp_path: Path) -> None:
    def powerless() -> Engine:
        # The set is that of the thread, and what it starts inherits it; without privileges it is empty anyway.
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE, 0, 0, 0)
        return Engine(tmp_path / "c.socktui")

    with ThreadPoolExecutor(1) as pool:
        engine = pool.submit(powerless).result()
    async with running(SocktuiApp(engine, history=tmp_path / "history")) as drive:
        await listen_on(drive, "127.0.0.1:81")
        await drive.sees("Permission denied (EACCES)", "take a higher one")
        assert isinstance(drive.app.screen, Form)


@of("listen")
async def test_listening_for_others_is_asked_in_red_and_stays_red(drive: Drive) -> None:
    await listen_on(drive, "0.0.0.0:0")
    await drive.sees("Open to others", "is not loopback", "Listen there?")
    confirm = drive.app.screen
    assert isinstance(confirm, Confirm)
    assert confirm.query_one("Vertical").has_class("-danger")
    await drive.press("enter")  # as after an enter pressed twice
    await drive.sees("not started: take 127.0.0.1 to be reached from this machine alone")
    assert drive.journal.sockets == 0
    await drive.press("enter")
    await drive.sees("Listen there?")
    await drive.press("y")
    await drive.until(lambda: drive.app.screen is drive.main and drive.journal.sockets == 1)
    local = drive.listening.source.cells(0)[4]
    assert local == (drive.socket(1).local, "bad")
    assert drive.socket(1).local.startswith("0.0.0.0:")
    client, _ = await drive.client()
    assert drive.socket(client).peer.startswith("127.0.0.1:")
