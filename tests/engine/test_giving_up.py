"""What is given up, or asked for too early, within the handshake of a client of ours."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Connect, Send, SetBuffer, Shutdown, Stop
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.engine.websocket.wire import accepting, unframed
from tests.support import ENDING, SECONDS, fresh, read_all, running_engine, until

WITH_A_HANDSHAKE = pytest.mark.parametrize("scheme", ["tls", "ws", "wss"])


@contextlib.contextmanager
def silent_server() -> Iterator[tuple[sockets.socket, int]]:
    """One that accepts and says nothing, and its port."""
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        yield server, server.getsockname()[1]


def greeted(scheme: str, port: int) -> Endpoint:
    return Endpoint(scheme, "127.0.0.1", port, path="/" if scheme.startswith("ws") else "")


@WITH_A_HANDSHAKE
async def test_a_connect_that_is_stopped_leaves_nothing_open(capture: Path, scheme: str) -> None:
    with silent_server() as (server, port):
        async with running_engine(capture) as engine:
            number, answer = engine.begin(Connect(greeted(scheme, port)))
            accepted, _ = await asyncio.to_thread(server.accept)
            with accepted, Reader(capture) as reader:
                accepted.settimeout(SECONDS)
                await until(lambda: fresh(reader).sockets and reader.socket(1).sent)
                await engine.request(Stop(number))
                with pytest.raises(VerbError, match="stopped"):
                    await answer
                assert await asyncio.to_thread(read_all, accepted)
                await until(lambda: fresh(reader).socket(1).ended)
                assert reader.socket(1).why == "closed here"
                with pytest.raises(VerbError, match="no open connection"):
                    await engine.request(Close(1))
    assert not capture.with_name(capture.name + ".log").exists()


@WITH_A_HANDSHAKE
@pytest.mark.parametrize(("verb", "why"), [("close", "closed here"), ("reset", "RST sent")])
async def test_it_can_be_closed_and_reset(engine: Engine, scheme: str, verb: str, why: str) -> None:
    with silent_server() as (server, port), Reader(engine.capture) as reader:
        _, answer = engine.begin(Connect(greeted(scheme, port)))
        accepted, _ = await asyncio.to_thread(server.accept)
        with accepted:
            await until(lambda: fresh(reader).sockets and reader.socket(1).sent)
            _, send = engine.begin(Send((1,), b"hi"))
            await engine.request(SetBuffer(1, 1000))
            assert not send.done()
            await engine.request(ENDING[verb](1))
            for future in (answer, send):
                with pytest.raises(VerbError, match="closed meanwhile"):
                    await future
        assert fresh(reader).socket(1).why == why


async def test_a_shutdown_waits_for_the_handshake_of_a_websocket(engine: Engine) -> None:
    """Else it would say yes and do nothing."""
    with silent_server() as (server, port):
        _, connected = engine.begin(Connect(greeted("ws", port)))
        accepted, _ = await asyncio.to_thread(server.accept)
        with accepted:
            accepted.settimeout(SECONDS)
            request = await asyncio.to_thread(accepted.recv, 65536)
            _, shut = engine.begin(Shutdown(1))
            await engine.request(SetBuffer(1, 1000))
            assert not shut.done()
            accepted.sendall(accepting(request))
            await connected
            await shut
            first, payload, _ = unframed(await asyncio.to_thread(accepted.recv, 65536))
            assert (first, payload) == (0x88, b"\x03\xe8")
