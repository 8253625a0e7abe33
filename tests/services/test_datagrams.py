"""The services over real UDP and over UNIX packets, as a plain peer sees them."""

import re
import socket as sockets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import Endpoint
from socktui.services import SERVICES
from socktui.services.quotations import QUOTATIONS
from socktui.services.small import chargen_pattern
from tests.support import SECONDS, all_sockets, listening, until

UDP = "udp://127.0.0.1:0"


@contextmanager
def udp(port: int) -> Iterator[sockets.socket]:
    """A plain peer that speaks with this port and with no other."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect(("127.0.0.1", port))
        yield sock


def ask(sock: sockets.socket, data: bytes) -> bytes:
    sock.send(data)
    return sock.recv(65536)


async def test_echo(engine: Engine) -> None:
    with udp(await listening(engine, UDP, "echo")) as sock:
        for data in (b"one", b"", b"x" * 65507):
            assert ask(sock, data) == data


async def test_chargen_and_random(engine: Engine) -> None:
    with udp(await listening(engine, UDP, "chargen")) as sock:
        for _ in range(5):
            data = ask(sock, b"")
            assert len(data) <= 512
            assert chargen_pattern().startswith(data)
    with udp(await listening(engine, UDP, "random")) as sock:
        assert len(ask(sock, b"?")) == 512


async def test_those_that_speak_first_answer_each_datagram(engine: Engine) -> None:
    with udp(await listening(engine, UDP, "time")) as sock:
        for _ in range(3):
            seconds = int.from_bytes(ask(sock, b""), "big") - 2_208_988_800
            assert abs(seconds - time.time()) < SECONDS
    with udp(await listening(engine, UDP, "qotd")) as sock:
        assert ask(sock, b"?").decode().removesuffix("\r\n") in QUOTATIONS
    with udp(await listening(engine, UDP, "daytime")) as sock:
        for _ in range(2):
            assert re.search(rb" \d\d:\d\d:\d\d-", ask(sock, b"?"))


async def test_discard_and_clogged_answer_nothing(engine: Engine) -> None:
    for service in ("discard", "clogged"):
        with udp(await listening(engine, UDP, service)) as sock:
            for data in (b"", b"one"):
                sock.send(data)
            await until(lambda: all_sockets(engine.capture)[-1].received == 3)
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)


async def test_literal_and_script(engine: Engine, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule]]\nregex = '^PING$'\nanswer = 'PONG'\n[default]\nanswer = '?'")
    with udp(await listening(engine, UDP, r"literal=\x00\xff")) as sock:
        assert [ask(sock, b""), ask(sock, b"x")] == [b"\0\xff"] * 2
    with udp(await listening(engine, UDP, f"script={rules}")) as sock:
        assert [ask(sock, b"PING"), ask(sock, b""), ask(sock, b"PI")] == [b"PONG", b"?", b"?"]


async def test_slow_and_close_after(engine: Engine) -> None:
    with udp(await listening(engine, UDP, "slow=1000000")) as sock:
        assert [ask(sock, b"one"), ask(sock, b""), ask(sock, b"two")] == [b"one", b"", b"two"]
    with udp(await listening(engine, UDP, "close-after=4")) as sock:
        assert [ask(sock, b"one"), ask(sock, b"two")] == [b"one", b"t"]
        assert ask(sock, b"anew") == b"anew"


async def test_broadcast(engine: Engine) -> None:
    port = await listening(engine, UDP, "broadcast")
    with udp(port) as one, udp(port) as two:
        one.send(b"nobody hears it")
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        two.send(b"hello")
        assert one.recv(100) == b"hello"
        one.send(b"and hello")
        assert two.recv(100) == b"and hello"


@pytest.mark.parametrize("name", [name for name, each in SERVICES.items() if not each.messages])
async def test_what_needs_a_stream_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(VerbError, match=f"{name} needs a stream"):
        await engine.listen(Endpoint.parse(UDP), name)


async def test_packets_keep_their_borders_and_the_peer_its_end(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "s"
    await engine.listen(Endpoint.parse(f"unix-seqpacket://{path}"), "close-after=5")
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET) as sock:
        sock.settimeout(SECONDS)
        sock.connect(str(path))
        assert [ask(sock, b"abc"), ask(sock, b"def")] == [b"abc", b"de"]
        assert sock.recv(100) == b""
