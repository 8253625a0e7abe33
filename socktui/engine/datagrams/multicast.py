"""The options of a UDP endpoint as options of its socket (socket(7), ip(7), ipv6(7))."""

import ipaddress
import socket as sockets
import struct
from dataclasses import dataclass

from socktui.core.call import Argument
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.traced import TracedSocket

_MREQN = struct.Struct("=4s4si")  # struct ip_mreqn
_MREQ6 = struct.Struct("=16si")  # struct ipv6_mreq


def is_group(host: str) -> bool:
    """Whether an address is that of a group (RFC 5771, RFC 4291)."""
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Casting:
    """How a socket sends to groups and broadcast addresses, and which group it joins.

    family     AF_INET or AF_INET6
    group      the group's address without a scope; empty for none
    interface  the name of an interface, or its IPv4 address; empty for the one that the routes choose
    index      of the named interface; 0 where none is named
    broadcast  whether it may send to broadcast addresses (SO_BROADCAST)
    ttl        hops that its datagrams may take; None for the system's default
    loop       whether this machine receives what it sends to a group; None for the system's default
    """

    family: int
    group: str = ""
    interface: str = ""
    index: int = 0
    broadcast: bool = False
    ttl: int | None = None
    loop: bool | None = None

    @classmethod
    def of(cls, endpoint: Endpoint, family: int, address: str) -> "Casting":
        """Read the options of an endpoint; `address` is its own, or a group's. Raises SocketError."""
        asked = endpoint.option("group")
        group, _, scope = address.partition("%")
        if asked and not is_group(group):
            raise SocketError(ErrorCode.GROUP_NOT_MULTICAST, group=asked)
        if asked and ipaddress.ip_address(group).version != (4 if family == sockets.AF_INET else 6):
            raise SocketError(ErrorCode.GROUP_OF_OTHER_FAMILY, group=asked, host=endpoint.host)
        scope = scope or endpoint.host.partition("%")[2]
        interface = endpoint.option("interface") or (scope if is_group(group) else "")
        index = _index(interface)
        if interface and not index and not (family == sockets.AF_INET and is_group(group)):
            raise SocketError(ErrorCode.INTERFACE_IS_ADDRESS, interface=interface)
        ttl, loop = endpoint.option("ttl"), endpoint.option("loop")
        return cls(
            family,
            group if is_group(group) else "",
            interface,
            index,
            endpoint.option("broadcast") == "yes",
            int(ttl) if ttl else None,
            loop == "yes" if loop else None,
        )

    def send_by(self, traced: TracedSocket) -> None:
        """Set the options that are about sending. Raises OSError."""
        four = self.family == sockets.AF_INET
        level = sockets.IPPROTO_IP if four else sockets.IPPROTO_IPV6
        if self.broadcast:
            traced.setsockopt(sockets.SOL_SOCKET, sockets.SO_BROADCAST, 1)
        if self.interface:
            self._by_interface(traced)
        if self.ttl is not None:
            one, many = (
                (sockets.IP_TTL, sockets.IP_MULTICAST_TTL)
                if four
                else (sockets.IPV6_UNICAST_HOPS, sockets.IPV6_MULTICAST_HOPS)
            )
            traced.setsockopt(level, many if self.group else one, self.ttl)
        if self.loop is not None:
            traced.setsockopt(level, sockets.IP_MULTICAST_LOOP if four else sockets.IPV6_MULTICAST_LOOP, int(self.loop))

    def join(self, traced: TracedSocket) -> None:
        """Join the group, if there is one (IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP). Raises OSError."""
        if not self.group:
            return
        shown: list[str | int] = [self.group, self.interface] if self.interface else [self.group]
        if self.family == sockets.AF_INET:
            args: tuple[Argument, ...] = ("IPPROTO_IP", "IP_ADD_MEMBERSHIP", shown)
            traced.setsockopt_struct(sockets.IPPROTO_IP, sockets.IP_ADD_MEMBERSHIP, self._mreqn(self.group), args)
        else:
            args = ("IPPROTO_IPV6", "IPV6_JOIN_GROUP", shown)
            value = _MREQ6.pack(sockets.inet_pton(sockets.AF_INET6, self.group), self.index)
            traced.setsockopt_struct(sockets.IPPROTO_IPV6, sockets.IPV6_JOIN_GROUP, value, args)

    def _by_interface(self, traced: TracedSocket) -> None:
        if not self.group:
            args: tuple[Argument, ...] = ("SOL_SOCKET", "SO_BINDTODEVICE", self.interface)
            traced.setsockopt_struct(
                sockets.SOL_SOCKET, sockets.SO_BINDTODEVICE, sockets.if_indextoname(self.index).encode(), args
            )  # fmt: skip
        elif self.family == sockets.AF_INET:
            args = ("IPPROTO_IP", "IP_MULTICAST_IF", self.interface)
            traced.setsockopt_struct(sockets.IPPROTO_IP, sockets.IP_MULTICAST_IF, self._mreqn("0.0.0.0"), args)
        else:
            args = ("IPPROTO_IPV6", "IPV6_MULTICAST_IF", self.interface)
            traced.setsockopt_struct(
                sockets.IPPROTO_IPV6, sockets.IPV6_MULTICAST_IF, struct.pack("=i", self.index), args
            )  # fmt: skip

    def _mreqn(self, group: str) -> bytes:
        address = "0.0.0.0" if self.index or not self.interface else self.interface
        return _MREQN.pack(sockets.inet_aton(group), sockets.inet_aton(address), self.index)


def _index(interface: str) -> int:
    """The index of an interface; 0 where it is an address. Raises SocketError."""
    try:
        ipaddress.IPv4Address(interface or "0.0.0.0")
        return 0
    except ValueError:
        pass
    try:
        return sockets.if_nametoindex(interface)
    except OSError as error:
        names = ", ".join(name for _, name in sockets.if_nameindex())
        raise SocketError(ErrorCode.NO_SUCH_INTERFACE, error.errno, interface=interface, names=names) from error
