"""What is recorded of UNIX sockets is what was called: strace(1) watches the engine, and both must tell the same."""

import asyncio
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Reset, Shutdown
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.engine.families import ABSTRACT, PACKETS, UNIX, Family
from tests.engine.strace import AS_RECORDED, LINE, Seen, ours, recorded, watched
from tests.support import MAKING, fresh, until


def traced(log: Path) -> list[Seen]:
    """The calls of strace's log, without those that only said EAGAIN, but for a first connect(2)."""
    found: list[Seen] = []
    for line in log.read_text().splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        name, first, rest, result, errno = match.groups()
        again = errno == "EAGAIN" and (name != "connect" or found[-1][0] == "connect")
        # Who has a path is asked by sockets of another kind, and by netlink(7).
        looked = name == "socket" and (first != "AF_UNIX" or "SOCK_DGRAM" in rest)
        if not again and not looked:
            fd = int(result) if name == "socket" else int(first)
            found.append((AS_RECORDED.get(name, name), fd, int(result), errno or ""))
    return found


async def test_every_call_is_recorded_as_it_was_made(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    async with watched(engine, log):
        for family in (UNIX, ABSTRACT, PACKETS):
            await scenario(engine, family, tmp_path)
    told = recorded(engine.capture)
    assert len(told) > 60
    assert ours(traced(log), engine.capture) == told


async def scenario(engine: Engine, family: Family, folder: Path) -> None:
    """Every function that UNIX sockets have, well and ill."""
    endpoint = await family.listen(engine, buffer=20)
    with Reader(engine.capture) as reader:
        with family.peer(endpoint) as sock:
            sock.sendall(b"x" * 20)
            assert sock.recv(20) == b"x" * 20
            sock.sendall(b"y" * 50)
            assert sock.recv(20) == b"y" * 20
        number = await engine.connect(endpoint)
        await engine.send([number], b"Hello, World!")
        await until(lambda: fresh(reader).socket(number).received == 13)
        await engine.request(Shutdown(number))
        await until(lambda: all(fresh(reader).socket(n).ended for n in range(number, fresh(reader).sockets + 1)))
        with family.server(folder, backlog=0) as (server, full), family.socket() as first:
            first.connect(family.address(full))
            connecting = asyncio.create_task(engine.connect(full))
            await until(lambda: fresh(reader).socket(reader.sockets).again)
            server.accept()[0].close()
            await engine.request(Reset(await connecting))
    for verb, tried, errno in [
        ("listen", endpoint, "EADDRINUSE"),
        ("connect", full, "ECONNREFUSED"),
        ("connect", Endpoint(family.scheme, path=f"{folder}/nothing"), "ENOENT"),
    ]:
        with pytest.raises(VerbError, match=errno):
            await engine.request(MAKING[verb](tried))
