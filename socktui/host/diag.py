"""The kernel's table of TCP sockets, asked by netlink: sock_diag(7), inet_diag. Needs no right."""

import errno as errnos
import ipaddress
import os
import socket as sockets
import struct
from collections.abc import Iterator
from dataclasses import dataclass

NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_LISTEN = 1 << 10
_HEADER = struct.Struct("=IHHII")
_REQUEST_BODY = struct.Struct("=BBBBI")
_MESSAGE = struct.Struct("=BBBB4s16s16sIQIIIII")
_NO_COOKIE = b"\xff" * 8

# linux/tcp_states.h, spelled as ss(8) does
STATES = {
    1: "ESTAB",
    2: "SYN-SENT",
    3: "SYN-RECV",
    4: "FIN-WAIT-1",
    5: "FIN-WAIT-2",
    6: "TIME-WAIT",
    7: "UNCONN",
    8: "CLOSE-WAIT",
    9: "LAST-ACK",
    10: "LISTEN",
    11: "CLOSING",
}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A socket in the kernel's table. Recv-Q and Send-Q: bytes; a listener's accept queue and backlog."""

    state: str
    local: Address
    peer: Address
    recv_q: int
    send_q: int
    inode: int


class Diag:
    """An open netlink socket to ask. Raises OSError where the kernel has no sock_diag."""

    def __init__(self) -> None:
        self._socket = sockets.socket(sockets.AF_NETLINK, sockets.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._socket.settimeout(1)
        self._asked = 0

    def close(self) -> None:
        self._socket.close()

    def listeners(self) -> Iterator[Row]:
        """Every listening TCP socket of this network namespace."""
        for family in (sockets.AF_INET, sockets.AF_INET6):
            yield from self._ask(_body(family, _LISTEN, ("", 0), ("", 0)), _REQUEST | _DUMP)

    def connection(self, local: Address, peer: Address) -> Row | None:
        """The socket with these ends; None where the kernel has none (any more)."""
        family = sockets.AF_INET6 if ":" in local[0] else sockets.AF_INET
        try:
            rows = self._ask(_body(family, 0xFFF, local, peer), _REQUEST)
        except OSError as error:
            if error.errno == errnos.ENOENT:
                return None
            raise
        # Where there is no such connection, the kernel answers with a listener on its local port.
        return next((row for row in rows if row.local[1] == local[1] and row.peer[1] == peer[1]), None)

    def _ask(self, body: bytes, flags: int) -> list[Row]:
        self._asked += 1
        head = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, flags, self._asked, 0)
        self._socket.send(head + body)
        rows: list[Row] = []
        while True:
            data = self._socket.recv(1 << 16)
            at = 0
            while at < len(data):
                length, kind, _, asked, _ = _HEADER.unpack_from(data, at)
                if asked != self._asked:
                    break  # the late answer to a question that was given up
                if kind in (_ERROR, _DONE):
                    code = -struct.unpack_from("=i", data, at + 16)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return rows
                rows.append(_row(data, at + 16))
                at += (length + 3) & ~3
            if rows and not flags & _DUMP:
                return rows


def _body(family: int, states: int, local: Address, peer: Address) -> bytes:
    return (
        _REQUEST_BODY.pack(family, sockets.IPPROTO_TCP, 0, 0, states)
        + struct.pack(">HH", local[1], peer[1])
        + _packed(family, local[0])
        + _packed(family, peer[0])
        + struct.pack("=I", _scope(local[0]))
        + _NO_COOKIE
    )


def _packed(family: int, host: str) -> bytes:
    return sockets.inet_pton(family, host.partition("%")[0]).ljust(16, b"\0") if host else bytes(16)


def _scope(host: str) -> int:
    """The number of the interface that a link-local address names; 0 for none."""
    _, _, name = host.partition("%")
    try:
        return sockets.if_nametoindex(name) if name else 0
    except OSError:
        return 0


def _row(data: bytes, at: int) -> Row:
    family, state, _, _, ports, src, dst, _, _, _, recv_q, send_q, _, inode = _MESSAGE.unpack_from(data, at)
    source_port, peer_port = struct.unpack(">HH", ports)
    return Row(
        STATES.get(state, str(state)),
        (_host(family, src), source_port),
        (_host(family, dst), peer_port),
        recv_q,
        send_q,
        inode,
    )


def _host(family: int, packed: bytes) -> str:
    if family == sockets.AF_INET:
        return sockets.inet_ntop(sockets.AF_INET, packed[:4])
    return str(ipaddress.IPv6Address(packed))
