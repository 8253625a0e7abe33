"""Peers that are hostile or many, and the end of the engine, with every kind of listener open at once."""

import asyncio
import contextlib
import os
import secrets
import socket as sockets
import struct
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.core.sockets import Role
from socktui.journal.reader import Reader
from tests.support import SECONDS, all_sockets, resident_mib, running_engine, until

KINDS = [name for name, kind in SCHEMES.items() if kind.form in ("port", "path")]
ACCEPTING = [name for name in KINDS if name not in ("udp", "unix-dgram")]
JUNK = [
    b"",
    b"\x16\x03\x01",
    b"\x16\x03\x01\x02\x00" + b"\x5a" * 512,
    b"GET / HTTP/1.1\r\nHost: x\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
    b"\xff" * 5000,
    bytes(70_000),
]


async def open_all(engine: Engine, folder: Path, kinds: list[str]) -> list[Endpoint]:
    """A listener of each of these kinds; where, as a client of ours connects to it."""
    found = []
    for scheme in kinds:
        path = str(folder / secrets.token_hex(4)) if SCHEMES[scheme].form == "path" else ""
        number = await engine.listen(Endpoint(scheme, path=path) if path else Endpoint(scheme, "127.0.0.1"))
        at = Endpoint.at(scheme, all_sockets(engine.capture)[number - 1].local)
        found.append(at.with_option("verify", "no") if "verify" in at.kind.options else at)
    return found


def plain(endpoint: Endpoint) -> sockets.socket:
    """A plain socket that is connected to a listener."""
    internet = endpoint.kind.form == "port"
    kind = sockets.SOCK_SEQPACKET if endpoint.scheme == "unix-seqpacket" else sockets.SOCK_STREAM
    sock = sockets.socket(sockets.AF_INET if internet else sockets.AF_UNIX, kind)
    sock.settimeout(SECONDS)
    sock.connect((endpoint.host, endpoint.port) if internet else endpoint.path)
    return sock


def harass(endpoint: Endpoint) -> None:
    """200 that say nonsense and go, two of three with a RST where there is one."""
    for turn in range(200):
        with plain(endpoint) as sock:
            with contextlib.suppress(OSError):
                sock.sendall(JUNK[turn % len(JUNK)])
            if turn % 3:
                sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))


def descriptors(engine: Engine) -> int:
    return len(os.listdir(f"/proc/{engine.pid}/fd"))


async def echoed(engine: Engine, endpoint: Endpoint) -> None:
    number = await engine.connect(endpoint)
    with Reader(engine.capture) as reader:
        before = reader.socket(number).received
        await engine.send([number], b"Hello, World!")
        await until(lambda: reader.socket(number).received > before)
    await engine.request(Close(number))


async def test_two_hundred_that_talk_nonsense_disturb_nobody(capture: Path, tmp_path: Path) -> None:
    async with running_engine(capture) as engine:
        listeners = await open_all(engine, tmp_path, ACCEPTING)
        open_before = descriptors(engine)
        await asyncio.gather(*(asyncio.to_thread(harass, endpoint) for endpoint in listeners))
        for endpoint in listeners:
            await echoed(engine, endpoint)
        await until(lambda: descriptors(engine) == open_before)
        peers = [socket for socket in all_sockets(capture) if socket.role is Role.ACCEPTED]
        assert len(peers) == 201 * len(listeners)
        assert not [socket for socket in peers if socket.open]
    assert not capture.with_name(capture.name + ".log").exists()


@pytest.mark.parametrize("scheme", ACCEPTING)
async def test_coming_and_going_costs_nothing_that_lasts(engine: Engine, scheme: str, tmp_path: Path) -> None:
    [endpoint] = await open_all(engine, tmp_path, [scheme])
    open_before = descriptors(engine)
    memory = [resident_mib(engine.pid, "RssAnon")]
    # What the allocator keeps in hand grows for some rounds; what is never given back grows with each.
    for _ in range(12):
        for _ in range(5):
            await asyncio.gather(*(echoed(engine, endpoint) for _ in range(20)))
        await until(lambda: descriptors(engine) == open_before)
        memory.append(resident_mib(engine.pid, "RssAnon"))
        if len(memory) > 3 and memory[-1] - memory[-2] < 0.5:
            return
    raise AssertionError(f"memory grows with every connection: {memory}")


async def test_the_end_with_all_of_them_open(engine: Engine, tmp_path: Path) -> None:
    """No file is left, every socket is closed in the capture, and peers that can be told are told."""
    listeners = await open_all(engine, tmp_path, KINDS)
    clients = [await engine.connect(endpoint) for endpoint in listeners]
    plains = [plain(endpoint) for endpoint in listeners if endpoint.scheme in ("tcp", "unix", "unix-seqpacket")]
    for number in clients:
        await engine.send([number], b"Hello, World!")
    with Reader(engine.capture) as reader:
        await until(lambda: all(reader.socket(number).received >= 13 for number in clients))
    files = [Path(endpoint.path) for endpoint in listeners if endpoint.kind.form == "path"]
    assert all(file.is_socket() for file in files)
    await engine.end()
    assert not any(file.exists() for file in files)
    for sock in plains:
        with sock:
            assert sock.recv(1) == b""
    with Reader(engine.capture) as reader:
        assert reader.closed_in_order
        assert reader.health.whole
    assert [socket.number for socket in all_sockets(engine.capture) if socket.open] == []
