"""The awkward servers over TCP, as a plain peer sees them."""

import socket as sockets

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Done, Reset
from socktui.core.call import Function
from socktui.core.sockets import End
from tests.support import all_calls, all_sockets, listening, peer, read_all, read_exactly, until


async def test_random_never_says_the_same(engine: Engine) -> None:
    port = await listening(engine, service="random")
    with peer(port) as one, peer(port) as two:
        first, second = read_exactly(one, 50_000), read_exactly(two, 50_000)
    assert len(first) == len(second) == 50_000
    assert first != second
    assert len(set(first)) == 256


async def test_literal_answers_whatever_comes(engine: Engine) -> None:
    port = await listening(engine, service=r"literal=HTTP/1.0 200 OK\r\n\r\n\xff")
    with peer(port) as sock:
        for _ in range(2):
            sock.sendall(b"hello?")
            assert read_exactly(sock, 20) == b"HTTP/1.0 200 OK\r\n\r\n\xff"
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b""


def fill(sock: sockets.socket) -> None:
    """Send until the kernel takes no more."""
    sock.setblocking(False)
    try:
        while True:
            sock.send(b"x" * 65536)
    except BlockingIOError:
        sock.setblocking(True)


async def test_clogged_receives_nothing_and_the_peer_has_to_wait(engine: Engine) -> None:
    port = await listening(engine, service="clogged")
    with peer(port) as sock:
        fill(sock)
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        assert all_sockets(engine.capture)[1].open
        assert Function.RECV not in {call.name for call in all_calls(engine.capture)}
    assert (await engine.request(Reset(2))) == Done()


@pytest.mark.parametrize("said", [20, 21, 1000])
async def test_close_after_so_many_bytes_is_a_fin(engine: Engine, said: int) -> None:
    port = await listening(engine, service="close-after=20")
    with peer(port) as sock:
        sock.sendall(b"ab" * 10 + b"x" * (said - 20))
        assert read_all(sock) == b"ab" * 10
    await until(lambda: all_sockets(engine.capture)[1].ended)
    ours = all_sockets(engine.capture)[1]
    assert (ours.sent, ours.received) == (20, said)
    names = [call.name for call in all_calls(engine.capture) if call.socket == 2]
    assert names[names.index(Function.SEND) :][:2] == [Function.SEND, Function.SHUTDOWN]


async def test_close_after_waits_for_all_of_them(engine: Engine) -> None:
    port = await listening(engine, service="close-after=20")
    with peer(port) as sock:
        for piece in (b"seven", b"times", b"three"):
            sock.sendall(piece)
            assert read_exactly(sock, 5) == piece
        sock.sendall(b"makes twenty-one")
        assert read_all(sock) == b"makes"


async def test_close_after_goes_with_a_peer_that_says_less(engine: Engine) -> None:
    port = await listening(engine, service="close-after=20")
    with peer(port) as sock:
        sock.sendall(b"less")
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b"less"


async def test_reset_after_so_many_bytes_is_a_rst(engine: Engine) -> None:
    port = await listening(engine, service="reset-after=20")
    with peer(port) as sock:
        sock.sendall(b"x" * 20)
        assert read_exactly(sock, 20) == b"x" * 20
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    await until(lambda: all_sockets(engine.capture)[1].ended)
    ours = all_sockets(engine.capture)[1]
    assert (ours.sent, ours.end) == (20, End.RESET)
