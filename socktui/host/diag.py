"""The kernel's table of sockets. To look at it needs no right."""

import errno as errnos
import socket as sockets
from collections.abc import Iterator

from socktui.host import inet, procnet, unix
from socktui.host.netlink import Netlink
from socktui.host.rows import EVERY_STATE, LISTEN, Address, Row
from socktui.host.unix import UnixRow

__all__ = ["Address", "Diag", "Row", "UnixRow"]


class Diag:
    """What the kernel tells of the sockets of this network namespace. Raises OSError where it tells nothing."""

    def __init__(self) -> None:
        self._netlink = Netlink()

    def close(self) -> None:
        """Close the way to the kernel."""
        self._netlink.close()

    def listeners(self) -> Iterator[Row]:
        """Every listening TCP socket."""
        return self._inet(sockets.IPPROTO_TCP, LISTEN, "tcp")

    def connection(self, local: Address, peer: Address) -> Row | None:
        """The TCP socket with these ends; None where the kernel has none (any more)."""
        family = sockets.AF_INET6 if ":" in local[0] else sockets.AF_INET
        body = inet.request(family, sockets.IPPROTO_TCP, EVERY_STATE, local=local, peer=peer)
        rows = [inet.row(message, "tcp") for message in self._one(body)]
        # Where there is no such connection, the kernel answers with a listener on its local port.
        return next((row for row in rows if row.local[1] == local[1] and row.peer[1] == peer[1]), None)

    def datagrams(self) -> Iterator[Row]:
        """Every UDP socket."""
        return self._inet(sockets.IPPROTO_UDP, EVERY_STATE, "udp")

    def raw(self, netid: str = "raw") -> Iterator[Row]:
        """Every socket of IP itself: raw, or icmp, the one that needs no right."""
        return procnet.rows(netid)

    def unix_sockets(self, states: int = EVERY_STATE) -> Iterator[UnixRow]:
        """Every UNIX socket of these states."""
        return map(unix.row, self._netlink.ask(unix.request(states), dump=True))

    def unix_listeners(self) -> Iterator[UnixRow]:
        """Every UNIX socket that listens."""
        return self.unix_sockets(LISTEN)

    def unix_socket(self, inode: int) -> UnixRow | None:
        """The UNIX socket with this inode; None where the kernel has none (any more)."""
        return next(map(unix.row, self._one(unix.request(EVERY_STATE, inode))), None)

    def _inet(self, protocol: int, states: int, netid: str) -> Iterator[Row]:
        for family in inet.FAMILIES:
            for message in self._netlink.ask(inet.request(family, protocol, states), dump=True):
                yield inet.row(message, netid)

    def _one(self, body: bytes) -> list[bytes]:
        try:
            return self._netlink.ask(body, dump=False)
        except OSError as error:
            if error.errno == errnos.ENOENT:
                return []
            raise
