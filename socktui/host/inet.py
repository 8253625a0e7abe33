"""TCP and UDP in the kernel's table: linux/inet_diag.h."""

import ipaddress
import socket as sockets
import struct

from socktui.host.netlink import ANY_COOKIE
from socktui.host.rows import Address, Row, state_name

FAMILIES = (sockets.AF_INET, sockets.AF_INET6)
NOWHERE = ("", 0)
_REQUEST = struct.Struct("=BBBBI")
_MESSAGE = struct.Struct("=BBBB4s16s16sIQIIIII")
_PORTS = struct.Struct(">HH")


def request(
    family: int, protocol: int, states: int, *, local: Address = NOWHERE, peer: Address = NOWHERE
) -> bytes:  # fmt: skip
    """What to ask for: sockets of these states (a bit each), or the one with these ends."""
    return (
        _REQUEST.pack(family, protocol, 0, 0, states)
        + _PORTS.pack(local[1], peer[1])
        + _packed(family, local[0])
        + _packed(family, peer[0])
        + struct.pack("=I", _scope(local[0]))
        + ANY_COOKIE
    )


def row(message: bytes, netid: str) -> Row:
    """The socket that a message tells of."""
    family, state, _, _, ports, src, dst, device, _, _, recv_q, send_q, _, inode = _MESSAGE.unpack_from(message)
    source_port, peer_port = _PORTS.unpack(ports)
    return Row(
        state_name(state),
        (_host(family, src, device), source_port),
        (_host(family, dst, device), peer_port),
        recv_q,
        send_q,
        inode,
        netid,
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


def _host(family: int, packed: bytes, device: int) -> str:
    if family == sockets.AF_INET:
        return sockets.inet_ntop(sockets.AF_INET, packed[:4])
    address = ipaddress.IPv6Address(packed)
    if device and address.is_link_local:
        try:
            return f"{address}%{sockets.if_indextoname(device)}"
        except OSError:
            pass  # the interface has gone
    return str(address)
