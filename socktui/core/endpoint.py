"""The endpoint: where a socket is bound or connected to, written the same way everywhere."""

import ipaddress
import re
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


class EndpointError(ValueError):
    """One sentence that says which part of an endpoint is wrong."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a scheme's endpoints are made of, and the Netid that ss prints for its sockets."""

    netid: str
    default_host: str = LOOPBACK


SCHEMES: dict[str, Scheme] = {"tcp": Scheme(netid="tcp")}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_NAME = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`tcp://127.0.0.1:5005`: a scheme, a host (a name, or an address without brackets), a port (0: any)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """The endpoint that a text writes.

        `host:port`, `:port` and a port alone mean TCP, on 127.0.0.1 where no host is given.
        Raises EndpointError, one sentence, where a part is missing or wrong.
        """
        text = text.strip()
        if not text:
            raise EndpointError("an endpoint is needed, such as tcp://127.0.0.1:5005")
        match = _SCHEME.fullmatch(text)
        scheme, rest = (match[1].lower(), match[2]) if match else ("tcp", text)
        if scheme not in SCHEMES:
            raise EndpointError(f"unknown scheme {scheme!r}: one of {', '.join(SCHEMES)}")
        host, port = _split(rest)
        return cls(scheme, _host(host) if host else SCHEMES[scheme].default_host, _port(port))

    @classmethod
    def of_address(cls, scheme: str, address: tuple[object, ...]) -> "Endpoint":
        """The endpoint of an address as the kernel gives it: (host, port) or (host, port, flow, scope)."""
        return cls(scheme, str(address[0]), int(str(address[1])))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """`127.0.0.1:5005` or `[::1]:5005`, as ss prints it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The host where it is an address; None where it is a name that has to be resolved."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        address = self.address
        if address is None:
            return self.host.rstrip(".").lower() == "localhost"
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)


def _split(rest: str) -> tuple[str, str]:
    if rest.startswith("["):
        host, closed, after = rest[1:].partition("]")
        if not closed:
            raise EndpointError("the host is wrong: '[' without ']'")
        if not (_is_scoped(host) if "%" in host else _is_address(host, 6)):
            raise EndpointError(f"the host is wrong: {_shown(host)} is no IPv6 address")
        if not after.startswith(":"):
            raise EndpointError("the port is missing: write [address]:port")
        return host, after[1:]
    host, colon, port = rest.rpartition(":")
    if not colon:
        if port.isascii() and port.isdigit():
            return "", port
        raise EndpointError(f"the port is missing: write {_shown(port) if port else 'host'}:port")
    if ":" in host:
        raise EndpointError("the host is wrong: an IPv6 address stands in brackets, [::1]:5005")
    return host, port


def _host(host: str) -> str:
    if ":" in host:
        address, percent, scope = host.partition("%")
        return str(ipaddress.IPv6Address(address)) + percent + scope
    if re.fullmatch(r"[0-9.]+", host):
        if not _is_address(host, 4):
            raise EndpointError(f"the host is wrong: {_shown(host)} is no IPv4 address")
        return host
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise EndpointError(f"the host is wrong: {_shown(host)} is neither a name nor an address")
    return host


def _port(port: str) -> int:
    if not port:
        raise EndpointError("the port is missing: a number from 0 to 65535")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise EndpointError(f"the port is wrong: {_shown(port)} is no number from 0 to 65535")
    return int(port)


def _is_address(host: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False


def _is_scoped(host: str) -> bool:
    address, _, scope = host.partition("%")
    return _is_address(address, 6) and re.fullmatch(r"[A-Za-z0-9_.@-]{1,15}", scope) is not None


def _shown(part: str) -> str:
    shown = ascii(part)
    return shown if len(shown) <= 60 else f"{shown[:58]}…'"
