"""Questions to the kernel about its sockets: netlink(7), sock_diag(7)."""

import os
import socket as sockets
import struct

NETLINK_SOCK_DIAG = 4
ANY_COOKIE = b"\xff" * 8
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_ERRNO = struct.Struct("=i")
_ATTRIBUTE = struct.Struct("=HH")


class Netlink:
    """An open netlink socket to ask. Raises OSError where the kernel has no sock_diag."""

    def __init__(self) -> None:
        self._socket = sockets.socket(sockets.AF_NETLINK, sockets.SOCK_RAW, NETLINK_SOCK_DIAG)
        self._socket.settimeout(1)
        self._asked = 0

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def ask(self, body: bytes, *, dump: bool) -> list[bytes]:
        """The messages that answer a request; all that fit it for a dump, else the first. Raises OSError."""
        self._asked += 1
        flags = _REQUEST | _DUMP if dump else _REQUEST
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, flags, self._asked, 0) + body)
        messages: list[bytes] = []
        while True:
            data = self._socket.recv(1 << 16)
            at = 0
            while at < len(data):
                length, kind, _, asked, _ = _HEADER.unpack_from(data, at)
                if asked != self._asked:
                    break  # the late answer to a question that was given up
                body = data[at + _HEADER.size : at + length]
                if kind in (_ERROR, _DONE):
                    (code,) = _ERRNO.unpack_from(body)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return messages
                messages.append(body)
                at += _padded(length)
            if messages and not dump:
                return messages


def attributes(message: bytes, at: int) -> dict[int, bytes]:
    """The attributes that follow the fixed part of a message, by their numbers."""
    found = {}
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        found[kind] = message[at + _ATTRIBUTE.size : at + length]
        at += max(_padded(length), _ATTRIBUTE.size)
    return found


def _padded(length: int) -> int:
    return (length + 3) & ~3
