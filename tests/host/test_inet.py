"""Requests and answers of linux/inet_diag.h, as bytes."""

from __future__ import annotations

import socket as sockets
import struct

import pytest

from socktui.host import inet
from socktui.host.rows import EVERY_STATE, Row


def answer(family: int, state: int, local: tuple[str, int], peer: tuple[str, int], **fields: int) -> bytes:
    """A message of the kernel: struct inet_diag_msg."""
    hosts = [sockets.inet_pton(family, host).ljust(16, b"\0") for host in (local[0], peer[0])]
    ports = struct.pack(">HH", local[1], peer[1])
    return struct.pack(
        "=BBBB4s16s16sIQIIIII", family, state, 0, 0, ports, *hosts, fields.get("device", 0), 0, 0,
        fields.get("recv_q", 0), fields.get("send_q", 0), 0, fields.get("inode", 0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "local", "peer"),
    [(sockets.AF_INET, "127.0.0.1", "10.0.0.2"), (sockets.AF_INET6, "::1", "2001:db8::2")],
)
def test_a_connection(family: int, local: str, peer: str) -> None:
    message = answer(family, 8, (local, 80), (peer, 50000), recv_q=3, send_q=4, inode=99)
    assert inet.row(message, "tcp") == Row("CLOSE-WAIT", (local, 80), (peer, 50000), 3, 4, 99, "tcp")


def test_a_link_local_address_has_its_interface() -> None:
    index = sockets.if_nametoindex("lo")
    message = answer(sockets.AF_INET6, 1, ("fe80::1", 80), ("fe80::2", 81), device=index)
    row = inet.row(message, "tcp")
    assert (row.local[0], row.peer[0]) == ("fe80::1%lo", "fe80::2%lo")
    gone = answer(sockets.AF_INET6, 1, ("fe80::1", 80), ("::", 0), device=1 << 20)
    assert inet.row(gone, "tcp").local[0] == "fe80::1"


def test_a_request_names_both_ends() -> None:
    body = inet.request(
        sockets.AF_INET, sockets.IPPROTO_TCP, EVERY_STATE, local=("127.0.0.1", 80), peer=("10.0.0.2", 81)
    )
    assert len(body) == 56
    assert struct.unpack_from("=BBBBI", body) == (sockets.AF_INET, sockets.IPPROTO_TCP, 0, 0, EVERY_STATE)
    assert struct.unpack_from(">HH", body, 8) == (80, 81)
    assert body[12:16] == bytes([127, 0, 0, 1])
    assert body[28:32] == bytes([10, 0, 0, 2])
    assert body[48:] == b"\xff" * 8


def test_a_request_for_a_link_local_address_names_the_interface() -> None:
    body = inet.request(sockets.AF_INET6, sockets.IPPROTO_TCP, 1, local=("fe80::1%lo", 80), peer=("fe80::2%lo", 81))
    assert struct.unpack_from("=I", body, 44) == (sockets.if_nametoindex("lo"),)
    unknown = inet.request(sockets.AF_INET6, sockets.IPPROTO_TCP, 1, local=("fe80::1%no-such", 80))
    assert struct.unpack_from("=I", unknown, 44) == (0,)
