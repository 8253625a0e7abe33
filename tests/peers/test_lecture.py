"""The lecture's own programs, each against ours."""

import sys
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.call import Name
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from tests.peers.conftest import Run
from tests.peers.programs import all_over, seen
from tests.support import listening, until

pytestmark = pytest.mark.peer

LECTURE = Path(__file__).parent.parent / "lecture"
HELLO = b"Hello, World!"


async def test_the_lectures_client_and_our_server(engine: Engine, run: Run) -> None:
    port = await listening(engine, buffer=20)
    client = run(sys.executable, LECTURE / "client.py", port)
    assert await client.status() == 0
    assert client.out == b"received: b'Hello, World!'\n"
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == HELLO
    assert ours.calls[-4:] == (Name.RECV, Name.SEND, Name.RECV, Name.CLOSE)
    assert ours.lengths == (13, 0)
    assert (ours.socket.state, ours.socket.end) == (State.CLOSED, End.PEER_FIN)


async def test_our_client_and_the_lectures_server(engine: Engine, run: Run) -> None:
    server = run(sys.executable, LECTURE / "server.py", 0)
    number = await engine.connect(Endpoint("tcp", "127.0.0.1", await server.port()))
    assert await engine.send([number], HELLO) == 13
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [HELLO])
    [ours] = seen(engine.capture)
    assert (ours.socket.role, ours.socket.state) == (Role.CLIENT, State.ESTAB)
    await engine.call("shutdown", socket=number)
    assert await server.status() == 0
    [ours] = await all_over(engine.capture)
    assert (ours.sent, ours.received) == (HELLO, HELLO)
    assert (ours.fin_received, ours.socket.end) == (True, End.PEER_FIN)
    port, address, received = server.out.decode().splitlines()
    assert port == f"port: {ours.socket.peer.rpartition(':')[2]}"
    assert address == f"address: ('127.0.0.1', {ours.socket.local.rpartition(':')[2]})"
    assert received == "received: b'Hello, World!'"


async def test_a_buffer_of_20_cuts_a_message_of_45(engine: Engine, run: Run) -> None:
    """TCP has no messages: what was sent at once is received as the buffer has it, by the lecture and by ours."""
    message = b"The quick brown fox jumps over the lazy dog.\n"
    server = run(sys.executable, LECTURE / "server.py", 0)
    theirs = Endpoint("tcp", "127.0.0.1", await server.port())
    port = await listening(engine, buffer=20)
    numbers = [await engine.connect(endpoint) for endpoint in (theirs, Endpoint("tcp", "127.0.0.1", port))]
    await engine.send(numbers, message)
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [message] * 3)
    for number in numbers:
        await engine.call("shutdown", socket=number)
    assert await server.status() == 0
    found = await all_over(engine.capture, 3)
    pieces = [repr(message[at : at + 20]) for at in (0, 20, 40)]
    assert server.out.decode().splitlines()[2:] == [f"received: {piece}" for piece in pieces]
    [accepted] = [ours for ours in found if ours.socket.role is Role.ACCEPTED]
    assert accepted.lengths == (20, 20, 5, 0)
