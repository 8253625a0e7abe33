"""The small servers of RFC 862 to 868 over TCP, as a plain peer sees them."""

import re
import socket as sockets
import time

from socktui.control.client import Engine
from socktui.control.verbs import Send
from socktui.journal.reader import Reader
from socktui.services.quotations import QUOTATIONS
from socktui.services.small import chargen_pattern
from tests.support import all_sockets, fresh, listening, peer, read_all, read_exactly, until


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
