"""What went wrong, in one sentence with the errno's name and what to do about it."""

import errno as errnos
import os
import socket as sockets
from pathlib import Path

from socktui.control.explain_unix import by_whom, unix_advice
from socktui.control.messages import VerbError
from socktui.core.call import errno_name
from socktui.core.endpoint import Endpoint
from socktui.host import owners

_ADVICE = {
    errnos.ECONNREFUSED: "nothing listens there: check the port, or start a server first",
    errnos.ETIMEDOUT: "nothing answered in time: the host may be down, or a firewall drops it",
    errnos.EHOSTUNREACH: "no way to that host: check the address",
    errnos.ENETUNREACH: "no way to that network: check the address",
    errnos.EADDRNOTAVAIL: "this machine has no such address: take one of its own, or 127.0.0.1",
    errnos.EMFILE: "too many descriptors are open: close some sockets, or raise `ulimit -n`",
    errnos.ENFILE: "the system has no descriptors left",
    errnos.ENOSPC: "the disk of the capture is full: make room",
    errnos.ECONNRESET: "the peer reset the connection",
    errnos.EPIPE: "this end has sent its FIN, or the peer is gone: nothing more can be sent",
    errnos.ENOTCONN: "the connection is not set up",
    errnos.ECANCELED: "it was closed while connecting",
    errnos.ECONNABORTED: "it was closed meanwhile",
    errnos.EISDIR: "that is a folder: name a file",
    errnos.ENOENT: "there is no such file",
    errnos.EMSGSIZE: "one message cannot be so long: send less at once",
}


def explain(error: Exception, endpoint: Endpoint | None = None) -> VerbError:
    """The sentence for what a verb ran into."""
    where = f"{endpoint}: " if endpoint else ""
    if isinstance(error, sockets.gaierror):
        name = _gai_name(error)
        if endpoint is not None and "%" in endpoint.host:
            return VerbError(f"{where}there is no interface {endpoint.host.partition('%')[2]} ({name})", name)
        text = f"{where}the name is not known ({name}): check its spelling, or give an address"
        return VerbError(text, name)
    if isinstance(error, UnicodeError):
        return VerbError(f"{where}the name is not known: it cannot be written as a host name", "EAI_NONAME")
    if not isinstance(error, OSError) or not error.errno:
        return VerbError(f"{where}{error}", _errno_of(error.__cause__))  # a sentence of the engine's own
    name = errno_name(error.errno)
    text = os.strerror(error.errno)
    if error.errno == errnos.EPROTO and error.strerror:
        return VerbError(f"{where}{error.strerror}", name)  # the peer broke a protocol's rule, told in words
    if endpoint is not None and endpoint.kind.form == "path" and (advice := unix_advice(error, endpoint)):
        return VerbError(f"{where}{text} ({name}){advice}", name)
    if error.errno == errnos.EADDRINUSE:
        return VerbError(f"{where}{text} ({name}){by_whom(_holders(endpoint))}: take another port, or 0 for any", name)
    if error.errno in (errnos.EACCES, errnos.EPERM):
        return VerbError(f"{where}{text} ({name}): {_permission(endpoint, error)}", name)
    if error.filename:
        where = f"{error.filename}: "
    advice = _ADVICE.get(error.errno, "")
    if error.errno == errnos.EINVAL and endpoint is not None:
        advice = "the kernel takes no such address: a link-local one needs its %interface"
    return VerbError(f"{where}{text} ({name}){': ' + advice if advice else ''}", name)


def _holders(endpoint: Endpoint | None) -> owners.Holders:
    if endpoint is None:
        return []
    return (owners.of_udp if endpoint.kind.netid == "udp" else owners.of_tcp)(endpoint.port)


def _permission(endpoint: Endpoint | None, error: OSError) -> str:
    if error.filename:
        return f"you may not read {error.filename}"
    first = _first_unprivileged_port()
    if endpoint is not None and endpoint.port < first:
        return f"ports below {first} need the right CAP_NET_BIND_SERVICE: take a higher one"
    return "you have not the right to do that"


def _first_unprivileged_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def _errno_of(cause: BaseException | None) -> str:
    return errno_name(cause.errno) if isinstance(cause, OSError) and cause.errno else ""


def _gai_name(error: sockets.gaierror) -> str:
    names = {getattr(sockets, name): name for name in dir(sockets) if name.startswith("EAI_")}
    return names.get(error.errno or 0, f"EAI {error.errno}")
