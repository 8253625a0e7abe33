"""UNIX sockets in the kernel's table: linux/unix_diag.h."""

import os
import socket as sockets
import struct
from dataclasses import dataclass

from socktui.host.netlink import ANY_COOKIE, attributes
from socktui.host.rows import Row, state_name

_REQUEST = struct.Struct("=BBHIII")
_MESSAGE = struct.Struct("=BBBBI8s")
_TWO = struct.Struct("=II")
_NAME, _FILE, _PEER, _QUEUES = 0, 1, 2, 4
_SHOW = 1 << _NAME | 1 << _FILE | 1 << _PEER | 1 << _QUEUES
_NETIDS = {sockets.SOCK_STREAM: "u_str", sockets.SOCK_DGRAM: "u_dgr", sockets.SOCK_SEQPACKET: "u_seq"}

File = tuple[int, int]
"""Device and inode of a socket's file, as the kernel counts them here: 32 bits each."""


@dataclass(frozen=True, slots=True)
class UnixRow(Row):
    """A UNIX socket; `file` is where its path led when it was bound."""

    file: File | None = None


def request(states: int, inode: int = 0) -> bytes:
    """What to ask for: sockets of these states (a bit each), or the one with this inode."""
    return _REQUEST.pack(sockets.AF_UNIX, 0, 0, states, inode, _SHOW) + ANY_COOKIE


def row(message: bytes) -> UnixRow:
    """The socket that a message tells of."""
    _, kind, state, _, inode, _ = _MESSAGE.unpack_from(message)
    told = attributes(message, _MESSAGE.size)
    recv_q, send_q = _TWO.unpack(told.get(_QUEUES, bytes(_TWO.size)))
    file, device = _TWO.unpack(told.get(_FILE, bytes(_TWO.size)))
    return UnixRow(
        state_name(state),
        (_named(told.get(_NAME, b"")), inode),
        ("", int.from_bytes(told.get(_PEER, b""), "little")),
        recv_q,
        send_q,
        inode,
        _NETIDS.get(kind, ""),
        (device, file) if _FILE in told else None,
    )


def file_at(path: str) -> File | None:
    """The file that a path leads to; None where there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return os.major(found.st_dev) << 20 | os.minor(found.st_dev), found.st_ino & 0xFFFFFFFF


def _named(name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    return "@" + text[1:] if text.startswith("\0") else text.rstrip("\0")
