"""Sockets of IP itself, which sock_diag(7) often leaves out: proc(5), /proc/net/raw and the like, as ss(8) does."""

import socket as sockets
import struct
from collections.abc import Iterator
from pathlib import Path

from socktui.host.rows import Address, Row, state_name

_TABLES = {"raw": ("raw", "raw6"), "icmp": ("icmp", "icmp6")}


def rows(netid: str) -> Iterator[Row]:
    """The sockets of a netid, raw or icmp; the port is the protocol, or the identifier of echo requests."""
    for table in _TABLES[netid]:
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, peer, state, queues, _, _, _, _, inode, *_ = line.split()
            send_q, recv_q = (int(queue, 16) for queue in queues.split(":"))
            yield Row(
                state_name(int(state, 16)), _address(local), _address(peer), recv_q, send_q, int(inode), netid
            )  # fmt: skip


def _address(text: str) -> Address:
    """The host in words of 32 bits as this machine stores them, and the port."""
    host, _, port = text.partition(":")
    words = struct.pack(f"={len(host) // 8}I", *(int(host[at : at + 8], 16) for at in range(0, len(host), 8)))
    family = sockets.AF_INET if len(words) == 4 else sockets.AF_INET6
    return sockets.inet_ntop(family, words), int(port, 16)
