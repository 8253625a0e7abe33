"""What went wrong, in one sentence with the errno's name and what to do about it: the one place where codes get words.

It may take a look at the machine, such as whose a port is, which takes long where there are many processes: on a
screen it is something for a thread.
"""

import errno as errnos
import os
from pathlib import Path

from socktui.control.explain_unix import by_whom, unix_advice
from socktui.control.messages import Failure
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
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
"""What the kernel means by an errno, and what to do."""

SENTENCES = {
    ErrorCode.NAME_UNKNOWN: "the name is not known ({errno}): check its spelling, or give an address",
    ErrorCode.NAME_NOT_A_HOST: "the name is not known: it cannot be written as a host name",
    ErrorCode.NAME_WITHOUT_ADDRESS: "the name has no address (EADDRNOTAVAIL): check its spelling, or give an address",
    ErrorCode.LOOKUP_TIMEOUT: "{error}: the name was not looked up within {seconds} s: is a name server reachable?",
    ErrorCode.CONNECT_TIMEOUT: (
        "{error}: nothing answered in time, within {seconds} s: the host may be down, or a firewall drops it"
    ),
    ErrorCode.QUEUE_FULL: "{error}: its queue of connections was full for {seconds} s",
    ErrorCode.CLOSED_WHILE_CONNECTING: "{error}: it was closed while connecting",
    ErrorCode.CLOSED_MEANWHILE: "{error}: it was closed meanwhile",
    ErrorCode.NO_OPEN_CONNECTION: "socket {socket} is no open connection",
    ErrorCode.STILL_CONNECTING: "socket {socket} is still connecting",
    ErrorCode.MESSAGE_TOO_LONG: (
        "{error}: one message has at most {most} bytes here, and this has {size}: send less at once"
    ),
    ErrorCode.NOT_A_REGULAR_FILE: "{path} is no file but a device or a pipe, which may have no end",
    ErrorCode.SOCKET_FILE_STALE: "{error}{by}: nothing accepts there any more: add ?replace=yes to take its place",
    ErrorCode.SOCKET_FILE_LIVE: "{error}{by}: a program has it open: take another path",
    ErrorCode.SOCKET_FILE_OF_ANOTHER: (
        "{error}{by}: nothing accepts there any more, but it is another user's: take another path"
    ),
    ErrorCode.SOCKET_FILE_TAKEN_JUST_NOW: "{error}{by}: somebody else took it a moment ago: try again",
    ErrorCode.PATH_IS_NO_SOCKET: "{error}{by}: a {kind} has that name: take another path",
    ErrorCode.NO_HALF_CLOSE: "there is no half-close: the socket has other peers, too",
    ErrorCode.PEER_WITHOUT_NAME: "it has no name, so that nothing can be sent to it (ENOTCONN)",
    ErrorCode.CLIENT_WITH_GROUP: "a client joins no group: connect to the group's own address",
    ErrorCode.BROADCAST_NOT_ASKED: "that is a broadcast address (EACCES): add ?broadcast=yes to send to it",
    ErrorCode.GROUP_NOT_MULTICAST: "the group {group} is no multicast address",
    ErrorCode.GROUP_OF_OTHER_FAMILY: "the group {group} and the address {host} are of two families",
    ErrorCode.INTERFACE_IS_ADDRESS: ("the interface {interface} is an address, which only IPv4's groups take: name it"),
    ErrorCode.NO_SUCH_INTERFACE: "there is no interface {interface!r}: one of {names}",
    ErrorCode.KERNEL_ANSWERS_ECHO: "the kernel answers echo requests itself: listen on {raw} to see them",
    ErrorCode.ECHO_NOT_ALLOWED: (
        "echo requests need the right CAP_NET_RAW (EPERM), or a group of yours in the range of the sysctl "
        "net.ipv4.ping_group_range (EACCES), which is {groups}"
    ),
    ErrorCode.RAW_NOT_ALLOWED: "raw sockets need the right CAP_NET_RAW (EPERM): see capabilities(7), or be root",
    ErrorCode.RAW_WITHOUT_ADDRESS: (
        "a raw socket of IPv6 needs an address: on [::] it could not tell its own packets from others'"
    ),
    ErrorCode.CERTIFICATE_REFUSED: "{reason}",
    ErrorCode.VERIFY_ON_LISTENER: (
        "the option verify is for clients: with ca, a listener asks its clients for certificates"
    ),
    ErrorCode.TLS_NAME_WRONG: "the option name is wrong: {name} is neither a host name nor an address",
    ErrorCode.NOT_A_FILE: "{path} is no file",
    ErrorCode.FILE_TOO_BIG: "{path} is too big for certificates: {size} bytes",
    ErrorCode.NO_PEM_CERTIFICATE: "{path} holds no certificate in PEM",
    ErrorCode.NO_PEM_KEY: "{path} holds no private key in PEM",
    ErrorCode.KEY_WITHOUT_CERTIFICATE: "the option key needs the option cert: the key's certificate",
    ErrorCode.KEY_ENCRYPTED: "the key in {path} is encrypted: give one that is not",
    ErrorCode.KEY_OF_ANOTHER_CERTIFICATE: "the key in {key} is not that of the certificate in {certificate}",
    ErrorCode.CERTIFICATE_UNUSABLE: (
        "OpenSSL cannot use the certificate in {certificate} with the key in {key}: {reason}"
    ),
    ErrorCode.KEYLOG_EXPOSED: "keys are not logged to {path}: it has to be a file of yours that nobody else can read",
    ErrorCode.AUTHORITY_DAMAGED: "the authority in {folder} is damaged: move the folder away, and another is made",
    ErrorCode.AUTHORITY_UNREADABLE: "the authority's {path} cannot be read: {strerror}",
    ErrorCode.AUTHORITY_OF_ANOTHER: "{path} belongs to somebody else: it is not used",
    ErrorCode.AUTHORITY_EXPOSED: (
        "{path} is open to others: `chmod go-rwx` it, and move it away where they may have changed it"
    ),
    ErrorCode.NO_CERTIFICATE_FOR: "no certificate can be made for {names}: {reason}",
    ErrorCode.NO_WEBSOCKET_ASKED: "no WebSocket was asked for",
    ErrorCode.WEBSOCKET_NOT_OPEN: "the handshake is not done: nothing can be sent yet",
    ErrorCode.WEBSOCKET_CLOSING: "the close has been sent: nothing may follow it",
    ErrorCode.WEBSOCKET_MESSAGE_TOO_LONG: "a message has at most {most} bytes: these are {size}",
    ErrorCode.WEBSOCKET_CONTROL_TOO_LONG: "a {kind} has at most {most} bytes: these are {size}",
    ErrorCode.WEBSOCKET_KIND_UNKNOWN: "{kind!r} is no kind of message: {kinds}",
    ErrorCode.WEBSOCKET_TEXT_NOT_UTF8: "a text has to be UTF-8",
    ErrorCode.WEBSOCKET_CLOSE_WRONG: "{reason}",
    ErrorCode.WEBSOCKET_SUBPROTOCOL_WRONG: (
        "the subprotocol {name!r} is wrong: letters, digits and !#$%&'*+.^_`|~- only"
    ),
    ErrorCode.WEBSOCKET_ORIGIN_WRONG: "the origin {origin!r} is wrong: such as http://127.0.0.1:8000",
    ErrorCode.PROTOCOL: "{reason}",
    ErrorCode.SERVICE_WRONG: "{reason}",
    ErrorCode.SERVICE_NEEDS_STREAM: "{service} needs a stream, and {scheme} carries messages",
    ErrorCode.BAD_REQUEST: "the engine cannot make sense of {verb}: {reason}",
    ErrorCode.REQUEST_TOO_LONG: "that is too much to be sent at once: send it as a file",
    ErrorCode.STOPPED: "stopped",
    ErrorCode.NOT_ASKED: "{reason}",
    ErrorCode.ENGINE_FAULT: "{verb} could not be carried out: {reason}",
    ErrorCode.CAPTURE_NOT_MADE: "the capture {capture} cannot be made: {reason}",
}
"""The sentence of a code, but for those that are put together.

Besides the code's fields, `{errno}` is the errno's name, `{strerror}` what the system says of it, `{error}` both, and
`{by}` who has what was asked for.
"""

_WITHOUT_PLACE = frozenset(
    {
        ErrorCode.SERVICE_WRONG,
        ErrorCode.SERVICE_NEEDS_STREAM,
        ErrorCode.BAD_REQUEST,
        ErrorCode.REQUEST_TOO_LONG,
        ErrorCode.STOPPED,
        ErrorCode.NOT_ASKED,
        ErrorCode.ENGINE_FAULT,
        ErrorCode.ENGINE_GONE,
        ErrorCode.CAPTURE_NOT_MADE,
    }
)
"""What has nothing to do with the endpoint."""


def explain(failure: Failure, endpoint: Endpoint | None = None, engine: int = 0) -> str:
    """The sentence for what a verb ran into.

    endpoint  what it was about, where it was about one
    engine    the process of our own engine, which is called this workbench
    """
    where = f"{endpoint}: " if endpoint and failure.code not in _WITHOUT_PLACE else ""
    match failure.code:
        case ErrorCode.KERNEL:
            return _as_the_kernel_said(failure, endpoint, engine, where)
        case ErrorCode.NAME_UNKNOWN if endpoint is not None and "%" in endpoint.host:
            return f"{where}there is no interface {endpoint.host.partition('%')[2]} ({failure.errno})"
        case ErrorCode.ENGINE_GONE:
            return _gone(str(failure.fields["words"]), str(failure.fields["capture"]))
        case code:
            by = _by(endpoint, engine) if "{by}" in SENTENCES[code] else ""
            return where + SENTENCES[code].format_map({**failure.fields, **_told(failure.errno), "by": by})


def _told(errno: str) -> dict[str, str]:
    """What sentences say of an errno, which is given by name."""
    strerror = os.strerror(_number(errno))
    return {"errno": errno, "strerror": strerror, "error": f"{strerror} ({errno})"}


def _number(errno: str) -> int:
    """The errno of a name; `errno 9999` is one that has none."""
    number = errno.rpartition(" ")[2]
    return int(number) if number.isdigit() else getattr(errnos, errno, 0)


def _gone(words: str, capture: str) -> str:
    """The engine has ended: its last words, where it crashed, and the capture, where it was made."""
    why = f": {words}" if words else ""
    kept = f"; what it captured is kept in {capture}" if capture else ""
    return f"the engine has ended{why}{kept}"


def _as_the_kernel_said(failure: Failure, endpoint: Endpoint | None, engine: int, where: str) -> str:
    """The system's own words and the errno's name, with what is known beside them."""
    number = _number(failure.errno)
    error = _told(failure.errno)["error"]
    file = str(failure.fields.get("path", ""))
    if endpoint is not None and endpoint.kind.form == "path" and (advice := unix_advice(number, endpoint, engine)):
        return f"{where}{error}{advice}"
    if number == errnos.EADDRINUSE:
        return f"{where}{error}{_by(endpoint, engine)}: take another port, or 0 for any"
    if number in (errnos.EACCES, errnos.EPERM):
        return f"{where}{error}: {_permission(endpoint, file)}"
    advice = _ADVICE.get(number, "")
    if number == errnos.EINVAL and endpoint is not None:
        advice = "the kernel takes no such address: a link-local one needs its %interface"
    return f"{f'{file}: ' if file else where}{error}{': ' + advice if advice else ''}"


def _by(endpoint: Endpoint | None, engine: int) -> str:
    """` by ncat (pid 1234)`; empty where there is nobody to name."""
    if endpoint is None:
        return ""
    if endpoint.kind.form == "path":
        return by_whom(owners.of_unix(endpoint.path), engine)
    return by_whom((owners.of_udp if endpoint.kind.netid == "udp" else owners.of_tcp)(endpoint.port), engine)


def _permission(endpoint: Endpoint | None, file: str) -> str:
    if file:
        return f"you may not read {file}"
    first = _first_unprivileged_port()
    if endpoint is not None and endpoint.port < first:
        return f"ports below {first} need the right CAP_NET_BIND_SERVICE: take a higher one"
    return "you have not the right to do that"


def _first_unprivileged_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024
