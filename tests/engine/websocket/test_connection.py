"""The time that the opening handshake may take, shortened here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from socktui.core.endpoint import Endpoint
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.engine.websocket import connection as websocket
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services.small import echo
from tests.engine.websocket.wire import UPGRADE
from tests.support import all_sockets, peer, read_all


@asynccontextmanager
async def workbench(poller: Poller, capture: Path) -> AsyncIterator[SocketTable]:
    journal = Journal(capture)
    context = SocketTable(poller, journal)
    try:
        yield context
    finally:
        await context.end()
        journal.close()


def on_a_loop(main: Callable[[Poller], Coroutine[Any, Any, None]]) -> None:
    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(main(poller))


def test_it_is_ten_seconds() -> None:
    assert websocket.OPEN_SECONDS == 10


@pytest.mark.parametrize(("said", "reason"), [(UPGRADE, "no WebSocket handshake within 0.1 s"), (b"", "")])
def test_one_who_never_ends_his_request_is_closed(
    said: bytes, reason: str, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.1)

    def ask(port: int) -> bytes:
        with peer(port) as sock:
            sock.sendall(said)
            return read_all(sock)

    async def main(poller: Poller) -> None:
        async with workbench(poller, capture) as context:
            await context.listen(Endpoint.parse("ws://127.0.0.1:0"), echo, "echo")
            with Reader(capture) as reader:
                port = Endpoint.parse(reader.socket(1).local).port
            assert await asyncio.to_thread(ask, port) == b""

    on_a_loop(main)
    assert all_sockets(capture)[1].reason == reason


def test_a_server_that_never_answers_is_given_up(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "OPEN_SECONDS", 0.1)

    async def main(poller: Poller) -> None:
        async with workbench(poller, capture) as context:
            await context.listen(Endpoint.parse("tcp://127.0.0.1:0"), silent, "silent")
            with Reader(capture) as reader:
                port = Endpoint.parse(reader.socket(1).local).port
            with pytest.raises(OSError, match=r"no WebSocket handshake within 0.1 s"):
                await context.connect(Endpoint.parse(f"ws://127.0.0.1:{port}/"), echo)

    async def silent(connection: Any) -> None:
        await connection.wait_closed()

    on_a_loop(main)
