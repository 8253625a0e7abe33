"""Whose sockets are, checked against sockets of our own."""

from __future__ import annotations

import os
import socket as sockets
from pathlib import Path

import pytest

from socktui.host import owners

ME = (os.getpid(), Path("/proc/self/comm").read_text().strip())
every_family = pytest.mark.parametrize(
    ("family", "host"), [(sockets.AF_INET, "127.0.0.1"), (sockets.AF_INET6, "::1")], ids=["v4", "v6"]
)
UNIX_KINDS = [(sockets.SOCK_STREAM, "u_str"), (sockets.SOCK_DGRAM, "u_dgr"), (sockets.SOCK_SEQPACKET, "u_seq")]
every_unix = pytest.mark.parametrize(("kind", "netid"), UNIX_KINDS, ids=["stream", "datagrams", "packets"])


@every_family
def test_whose_it_is(family: int, host: str) -> None:
    with sockets.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        port = server.getsockname()[1]
        assert ME in owners.of_tcp(port)
        assert ME in owners.holders({os.fstat(server.fileno()).st_ino})
    assert owners.of_tcp(port) == []
    assert owners.holders(set()) == []


@every_family
def test_whose_a_udp_port_is(family: int, host: str) -> None:
    with sockets.socket(family, sockets.SOCK_DGRAM) as server:
        server.bind((host, 0))
        port = server.getsockname()[1]
        assert owners.of_udp(port) == [ME]
    assert owners.of_udp(port) == []


@every_unix
def test_whose_a_path_is(kind: sockets.SocketKind, netid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it was written when it was bound; and the ends of its connections are not asked."""
    path = tmp_path / "s"
    monkeypatch.chdir(tmp_path)
    with sockets.socket(sockets.AF_UNIX, kind) as server, sockets.socket(sockets.AF_UNIX, kind) as abstract:
        server.bind("s")
        abstract.bind(f"\0{path}")
        for name in (str(path), f"@{path}", str(tmp_path / "." / "s")):
            assert owners.of_unix(name) == [ME]
            assert owners.netid_of_unix(name) == netid
    assert owners.of_unix(str(path)) == owners.of_unix(f"@{path}") == []
    assert owners.netid_of_unix(str(path)) == ""
