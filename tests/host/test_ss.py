"""The kernel's table as ss(8) prints it: what it says of sockets of ours, we say."""

import contextlib
import os
import shutil
import socket as sockets
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from socktui.host.diag import Diag, Row
from tests.support import wait_until

Printed = tuple[str, str, int, int]
"""Netid, state, Recv-Q and Send-Q."""


@pytest.fixture
def diag() -> Iterator[Diag]:
    opened = Diag()
    yield opened
    opened.close()


def ss(option: str) -> list[tuple[Printed, list[str]]]:
    """What ss prints of sockets of a kind, and the rest of each line."""
    program = shutil.which("ss")
    assert program, "this test needs ss: apt-get install iproute2"
    # Of one kind alone ss leaves the column Netid out.
    argv = [program, "-Hane", "-t", "-x", option]
    found = []
    for line in subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines():
        netid, state, recv_q, send_q, *rest = line.split()
        found.append(((netid, state, int(recv_q), int(send_q)), rest))
    return found


def by_inode(option: str) -> dict[int, Printed]:
    """The same, for kinds of which ss tells the inode: in place of the port of UNIX sockets, behind ino: of others."""
    found = {}
    for printed, rest in ss(option):
        inode = rest[1] if printed[0].startswith("u_") else "".join(part[4:] for part in rest if part[:4] == "ino:")
        if inode.isdigit():
            found[int(inode)] = printed
    return found


def told(rows: Iterable[Row], inodes: set[int]) -> dict[int, Printed]:
    return {row.inode: (row.netid, row.state, row.recv_q, row.send_q) for row in rows if row.inode in inodes}


def agree(rows: Iterable[Row], option: str, socks: list[sockets.socket]) -> dict[int, Printed]:
    """Both tell of all these sockets, and the same."""
    inodes = {os.fstat(sock.fileno()).st_ino for sock in socks}
    ours = told(rows, inodes)
    assert set(ours) == inodes
    printed = by_inode(option)
    assert {inode: printed[inode] for inode in inodes} == ours
    return ours


@pytest.mark.parametrize(("kind", "netid"), [(sockets.SOCK_STREAM, "u_str"), (sockets.SOCK_SEQPACKET, "u_seq")])
def test_unix_connections(diag: Diag, tmp_path: Path, kind: int, netid: str) -> None:
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(sockets.socket(sockets.AF_UNIX, kind)) for _ in range(4)]
        server, one, two, unbound = socks
        server.bind(str(tmp_path / "s"))
        server.listen(7)
        for client in (one, two):
            client.connect(str(tmp_path / "s"))
        accepted = stack.enter_context(server.accept()[0])
        one.sendall(b"x" * 321)
        rows = agree(diag.unix_sockets(), "-x", [server, one, two, accepted])
        assert rows[os.fstat(server.fileno()).st_ino] == (netid, "LISTEN", 1, 7)
        assert rows[os.fstat(accepted.fileno()).st_ino][:3] == (netid, "ESTAB", 321)
        inode = os.fstat(one.fileno()).st_ino
        row = diag.unix_socket(inode)
        assert row is not None
        assert (row.local, row.peer) == (("", inode), ("", os.fstat(accepted.fileno()).st_ino))
        assert row.send_q > 0
        bound = diag.unix_socket(os.fstat(server.fileno()).st_ino)
        assert bound is not None
        assert bound.local == (str(tmp_path / "s"), bound.inode)
        assert unbound.fileno() >= 0
    assert diag.unix_socket(inode) is None


def test_unix_datagrams(diag: Diag, tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as server:
        server.bind(f"\0{tmp_path}")
        with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as client:
            client.connect(f"\0{tmp_path}")
            client.send(b"x" * 30)
            rows = agree(diag.unix_sockets(), "-x", [server, client])
            # ESTAB: the kernel says so of a socket that another one has connected to.
            assert rows[os.fstat(server.fileno()).st_ino] == ("u_dgr", "ESTAB", 30, 0)
            assert any(row.local[0] == f"@{tmp_path}" for row in diag.unix_sockets())


@pytest.mark.parametrize(("family", "host"), [(sockets.AF_INET, "127.0.0.1"), (sockets.AF_INET6, "::1")])
def test_udp(diag: Diag, family: int, host: str) -> None:
    with sockets.socket(family, sockets.SOCK_DGRAM) as server, sockets.socket(family, sockets.SOCK_DGRAM) as client:
        server.bind((host, 0))
        client.connect(server.getsockname())
        client.send(b"x" * 100)
        inode = os.fstat(server.fileno()).st_ino
        wait_until(lambda: any(row.inode == inode and row.recv_q for row in diag.datagrams()))
        rows = agree(diag.datagrams(), "-u", [server, client])
        assert rows[inode][:2] == ("udp", "UNCONN")
        assert rows[inode][2] >= 100  # the memory that it takes up
        ends = {row.inode: (row.local, row.peer) for row in diag.datagrams()}
        assert ends[os.fstat(client.fileno()).st_ino] == (client.getsockname()[:2], client.getpeername()[:2])


@pytest.mark.parametrize(("family", "host"), [(sockets.AF_INET, "127.0.0.1"), (sockets.AF_INET6, "::1")])
def test_raw(diag: Diag, family: int, host: str) -> None:
    try:
        server = sockets.socket(family, sockets.SOCK_RAW, 253)
    except PermissionError:
        pytest.skip("a raw socket needs CAP_NET_RAW")
    with server, sockets.socket(family, sockets.SOCK_RAW, 253) as client:
        server.bind((host, 0))
        client.connect((host, 0))
        client.send(b"x" * 100)
        inode = os.fstat(server.fileno()).st_ino
        wait_until(lambda: any(row.inode == inode and row.recv_q for row in diag.raw()))
        (row,) = [row for row in diag.raw() if row.inode == inode]
        assert (row.netid, row.state, row.local) == ("raw", "UNCONN", (host, 253))
        where = f"[{host}]:253" if ":" in host else f"{host}:253"
        assert ("raw", row.state, row.recv_q, row.send_q) in [printed for printed, rest in ss("-w") if rest[0] == where]


def test_tcp_listeners(diag: Diag) -> None:
    with sockets.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(7)
        with sockets.create_connection(server.getsockname()):
            rows = agree(diag.listeners(), "-t", [server])
    assert list(rows.values()) == [("tcp", "LISTEN", 1, 7)]
