"""socat, both ways."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import SendFile, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from tests.peers.conftest import Run
from tests.peers.programs import all_over, seen
from tests.support import listening, until

pytestmark = pytest.mark.peer

LINES = "одна строка\r\nand another\n".encode()


async def test_what_socat_sends_comes_back(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    socat = run("socat", "-t", 10, "-", f"TCP:127.0.0.1:{port}", feed=LINES)
    assert await socat.status() == 0
    assert socat.out == LINES
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (LINES, LINES)
    assert ours.fin_received
    assert (ours.socket.state, ours.socket.end) == (State.CLOSED, End.PEER_FIN)


async def test_a_few_mib_come_back_to_socat(engine: Engine, run: Run) -> None:
    data = random.Random(862).randbytes(5_000_001)
    port = await listening(engine)
    socat = run("socat", "-t", 10, "-b", 65536, "-", f"TCP:127.0.0.1:{port}", feed=data)
    assert await socat.status() == 0
    assert socat.out == data
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (data, data)


async def test_a_reset_by_socat_is_no_fin(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    socat = run("socat", "-", f"TCP:127.0.0.1:{port},so-linger=0")
    socat.type(b"then a RST")
    await socat.writes(b"then a RST")
    socat.kill(signal.SIGKILL)  # it would shut down in order otherwise
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (b"then a RST", b"then a RST")
    assert (ours.socket.end, ours.socket.why) == (End.PEER_RESET, "peer RST (ECONNRESET)")
    assert not ours.fin_received


async def test_our_client_talks_to_socat(engine: Engine, run: Run) -> None:
    socat = run("socat", "-t", 10, "TCP-LISTEN:0,bind=127.0.0.1", "-")
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await socat.port()))
    await engine.send([number], LINES)
    await socat.writes(LINES)
    socat.type(b"from socat")
    socat.end_of_input()  # socat passes the end on as a FIN: a half-close, the other way is still open
    await until(lambda: seen(engine.capture)[0].fin_received)
    [ours] = seen(engine.capture)
    assert (ours.received, ours.socket.state) == (b"from socat", State.CLOSE_WAIT)
    await engine.send([number], b"after your FIN")
    await socat.writes(LINES + b"after your FIN")
    await engine.request(Shutdown(number))
    assert await socat.status() == 0
    [ours] = await all_over(engine.capture)
    assert ours.sent == LINES + b"after your FIN"
    assert (ours.socket.role, ours.socket.end) == (Role.CLIENT, End.PEER_FIN)
    assert ours.calls.index(Function.SHUTDOWN) < ours.calls.index(Function.CLOSE)


async def test_our_client_against_an_echo_of_socat(engine: Engine, run: Run) -> None:
    socat = run("socat", "TCP-LISTEN:0,bind=127.0.0.1", "PIPE")
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await socat.port()))
    for piece in (b"one", b"\x00\xff", b"three"):
        await engine.send([number], piece)
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [b"one\x00\xffthree"])
    await engine.request(Shutdown(number))
    assert await socat.status() == 0
    [ours] = await all_over(engine.capture)
    assert ours.sent == ours.received == b"one\x00\xffthree"
    assert ours.fin_received


async def test_a_peer_that_does_not_read_loses_nothing(engine: Engine, run: Run, tmp_path: Path) -> None:
    """socat is stopped while a file is sent to it: sending waits for it, and then all of it arrives."""
    data = random.Random(7).randbytes(24 << 20)  # more than the kernel's buffers take
    (tmp_path / "file").write_bytes(data)
    port = await listening(engine)
    socat = run("socat", "-u", f"TCP:127.0.0.1:{port}", "-")
    [ours] = await until(lambda: seen(engine.capture))
    socat.kill(signal.SIGSTOP)
    _, sending = engine.begin(SendFile((ours.socket.number,), str(tmp_path / "file")))
    before = -1
    while before != (before := seen(engine.capture)[0].socket.sent) or not before:
        await asyncio.sleep(0.2)
    assert before < len(data)
    assert not sending.done()
    socat.kill(signal.SIGCONT)
    await socat.writes(data)
    assert (await sending).size == len(data)
    assert seen(engine.capture)[0].sent == data
