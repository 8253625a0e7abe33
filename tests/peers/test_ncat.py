"""ncat, both ways."""

import random

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close, Reset, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from tests.peers.conftest import Run
from tests.peers.programs import all_over, seen
from tests.support import listening, until

pytestmark = pytest.mark.peer

EVERY_BYTE = bytes(range(256))


async def test_every_byte_comes_back_to_ncat(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    ncat = run("ncat", "127.0.0.1", port, feed=EVERY_BYTE)
    assert await ncat.status() == 0
    assert ncat.out == EVERY_BYTE
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (EVERY_BYTE, EVERY_BYTE)
    assert ours.calls[-3:] == (Function.SEND, Function.RECV, Function.CLOSE)
    assert ours.lengths[-1] == 0  # the FIN that ncat sends at the end of its input
    assert (ours.socket.role, ours.socket.state, ours.socket.end) == (Role.ACCEPTED, State.CLOSED, End.PEER_FIN)
    assert ours.socket.service == "echo"


async def test_a_few_mib_come_back_to_ncat(engine: Engine, run: Run) -> None:
    data = random.Random(5005).randbytes(3_000_001)
    port = await listening(engine)
    ncat = run("ncat", "127.0.0.1", port, feed=data)
    assert await ncat.status() == 0
    assert ncat.out == data
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (data, data)


async def test_ncat_over_ipv6(engine: Engine, run: Run) -> None:
    port = await listening(engine, "tcp://[::1]:0")
    ncat = run("ncat", "-6", "::1", port, feed=b"six")
    assert await ncat.status() == 0
    assert ncat.out == b"six"
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == b"six"
    assert ours.socket.local == f"[::1]:{port}"
    assert ours.socket.peer.startswith("[::1]:")


async def test_several_ncat_at_once_are_kept_apart(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    ncats = [run("ncat", "127.0.0.1", port) for _ in range(5)]
    messages = [f"I am number {number}\n".encode() for number in range(5)]
    for ncat, message in zip(ncats, messages, strict=True):
        ncat.type(message)
    for ncat, message in zip(ncats, messages, strict=True):
        await ncat.writes(message)
    assert [ours.socket.state for ours in seen(engine.capture)] == [State.ESTAB] * 5
    for ncat in ncats:
        ncat.end_of_input()
        assert await ncat.status() == 0
    found = await all_over(engine.capture, 5)
    assert sorted(ours.received for ours in found) == messages
    assert all(ours.received == ours.sent for ours in found)


async def test_ncat_that_says_nothing(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    assert await run("ncat", "-z", "127.0.0.1", port).status() == 0
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent, ours.lengths) == (b"", b"", (0,))
    assert ours.socket.end is End.PEER_FIN


async def test_ncat_that_is_killed(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    ncat = run("ncat", "127.0.0.1", port)
    ncat.type(b"last words")
    await ncat.writes(b"last words")
    ncat.kill(9)
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (b"last words", b"last words")
    assert ours.socket.end is End.PEER_FIN  # the kernel says goodbye for a process that was killed


async def test_a_reset_by_us_is_seen_by_ncat(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    ncat = run("ncat", "127.0.0.1", port)
    ncat.type(b"x")
    await ncat.writes(b"x")
    [ours] = seen(engine.capture)
    await engine.request(Reset(ours.socket.number))
    assert await ncat.status() != 0
    assert "Connection reset by peer" in ncat.err
    [ours] = await all_over(engine.capture)
    assert (ours.socket.end, ours.socket.why) == (End.RESET, "RST sent")


async def test_our_client_talks_to_ncat(engine: Engine, run: Run) -> None:
    ncat = run("ncat", "-l", "127.0.0.1", "0")
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await ncat.port()))
    assert await engine.send([number], EVERY_BYTE) == 256
    await ncat.writes(EVERY_BYTE)
    ncat.type(b"an answer\n")
    [ours] = await until(lambda: [ours for ours in seen(engine.capture) if ours.received])
    assert (ours.sent, ours.received) == (EVERY_BYTE, b"an answer\n")
    assert ours.socket.state is State.ESTAB
    await engine.request(Shutdown(number))
    [ours] = seen(engine.capture)
    # Either our FIN is out and theirs is still to come, or ncat has answered it already.
    assert ours.socket.state in (State.FIN_WAIT_2, State.TIME_WAIT, State.CLOSED)
    ncat.end_of_input()
    assert await ncat.status() == 0
    [ours] = await all_over(engine.capture)
    assert Function.SHUTDOWN in ours.calls
    assert (ours.calls[-1], ours.fin_received) == (Function.CLOSE, True)
    assert (ours.socket.role, ours.socket.end) == (Role.CLIENT, End.PEER_FIN)


async def test_our_client_against_a_cat_behind_ncat(engine: Engine, run: Run) -> None:
    ncat = run("ncat", "-l", "127.0.0.1", "0", "--exec", "/bin/cat")
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await ncat.port()))
    await engine.send([number], b"meow")
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [b"meow"])
    await engine.request(Close(number))
    [ours] = await all_over(engine.capture)
    assert (ours.sent, ours.received) == (b"meow", b"meow")
    assert (ours.calls[-1], ours.socket.end) == (Function.CLOSE, End.CLOSED)


async def test_the_two_ends_of_ours_with_a_relay_of_ncat_between(engine: Engine, run: Run) -> None:
    """Our client, two ncats back to back, our echo server: one capture shows both ends, byte for byte."""
    port = await listening(engine)
    ncat = run("ncat", "-l", "127.0.0.1", "0", "--sh-exec", f"ncat 127.0.0.1 {port}")
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await ncat.port()))
    await engine.send([number], EVERY_BYTE)
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [EVERY_BYTE] * 2)
    await engine.request(Shutdown(number))
    found = {ours.socket.role: ours for ours in await all_over(engine.capture, 2)}
    assert found[Role.CLIENT].sent == found[Role.ACCEPTED].received == EVERY_BYTE
    assert found[Role.ACCEPTED].sent == found[Role.CLIENT].received == EVERY_BYTE
    assert found[Role.ACCEPTED].fin_received
    assert found[Role.CLIENT].fin_received
