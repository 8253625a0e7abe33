"""The endpoint: the address that a socket is bound or connected to, written the same way everywhere."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote, unquote

from socktui.core.call import Layer

LOOPBACK = "127.0.0.1"
PATH_MAX = 107
"""Bytes in the path of a UNIX socket, or in an abstract name (unix(7): sun_path holds 108, one of them zero)."""


class EndpointError(ValueError):
    """An endpoint cannot be parsed. The message is one sentence that names the part that is wrong."""


Form = Literal["port", "path", "host", "protocol"]
OptionKind = Literal["yes or no", "a number from 0 to 255", "a text"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a scheme's endpoints are made of, and what their sockets are.

    netid     the Netid that ss prints for the sockets
    form      what stands after `://`: host and port, a path, a host alone, or a host and a protocol number
    about     what the socket is, in a few words
    layers    the layers above the wire, lowest first
    message   the transport keeps message boundaries, as datagrams and packets do
    port      the default port; None where a port must be written
    resource  a path may follow the authority, as in a URL
    serves    a server can listen on it
    options   names of the options that may follow `?`, and what values each takes
    """

    netid: str
    form: Form
    about: str
    layers: tuple[Layer, ...] = ()
    message: bool = False
    port: int | None = None
    resource: bool = False
    serves: bool = True
    options: Mapping[str, OptionKind] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def messages(self) -> bool:
        """Whether a service exchanges messages over it, rather than a stream of bytes."""
        return self.message or Layer.WS in self.layers


_TLS: dict[str, OptionKind] = {
    "verify": "yes or no",
    "ca": "a text",
    "cert": "a text",
    "key": "a text",
    "name": "a text",
    "keylog": "a text",
}
_WS: dict[str, OptionKind] = {"deflate": "yes or no", "subprotocol": "a text", "origin": "a text"}
_UDP: dict[str, OptionKind] = {
    "broadcast": "yes or no",
    "group": "a text",
    "interface": "a text",
    "ttl": "a number from 0 to 255",
    "loop": "yes or no",
}
_UNIX: dict[str, OptionKind] = {"replace": "yes or no"}

SCHEMES: dict[str, Scheme] = {
    "tcp": Scheme("tcp", "port", "a stream over IPv4 or IPv6"),
    "udp": Scheme("udp", "port", "datagrams over IPv4 or IPv6", message=True, options=_UDP),
    "unix": Scheme("u_str", "path", "a stream on this machine", options=_UNIX),
    "unix-dgram": Scheme("u_dgr", "path", "datagrams on this machine", message=True, options=_UNIX),
    "unix-seqpacket": Scheme("u_seq", "path", "a stream of packets on this machine", message=True, options=_UNIX),
    "tls": Scheme("tcp", "port", "TLS over TCP", layers=(Layer.TLS,), options=_TLS),
    "ws": Scheme("tcp", "port", "WebSocket over TCP", layers=(Layer.WS,), port=80, resource=True, options=_WS),
    "wss": Scheme(
        "tcp", "port", "WebSocket over TLS", (Layer.TLS, Layer.WS), port=443, resource=True, options=_TLS | _WS
    ),
    "telnet": Scheme("tcp", "port", "TCP with telnet's options answered", layers=(Layer.TELNET,), port=23),
    "icmp": Scheme("icmp", "host", "echo requests, as ping sends them", message=True, serves=False),
    "raw": Scheme("raw", "protocol", "IP packets of a protocol number", message=True),
}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_NAME = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A parsed endpoint: `tcp://127.0.0.1:5005`, `unix:///run/x.sock`, `wss://host/chat?verify=no`.

    host     a name, or an address without brackets; empty where the scheme has a path instead
    port     0 asks the kernel for one; of a raw socket the protocol number
    path     of a UNIX socket, `@` before an abstract name; or of a resource, `/` at least
    options  names and values, in the order in which they were written
    """

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Parse an endpoint.

        `host:port`, `:port` and a port alone mean TCP, on 127.0.0.1 where no host is given.
        Raises EndpointError, one sentence, where a part is missing or wrong.
        """
        text = text.strip()
        _encoded(text)
        if not text:
            raise EndpointError("an endpoint is needed, such as tcp://127.0.0.1:5005")
        match = _SCHEME.fullmatch(text)
        name, rest = (match[1].lower(), match[2]) if match else ("tcp", text)
        scheme = SCHEMES.get(name)
        if scheme is None:
            raise EndpointError(f"unknown scheme {name!r}: one of {', '.join(SCHEMES)}")
        rest, options, query = _options(rest, name)
        if scheme.form == "path":
            return cls(name, path=_path(unquote(rest, errors="surrogateescape")), options=options)
        path = ""
        if scheme.resource:
            rest, _, path = rest.partition("/")
            path = _resource("/" + path + query)
        host, port = _host_and_port(rest, scheme)
        return cls(name, _host(host) if host else LOOPBACK, port, path, options)

    @classmethod
    def at(cls, scheme: str, address: str) -> "Endpoint":
        """The endpoint of an address as ss(8) prints it: `127.0.0.1:5005`, `/run/x.sock`. Raises EndpointError."""
        if scheme in SCHEMES and SCHEMES[scheme].form == "path":
            return cls(scheme, path=_path(address))
        return cls.parse(f"{scheme}://{address}")

    @classmethod
    def of_address(cls, scheme: str, address: tuple[object, ...]) -> "Endpoint":
        """The endpoint of an address as Python's socket module has it: (host, port) or (host, port, flow, scope)."""
        return cls(scheme, str(address[0]), int(str(address[1])))

    def __str__(self) -> str:
        where = _quoted(self.path) if self.kind.form == "path" else self.authority + self.path
        if not self.options:
            return f"{self.scheme}://{where}"
        options = "&".join(f"{name}={_quoted(value)}" for name, value in self.options)
        return f"{self.scheme}://{where}{'&' if '?' in where else '?'}{options}"

    @property
    def kind(self) -> Scheme:
        """The properties of its scheme."""
        return SCHEMES[self.scheme]

    @property
    def authority(self) -> str:
        """`127.0.0.1:5005`, `[::1]:5005` or `/run/x.sock`, as ss prints it."""
        if self.kind.form == "path":
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.kind.form == "host" else f"{host}:{self.port}"

    def option(self, name: str, otherwise: str = "") -> str:
        """The value of an option; `otherwise` where the endpoint does not have it."""
        return dict(self.options).get(name, otherwise)

    def with_option(self, name: str, value: str) -> "Endpoint":
        """A copy with an option set, in place of an earlier value."""
        return replace(self, options=(*((n, v) for n, v in self.options if n != name), (name, value)))

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The host where it is an address; None where it is a name that has to be resolved."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it: a path, a loopback address or `localhost`. No name is resolved."""
        if self.kind.form == "path":
            return True
        address = self.address
        if address is None:
            return self.host.rstrip(".").lower() == "localhost"
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)


def _options(rest: str, scheme: str) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Split off the options: the text before `?`, the options, and the query that belongs to the resource."""
    rest, mark, tail = rest.partition("?")
    known = SCHEMES[scheme].options
    options: list[tuple[str, str]] = []
    query: list[str] = []
    for part in tail.split("&") if mark else ():
        name, _, value = part.partition("=")
        if name in known:
            options.append((name, _value(name, unquote(value, errors="surrogateescape"), known[name])))
        elif SCHEMES[scheme].resource:
            query.append(part)
        elif known:
            raise EndpointError(f"unknown option {_shown(name)}: {scheme} has {', '.join(known)}")
        else:
            raise EndpointError(f"the option {_shown(part)} is wrong: {scheme} has none")
    return rest, tuple(options), f"?{'&'.join(query)}" if query else ""


def _value(name: str, value: str, kind: OptionKind) -> str:
    match kind:
        case "yes or no":
            right = value in ("yes", "no")
        case "a number from 0 to 255":
            right = value.isascii() and value.isdigit() and len(value) <= 3 and int(value) <= 255
        case "a text":
            right = bool(value) and "\0" not in value
    if not right:
        raise EndpointError(f"the option {name} is wrong: {_shown(value)} is not {kind}")
    return value


def _path(path: str) -> str:
    name = path.removeprefix("@")
    if not name:
        raise EndpointError("the path is missing: write unix:///run/x.sock, or unix://@name for an abstract one")
    if "\0" in path:
        raise EndpointError("the path is wrong: it has a zero byte in it")
    size = len(_encoded(name))
    if size > PATH_MAX:
        raise EndpointError(f"the path is too long: {size} bytes, and a UNIX socket's has at most {PATH_MAX}")
    return path


def _encoded(text: str) -> bytes:
    """The bytes for the kernel: surrogates are bytes that are not UTF-8 (PEP 383). Raises EndpointError for others."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise EndpointError(f"{_shown(text[error.start])} stands for no character") from None


def _resource(path: str) -> str:
    if not (path.isascii() and path.isprintable() and " " not in path and "#" not in path):
        raise EndpointError(f"the path is wrong: {_shown(path)} has what a URL cannot have, write it as %20 and so on")
    return path


def _quoted(text: str) -> str:
    """The text percent-encoded: reserved characters, and those that cannot be seen."""
    return "".join(
        sign if sign.isprintable() and sign not in "%?& " else quote(sign, safe="", errors="surrogateescape")
        for sign in text
    )


def _host_and_port(rest: str, scheme: Scheme) -> tuple[str, int]:
    if scheme.form == "host":
        host, _ = _split(f"{rest}:0")
        return host, 0
    if scheme.port is not None and not re.search(r":\d*$", rest.rpartition("]")[2]):
        host, _ = _split(f"{rest}:0")
        return host, scheme.port
    host, port = _split(rest)
    return host, _protocol(port) if scheme.form == "protocol" else _port(port)


def _protocol(number: str) -> int:
    if not (number.isascii() and number.isdigit() and len(number) <= 3 and int(number) <= 255):
        raise EndpointError(f"the protocol is wrong: {_shown(number)} is no number from 0 to 255")
    return int(number)


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
