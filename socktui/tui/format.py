"""A socket in the words and figures that there is room for."""

from __future__ import annotations

from socktui.core.call import errno_name
from socktui.core.endpoint import SCHEMES, Endpoint, EndpointError, Scheme
from socktui.core.sockets import End, Role, Socket


def label(socket: Socket) -> str:
    """A socket in a few words, for titles and headings."""
    number = f"#{socket.number}"
    kind = "" if socket.scheme == "tcp" else netid(socket)
    if socket.role is Role.LISTENER:
        parts = [number, kind, socket.service, socket.local]
    else:
        what = "client" if socket.role is Role.CLIENT else socket.service or "server"
        if not socket.role.known:
            what = str(socket.role)
        parts = [number, kind, what, socket.peer, socket.who]
    return " ".join(part for part in parts if part)


def kind_of(socket: Socket) -> Scheme | None:
    """What its scheme means, where that is known."""
    return SCHEMES.get(socket.scheme)


def has_layers(socket: Socket) -> bool:
    """Whether it speaks a protocol over another."""
    kind = kind_of(socket)
    return kind is not None and bool(kind.layers)


def netid(socket: Socket) -> str:
    """The Netid as ss prints it, or the scheme where that says more; `!` for a peer that was not verified."""
    name = socket.scheme if has_layers(socket) else socket.netid
    return f"{name}!" if socket.insecure else name


def endpoint_of(socket: Socket) -> Endpoint | None:
    """Where a socket is bound; None where that is no place to connect to."""
    try:
        return Endpoint.at(socket.scheme or socket.netid, socket.local)
    except EndpointError:
        return None


def ended(socket: Socket) -> str:
    """In place of a state: what ended it, in one word where there is only room for one."""
    match socket.end:
        case End.PEER_FIN:
            return "peer FIN"
        case End.PEER_RESET:
            return "peer RST"
        case End.RESET:
            return "RST sent"
        case End.FAILED:
            return errno_name(socket.errno)
        case _:
            return "closed" if socket.end.known else str(socket.end)


def why(socket: Socket) -> str:
    """Why it ended, and that its peer was never verified."""
    return ", ".join(part for part in (NOT_VERIFIED if socket.insecure else "", socket.why) if part)


NOT_VERIFIED = "not verified"


def queued(count: int) -> str:
    """Bytes of a queue in at most six cells: exact as long as they fit."""
    return str(count) if count < 1_000_000 else amount(count)


def amount(count: int) -> str:
    """Bytes in at most four cells."""
    if count < 10_000:
        return str(count)
    value = float(count)
    for unit in "KMGTP":
        value /= 1024
        if value < 999.5:
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return f"{value:.0f}P"


def age(seconds: float) -> str:
    """A span in at most three cells (99 days at most)."""
    if seconds < 60:
        return f"{max(0, int(seconds))}s"
    if seconds < 3600:
        return f"{int(seconds / 60)}m"
    if seconds < 86400:
        return f"{int(seconds / 3600)}h"
    return f"{min(99, int(seconds / 86400))}d"
