"""Recv-Q and Send-Q of what is on the screen, for every kind of socket that the kernel tells of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from socktui.tui import kernel
from socktui.tui.kernel import Kernel
from tests.engine.families import CONNECTED, UDP4, UDP6, WITHOUT_CONNECTION, Family
from tests.support import fresh, until

every_connection = pytest.mark.parametrize("family", CONNECTED, ids=lambda family: family.name)
every_datagram = pytest.mark.parametrize("family", WITHOUT_CONNECTION, ids=lambda family: family.name)


@pytest.fixture
def asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """The kernel, asked anew each time."""
    monkeypatch.setattr(kernel, "KERNEL_SECONDS", -1.0)
    opened = Kernel(engine.pid)
    yield opened
    opened.close()


@every_connection
async def test_a_connection_and_its_listener(engine: Engine, asked: Kernel, family: Family, tmp_path: Path) -> None:
    endpoint = await family.listen(engine, "clogged", backlog=7)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.sendall(b"x" * 321)
        await until(lambda: fresh(reader).sockets == 2)
        listener, accepted = reader.socket(1), reader.socket(2)
        row = asked.listener(listener)
        assert row is not None
        assert (row.state, row.recv_q, row.send_q) == ("LISTEN", 0, 7)
        await until(lambda: (row := asked.connection(accepted)) and (row.state, row.recv_q) == ("ESTAB", 321))
        with family.server(tmp_path) as (server, other):
            number = await engine.connect(other)
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"x")
                await until(lambda: fresh(reader).socket(number).received == 1)
                client = asked.connection(reader.socket(number))
                assert client is not None
                assert (client.state, client.recv_q, client.send_q) == ("ESTAB", 0, 0)


@every_datagram
async def test_a_bound_datagram_socket_has_a_queue_and_its_peers_have_none(
    engine: Engine, asked: Kernel, family: Family, tmp_path: Path
) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.send(b"x")
        assert sock.recv(10) == b"x"
        row = asked.listener(fresh(reader).socket(1))
        assert row is not None
        assert (row.recv_q, row.send_q) == (0, 0)
        assert asked.connection(reader.socket(2)) is None
        with family.server(tmp_path) as (_, other):
            number = await engine.connect(other)
            client = asked.connection(fresh(reader).socket(number))
            assert client is not None
            assert (client.state, client.recv_q, client.send_q) == ("ESTAB", 0, 0)


async def test_a_raw_socket(engine: Engine, asked: Kernel) -> None:
    try:
        number = await engine.listen(Endpoint.parse("raw://127.0.0.1:253"), "manual")
    except VerbError as error:
        pytest.skip(error.text)
    with Reader(engine.capture) as reader:
        row = asked.listener(reader.socket(number))
        assert row is not None
        assert (row.netid, row.state, row.local) == ("raw", "UNCONN", ("127.0.0.1", 253))


@pytest.mark.parametrize("family", [UDP4, UDP6], ids=lambda family: family.name)
async def test_without_the_engine_they_are_found_by_address(engine: Engine, family: Family) -> None:
    await family.listen(engine)
    asked = Kernel()
    with Reader(engine.capture) as reader:
        row = asked.listener(reader.socket(1))
        assert row is not None
        assert row.local[0] == family.host
        assert asked.listener(Socket(9, netid="udp", local="127.0.0.1:1")) is None
    asked.close()
