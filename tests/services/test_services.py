"""The small servers and the awkward ones over TCP, as a plain peer sees them."""

import re
import socket as sockets
import time

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Done, Reset, Send, Shutdown
from socktui.core.call import Function
from socktui.core.sockets import End
from socktui.journal.reader import Reader
from socktui.services.quotations import QUOTATIONS
from socktui.services.small import chargen_pattern
from tests.support import all_calls, all_sockets, fresh, listening, peer, read_all, read_exactly, until


def test_the_pattern_of_rfc_864() -> None:
    lines = chargen_pattern().split(b"\r\n")
    assert lines[0] == b""" !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg"""
    assert lines[1] == b"""!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh"""
    assert lines[94] == b"""~ !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdef"""
    assert lines[95:] == [b""]
    assert {len(line) for line in lines[:95]} == {72}


async def test_chargen_goes_on_without_a_seam(engine: Engine) -> None:
    port = await listening(engine, service="chargen")
    with peer(port) as sock:
        sock.sendall(b"not looked at")
        data = read_exactly(sock, 100_000)
    assert data == (chargen_pattern() * 20)[:100_000]
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).socket(2).ended)


async def test_discard_says_nothing(engine: Engine) -> None:
    port = await listening(engine, service="discard")
    with peer(port) as sock:
        sock.sendall(b"x" * 100_000)
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b""
    await until(lambda: all_sockets(engine.capture)[1].received == 100_000)


async def test_qotd_says_the_quotation_of_the_day(engine: Engine) -> None:
    port = await listening(engine, service="qotd")
    with peer(port) as sock:
        assert read_all(sock).decode().removesuffix("\r\n") in QUOTATIONS


async def test_daytime_says_one_line(engine: Engine) -> None:
    port = await listening(engine, service="daytime")
    with peer(port) as sock:
        line = read_all(sock).decode()
    assert re.fullmatch(r"[A-Z][a-z]+, [A-Z][a-z]+ \d\d, \d{4} \d\d:\d\d:\d\d-[\w+-]+\r\n", line)
    await until(lambda: all_sockets(engine.capture)[1].why == "closed here")


async def test_time_says_the_seconds_since_1900(engine: Engine) -> None:
    port = await listening(engine, service="time")
    before = int(time.time())
    with peer(port) as sock:
        data = read_all(sock)
    assert len(data) == 4
    assert before <= int.from_bytes(data, "big") - 2_208_988_800 <= int(time.time())


async def test_manual_leaves_it_to_the_user(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port) as sock, Reader(engine.capture) as reader:
        sock.sendall(b"question")
        sock.shutdown(sockets.SHUT_WR)
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).why == "peer FIN")
        assert reader.socket(2).open
        assert await engine.send([2], b"answer") == 6
        await engine.request(Shutdown(2))
        assert read_all(sock) == b"answer"
        await until(lambda: reader.socket(2).ended)


async def test_what_is_typed_goes_out_before_an_echo_server_hangs_up(engine: Engine) -> None:
    """The peer's FIN ends the service, not what somebody is still sending there."""
    port = await listening(engine)
    typed = b"T" * (16 << 20)
    with peer(port) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        _, sending = engine.begin(Send((2,), b"TTT" * (len(typed) // 3)))
        await until(lambda: reader.socket(2).sent > 0)
        sock.shutdown(sockets.SHUT_WR)
        await until(lambda: fresh(reader).socket(2).why == "peer FIN")
        assert len(read_all(sock)) == len(typed) // 3 * 3
        assert (await sending).size == len(typed) // 3 * 3


# The awkward ones


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


async def test_slow_receives_no_more_than_it_sends(engine: Engine) -> None:
    """At 10 bytes a second one byte is asked for at a time, and what waits is in the kernel."""
    port = await listening(engine, service="slow=10")
    with peer(port) as sock:
        sock.sendall(b"abc" + b"x" * 1000)
        assert read_exactly(sock, 3) == b"abc"
        received = [call for call in all_calls(engine.capture) if call.name is Function.RECV]
        assert len(received) < 1000
        assert {call.result for call in received} == {1}


async def test_slow_sends_all_of_it_back(engine: Engine) -> None:
    port = await listening(engine, service="slow=10000000")
    data = bytes(range(256)) * 2000
    with peer(port) as sock:
        sock.sendall(data)
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == data


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
