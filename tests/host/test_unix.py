"""Requests and answers of linux/unix_diag.h, as bytes; `test_ss.py` has them from the kernel."""

from __future__ import annotations

import os
import socket as sockets
import struct
from pathlib import Path

import pytest

from socktui.host import unix
from socktui.host.rows import LISTEN

NAME, FILE, PEER, QUEUES = 0, 1, 2, 4


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data.ljust((len(data) + 3) & ~3, b"\0")


def answer(kind: int, state: int, inode: int, *attributes: bytes) -> bytes:
    """A message of the kernel: struct unix_diag_msg and its attributes."""
    return struct.pack("=BBBBI8s", sockets.AF_UNIX, kind, state, 0, inode, bytes(8)) + b"".join(attributes)


@pytest.mark.parametrize(
    ("kind", "netid"),
    [(sockets.SOCK_STREAM, "u_str"), (sockets.SOCK_DGRAM, "u_dgr"), (sockets.SOCK_SEQPACKET, "u_seq"), (99, "")],
)
def test_a_connection(kind: int, netid: str) -> None:
    parts = (
        attribute(NAME, b"/run/x\0"),
        attribute(PEER, struct.pack("<I", 8)),
        attribute(QUEUES, struct.pack("=II", 3, 4)),
    )
    row = unix.row(answer(kind, 1, 7, *parts))
    assert (row.netid, row.state, row.local, row.peer) == (netid, "ESTAB", ("/run/x", 7), ("", 8))
    assert (row.recv_q, row.send_q, row.inode, row.file) == (3, 4, 7, None)


def test_names() -> None:
    abstract = unix.row(answer(1, 10, 7, attribute(NAME, b"\0x\0y")))
    assert (abstract.state, abstract.local) == ("LISTEN", ("@x\0y", 7))
    assert unix.row(answer(1, 7, 7)).local == ("", 7)
    assert unix.row(answer(1, 7, 7, attribute(NAME, b"/\xff\0"))).local[0] == "/\udcff"


def test_the_file_that_a_path_leads_to_is_the_kernels(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        found = os.stat(tmp_path / "s")
        device = os.major(found.st_dev) << 20 | os.minor(found.st_dev)
        row = unix.row(answer(1, 10, 7, attribute(FILE, struct.pack("=II", found.st_ino & 0xFFFFFFFF, device))))
        assert row.file == unix.file_at(str(tmp_path / "s"))
    assert unix.file_at(str(tmp_path / "none")) is None
    assert unix.file_at("a\0b") is None


def test_a_request_names_states_or_an_inode() -> None:
    body = unix.request(LISTEN, 77)
    assert struct.unpack_from("=BBHIII", body) == (sockets.AF_UNIX, 0, 0, LISTEN, 77, 0b10111)
    assert body[16:] == b"\xff" * 8
