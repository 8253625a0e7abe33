"""What the kernel tells of sockets, checked against sockets of our own."""

import os
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.host.diag import Diag, Row
from tests.support import wait_until

FAMILIES = [(sockets.AF_INET, "127.0.0.1"), (sockets.AF_INET6, "::1")]
every_family = pytest.mark.parametrize(("family", "host"), FAMILIES, ids=["tcp4", "tcp6"])


@pytest.fixture
def diag() -> Iterator[Diag]:
    opened = Diag()
    yield opened
    opened.close()


def listener_row(diag: Diag, port: int) -> Row | None:
    return next((row for row in diag.listeners() if row.local[1] == port), None)


@every_family
def test_a_listener_and_its_queue(diag: Diag, family: int, host: str) -> None:
    with sockets.socket(family) as server:
        server.bind((host, 0))
        server.listen(7)
        address = server.getsockname()
        row = listener_row(diag, address[1])
        assert row is not None
        assert (row.state, row.local, row.recv_q, row.send_q) == ("LISTEN", (host, address[1]), 0, 7)
        clients = [sockets.create_connection(address[:2]) for _ in range(3)]
        row = listener_row(diag, address[1])
        assert row is not None
        assert (row.recv_q, row.send_q) == (3, 7)
        for client in clients:
            client.close()
    assert listener_row(diag, address[1]) is None


@every_family
def test_a_connection_and_its_queues(diag: Diag, family: int, host: str) -> None:
    with sockets.socket(family) as server:
        server.bind((host, 0))
        server.listen(7)
        with sockets.create_connection(server.getsockname()[:2]) as client:
            other, _ = server.accept()
            with other:
                local, peer = other.getsockname()[:2], other.getpeername()[:2]
                client.sendall(b"x" * 321)
                row = wait_until(lambda: (found := diag.connection(local, peer)) and found.recv_q == 321 and found)
                assert isinstance(row, Row)
                assert (row.state, row.local, row.peer) == ("ESTAB", local, peer)
                assert row.send_q == 0
                assert os.fstat(other.fileno()).st_ino == row.inode
                client.shutdown(sockets.SHUT_WR)
                wait_until(lambda: (found := diag.connection(local, peer)) and found.state == "CLOSE-WAIT")
                wait_until(lambda: (found := diag.connection(peer, local)) and found.state == "FIN-WAIT-2")


@every_family
def test_a_connection_that_is_not_there(diag: Diag, family: int, host: str) -> None:
    """Nor is the listener on its port taken for it."""
    with sockets.socket(family) as server:
        server.bind((host, 0))
        server.listen(7)
        local = server.getsockname()[:2]
        assert diag.connection(local, (host, 1)) is None
        assert diag.connection((host, 1), (host, 2)) is None
        assert listener_row(diag, local[1]) is not None


def test_a_link_local_address(diag: Diag) -> None:
    """Its interface is part of it. A machine without one has none to ask for."""
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        digits, _, _, scope, _, name = line.split()
        if scope == "20":
            break
    else:
        name, digits = "lo", "0" * 31 + "1"
    host = sockets.inet_ntop(sockets.AF_INET6, bytes.fromhex(digits))
    with sockets.socket(sockets.AF_INET6) as server:
        server.bind((host, 0, 0, sockets.if_nametoindex(name)))
        server.listen(7)
        with sockets.socket(sockets.AF_INET6) as client:
            client.connect(server.getsockname())
            other, _ = server.accept()
            with other:
                local, peer = (f"{host}%{name}", other.getsockname()[1]), (f"{host}%{name}", other.getpeername()[1])
                row = diag.connection(local, peer)
                assert row is not None
                assert row.state == "ESTAB"
