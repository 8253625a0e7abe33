"""What is recorded is what was called: strace(1) watches the engine, and both must tell the same."""

import asyncio
import re
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Reset, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.engine.strace import AS_RECORDED, LINE, Seen, ours, recorded, watched
from tests.loops import each_loop
from tests.support import MAKING, all_sockets, fresh, full, listening, peer, read_all, read_exactly, until


def traced(log: Path) -> list[Seen]:
    """The calls of strace's log."""
    found = []
    for line in log.read_text().splitlines():
        match = LINE.match(line)
        if match is None:
            assert re.match(r"\d+ +(---|\+\+\+|strace:)", line), f"cannot be read: {line}"
            continue
        name, first, rest, result, errno = match.groups()
        if name == "socket" and not (first.startswith("AF_INET") and "SOCK_STREAM" in rest):
            continue  # who holds a port is asked of the kernel by netlink(7)
        fd = int(result) if name == "socket" else int(first)
        found.append((AS_RECORDED.get(name, name), fd, int(result), errno or ""))
    return found


@each_loop
async def test_every_call_is_recorded_as_it_was_made(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    async with watched(engine, log):
        await scenario(engine)
    told = recorded(engine.capture)
    assert len(told) > 40
    calls = ours(traced(log), engine.capture)
    assert [call for call in calls if call[-1] != "EAGAIN"] == told
    again = [call for call in calls if call[-1] == "EAGAIN"]  # those are counted and not recorded
    assert len(again) == sum(socket.again for socket in all_sockets(engine.capture)) > 0
    assert {name for name, *_ in told} == {str(name) for name in Function if name <= Function.GETSOCKNAME}


async def scenario(engine: Engine) -> None:
    """Every function of the vocabulary, well and ill."""
    port = await listening(engine, buffer=20)
    with Reader(engine.capture) as reader:
        with peer(port) as sock:
            sock.sendall(b"x" * 100)
            assert read_exactly(sock, 100) == b"x" * 100
            sock.shutdown(1)
            assert read_all(sock) == b""
        with peer(await listening(engine)) as sock, full(sock) as said:
            assert await asyncio.to_thread(read_exactly, sock, len(said)) == said
        number = await engine.connect(Endpoint("tcp", "127.0.0.1", port))
        await engine.send([number], b"Hello, World!")
        await until(lambda: fresh(reader).socket(number).received == 13)
        await engine.request(Shutdown(number))
        await until(lambda: fresh(reader).socket(number).ended)
        six = await listening(engine, "tcp://[::1]:0", "manual")
        number = await engine.connect(Endpoint("tcp", "::1", six))
        await engine.request(Reset(number))
        await until(lambda: all(fresh(reader).socket(n).ended for n in range(number, fresh(reader).sockets + 1)))
        for verb, endpoint, errno in [
            ("listen", f":{port}", "EADDRINUSE"),
            ("connect", ":1", "ECONNREFUSED"),
            ("listen", "192.0.2.1:80", "EADDRNOTAVAIL"),
        ]:
            with pytest.raises(VerbError, match=errno):
                await engine.request(MAKING[verb](Endpoint.parse(endpoint)))
