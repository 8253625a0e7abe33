"""What went wrong, in one sentence: of every code, and of what the kernel answers."""

import ast
import errno
import os
import re
import socket as sockets
from contextlib import closing
from pathlib import Path
from string import Formatter

import pytest

from socktui.control.explain import SENTENCES, explain
from socktui.control.failures import failure_of
from socktui.control.messages import Failure
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, Fields, SocketError

PACKAGE = Path(__file__).parents[2] / "socktui"
LINK_LOCAL = ["tcp://[fe80::1]:80", "udp://[fe80::1]:80", "tls://[fe80::1]:443", "wss://[fe80::1]", "icmp://[fe80::1]"]
TCP = Endpoint.parse("tcp://192.0.2.1:80")
KNOWN = {"errno", "strerror", "error", "by"}
"""Fields that `explain` fills in."""


def told(error: Exception, endpoint: Endpoint | None = None, engine: int = 0) -> str:
    """The sentence for an exception of the engine's."""
    failure = failure_of(error)
    assert failure is not None
    return explain(failure, endpoint, engine)


def kernel(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


EVERY: dict[ErrorCode, tuple[str, Fields, str]] = {
    ErrorCode.NAME_UNKNOWN: (
        "EAI_NONAME", {}, "the name is not known (EAI_NONAME): check its spelling, or give an address",
    ),
    ErrorCode.NAME_NOT_A_HOST: (
        "EAI_NONAME", {}, "the name is not known: it cannot be written as a host name",
    ),
    ErrorCode.NAME_WITHOUT_ADDRESS: (
        "EADDRNOTAVAIL", {}, "the name has no address (EADDRNOTAVAIL): check its spelling, or give an address",
    ),
    ErrorCode.LOOKUP_TIMEOUT: (
        "ETIMEDOUT", {"seconds": "2.5"},
        "Connection timed out (ETIMEDOUT): the name was not looked up within 2.5 s: is a name server reachable?",
    ),
    ErrorCode.CONNECT_TIMEOUT: (
        "ETIMEDOUT", {"seconds": "10"},
        "Connection timed out (ETIMEDOUT): nothing answered in time, within 10 s: "
        "the host may be down, or a firewall drops it",
    ),
    ErrorCode.QUEUE_FULL: (
        "ETIMEDOUT", {"seconds": "1"},
        "Connection timed out (ETIMEDOUT): its queue of connections was full for 1 s",
    ),
    ErrorCode.CLOSED_WHILE_CONNECTING: (
        "ECANCELED", {}, "Operation canceled (ECANCELED): it was closed while connecting",
    ),
    ErrorCode.CLOSED_MEANWHILE: (
        "ECONNABORTED", {}, "Software caused connection abort (ECONNABORTED): it was closed meanwhile",
    ),
    ErrorCode.NO_OPEN_CONNECTION: ("", {"socket": 7}, "socket 7 is no open connection"),
    ErrorCode.STILL_CONNECTING: ("", {"socket": 7}, "socket 7 is still connecting"),
    ErrorCode.MESSAGE_TOO_LONG: (
        "EMSGSIZE", {"size": 2_000_000, "most": 1_048_576},
        "Message too long (EMSGSIZE): one message has at most 1048576 bytes here, and this has 2000000: "
        "send less at once",
    ),
    ErrorCode.NOT_A_REGULAR_FILE: (
        "", {"path": "/dev/zero"}, "/dev/zero is no file but a device or a pipe, which may have no end",
    ),
    ErrorCode.SOCKET_FILE_STALE: (
        "EADDRINUSE", {},
        "Address already in use (EADDRINUSE): nothing accepts there any more: "
        "add ?replace=yes to take its place",
    ),
    ErrorCode.SOCKET_FILE_LIVE: (
        "EADDRINUSE", {}, "Address already in use (EADDRINUSE): a program has it open: take another path",
    ),
    ErrorCode.SOCKET_FILE_OF_ANOTHER: (
        "EADDRINUSE", {},
        "Address already in use (EADDRINUSE): nothing accepts there any more, but it is another user's: "
        "take another path",
    ),
    ErrorCode.SOCKET_FILE_TAKEN_JUST_NOW: (
        "EADDRINUSE", {},
        "Address already in use (EADDRINUSE): somebody else took it a moment ago: try again",
    ),
    ErrorCode.PATH_IS_NO_SOCKET: (
        "EADDRINUSE", {"kind": "symbolic link"},
        "Address already in use (EADDRINUSE): a symbolic link has that name: take another path",
    ),
    ErrorCode.NO_HALF_CLOSE: ("", {}, "there is no half-close: the socket has other peers, too"),
    ErrorCode.PEER_WITHOUT_NAME: (
        "EINVAL", {}, "it has no name, so that nothing can be sent to it (ENOTCONN)",
    ),
    ErrorCode.CLIENT_WITH_GROUP: ("", {}, "a client joins no group: connect to the group's own address"),
    ErrorCode.BROADCAST_NOT_ASKED: (
        "EACCES", {}, "that is a broadcast address (EACCES): add ?broadcast=yes to send to it",
    ),
    ErrorCode.GROUP_NOT_MULTICAST: ("", {"group": "10.0.0.1"}, "the group 10.0.0.1 is no multicast address"),
    ErrorCode.GROUP_OF_OTHER_FAMILY: (
        "", {"group": "ff02::1", "host": "127.0.0.1"},
        "the group ff02::1 and the address 127.0.0.1 are of two families",
    ),
    ErrorCode.INTERFACE_IS_ADDRESS: (
        "", {"interface": "127.0.0.1"},
        "the interface 127.0.0.1 is an address, which only IPv4's groups take: name it",
    ),
    ErrorCode.NO_SUCH_INTERFACE: (
        "ENODEV", {"interface": "none0", "names": "lo, eth0"}, "there is no interface 'none0': one of lo, eth0",
    ),
    ErrorCode.KERNEL_ANSWERS_ECHO: (
        "", {"raw": "raw://127.0.0.1:1"},
        "the kernel answers echo requests itself: listen on raw://127.0.0.1:1 to see them",
    ),
    ErrorCode.ECHO_NOT_ALLOWED: (
        "EACCES", {"groups": "1 to 0"},
        "echo requests need the right CAP_NET_RAW (EPERM), or a group of yours in the range of the sysctl "
        "net.ipv4.ping_group_range (EACCES), which is 1 to 0",
    ),
    ErrorCode.RAW_NOT_ALLOWED: (
        "EPERM", {}, "raw sockets need the right CAP_NET_RAW (EPERM): see capabilities(7), or be root",
    ),
    ErrorCode.RAW_WITHOUT_ADDRESS: (
        "", {}, "a raw socket of IPv6 needs an address: on [::] it could not tell its own packets from others'",
    ),
    ErrorCode.CERTIFICATE_REFUSED: (
        "EPROTO", {"reason": "the certificate is self-signed, and not trusted: CN=x"},
        "the certificate is self-signed, and not trusted: CN=x",
    ),
    ErrorCode.VERIFY_ON_LISTENER: (
        "", {}, "the option verify is for clients: with ca, a listener asks its clients for certificates",
    ),
    ErrorCode.TLS_NAME_WRONG: (
        "", {"name": "'a b'"}, "the option name is wrong: 'a b' is neither a host name nor an address",
    ),
    ErrorCode.NOT_A_FILE: ("", {"path": "/dev/null"}, "/dev/null is no file"),
    ErrorCode.FILE_TOO_BIG: ("", {"path": "/x", "size": 9}, "/x is too big for certificates: 9 bytes"),
    ErrorCode.NO_PEM_CERTIFICATE: ("", {"path": "/x"}, "/x holds no certificate in PEM"),
    ErrorCode.NO_PEM_KEY: ("", {"path": "/x"}, "/x holds no private key in PEM"),
    ErrorCode.KEY_WITHOUT_CERTIFICATE: ("", {}, "the option key needs the option cert: the key's certificate"),
    ErrorCode.KEY_ENCRYPTED: ("", {"path": "/k"}, "the key in /k is encrypted: give one that is not"),
    ErrorCode.KEY_OF_ANOTHER_CERTIFICATE: (
        "", {"key": "/k", "certificate": "/c"}, "the key in /k is not that of the certificate in /c",
    ),
    ErrorCode.CERTIFICATE_UNUSABLE: (
        "", {"key": "/k", "certificate": "/c", "reason": "ee key too small"},
        "OpenSSL cannot use the certificate in /c with the key in /k: ee key too small",
    ),
    ErrorCode.KEYLOG_EXPOSED: (
        "", {"path": "/x"}, "keys are not logged to /x: it has to be a file of yours that nobody else can read",
    ),
    ErrorCode.AUTHORITY_DAMAGED: (
        "", {"folder": "/ca"}, "the authority in /ca is damaged: move the folder away, and another is made",
    ),
    ErrorCode.AUTHORITY_UNREADABLE: (
        "ELOOP", {"path": "/ca/ca.pem"},
        "the authority's /ca/ca.pem cannot be read: Too many levels of symbolic links",
    ),
    ErrorCode.AUTHORITY_OF_ANOTHER: ("", {"path": "/ca"}, "/ca belongs to somebody else: it is not used"),
    ErrorCode.AUTHORITY_EXPOSED: (
        "", {"path": "/ca"},
        "/ca is open to others: `chmod go-rwx` it, and move it away where they may have changed it",
    ),
    ErrorCode.NO_CERTIFICATE_FOR: (
        "", {"names": "a, b", "reason": "too long"}, "no certificate can be made for a, b: too long",
    ),
    ErrorCode.NO_WEBSOCKET_ASKED: ("ECONNABORTED", {}, "no WebSocket was asked for"),
    ErrorCode.WEBSOCKET_NOT_OPEN: ("EPROTO", {}, "the handshake is not done: nothing can be sent yet"),
    ErrorCode.WEBSOCKET_CLOSING: ("EPROTO", {}, "the close has been sent: nothing may follow it"),
    ErrorCode.WEBSOCKET_MESSAGE_TOO_LONG: (
        "EPROTO", {"size": 9, "most": 8}, "a message has at most 8 bytes: these are 9",
    ),
    ErrorCode.WEBSOCKET_CONTROL_TOO_LONG: (
        "EPROTO", {"kind": "ping", "size": 126, "most": 125}, "a ping has at most 125 bytes: these are 126",
    ),
    ErrorCode.WEBSOCKET_KIND_UNKNOWN: (
        "EPROTO", {"kind": "pang", "kinds": "text, binary"}, "'pang' is no kind of message: text, binary",
    ),
    ErrorCode.WEBSOCKET_TEXT_NOT_UTF8: ("EPROTO", {}, "a text has to be UTF-8"),
    ErrorCode.WEBSOCKET_CLOSE_WRONG: (
        "EPROTO", {"reason": "the reason of the close is not UTF-8"}, "the reason of the close is not UTF-8",
    ),
    ErrorCode.WEBSOCKET_SUBPROTOCOL_WRONG: (
        "EPROTO", {"name": "a b"},
        "the subprotocol 'a b' is wrong: letters, digits and !#$%&'*+.^_`|~- only",
    ),
    ErrorCode.WEBSOCKET_ORIGIN_WRONG: (
        "EPROTO", {"origin": "\n"}, r"the origin '\n' is wrong: such as http://127.0.0.1:8000",
    ),
    ErrorCode.PROTOCOL: ("EPROTO", {"reason": "TLS failed: wrong version"}, "TLS failed: wrong version"),
    ErrorCode.SERVICE_WRONG: ("EINVAL", {"reason": "echo takes no argument"}, "echo takes no argument"),
    ErrorCode.SERVICE_NEEDS_STREAM: (
        "EINVAL", {"service": "http", "scheme": "udp"}, "http needs a stream, and udp carries messages",
    ),
    ErrorCode.BAD_REQUEST: (
        "EINVAL", {"verb": "close", "reason": "its socket is missing"},
        "the engine cannot make sense of close: its socket is missing",
    ),
    ErrorCode.REQUEST_TOO_LONG: (
        "EMSGSIZE", {}, "that is too much to be sent at once: send it as a file",
    ),
    ErrorCode.STOPPED: ("ECANCELED", {}, "stopped"),
    ErrorCode.NOT_ASKED: ("", {"reason": "nothing is being sent"}, "nothing is being sent"),
    ErrorCode.ENGINE_FAULT: (
        "", {"verb": "send", "reason": "KeyError(1)"}, "send could not be carried out: KeyError(1)",
    ),
    ErrorCode.ENGINE_GONE: ("", {"words": "", "capture": ""}, "the engine has ended"),
    ErrorCode.CAPTURE_NOT_MADE: (
        "", {"capture": "/c", "reason": "/c exists already"}, "the capture /c cannot be made: /c exists already",
    ),
}  # fmt: skip


def test_every_code_has_a_sentence() -> None:
    assert set(SENTENCES) | {ErrorCode.KERNEL, ErrorCode.ENGINE_GONE} == set(ErrorCode)
    assert set(EVERY) | {ErrorCode.KERNEL} == set(ErrorCode)


@pytest.mark.parametrize("code", EVERY)
def test_the_sentence_of_a_code(code: ErrorCode) -> None:
    errno_name, fields, sentence = EVERY[code]
    assert explain(Failure(code, errno_name, fields)) == sentence


PLACELESS = {
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


@pytest.mark.parametrize("code", EVERY)
def test_the_endpoint_stands_before_what_is_about_it(code: ErrorCode) -> None:
    errno_name, fields, sentence = EVERY[code]
    where = "" if code in PLACELESS else "tcp://192.0.2.1:80: "
    assert explain(Failure(code, errno_name, fields), TCP) == where + sentence


def test_what_is_raised_has_just_the_fields_that_its_sentence_names() -> None:
    """In the source: `SocketError(ErrorCode.CODE, errno, field=...)`, and what is made in its way."""
    found = set()
    for path in PACKAGE.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name):
                continue
            match node.args[0]:
                case ast.Attribute(value=ast.Name(id="ErrorCode"), attr=name) if node.func.id != "Failure":
                    code = ErrorCode[name]
                    found.add(code)
                    named = {field for _, field, _, _ in Formatter().parse(SENTENCES[code]) if field} - KNOWN
                    assert {each.arg for each in node.keywords} == named, f"{path}:{node.lineno}"
    assert len(found) > 45


def test_what_the_engine_ended_by() -> None:
    fields: Fields = {"words": "MemoryError", "capture": "/c"}
    assert (
        explain(Failure(ErrorCode.ENGINE_GONE, "", fields))
        == "the engine has ended: MemoryError; what it captured is kept in /c"
    )


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ECONNREFUSED, "Connection refused (ECONNREFUSED): nothing listens there: check the port, or start"),
        (errno.ETIMEDOUT, "Connection timed out (ETIMEDOUT): nothing answered in time: the host may be down, or a"),
        (errno.EHOSTUNREACH, "No route to host (EHOSTUNREACH): no way to that host: check the address"),
        (errno.ENETUNREACH, "Network is unreachable (ENETUNREACH): no way to that network: check the address"),
        (errno.EADDRNOTAVAIL, "Cannot assign requested address (EADDRNOTAVAIL): this machine has no such address: "),
        (errno.EMFILE, "Too many open files (EMFILE): too many descriptors are open: close some sockets, or raise"),
        (errno.ENFILE, "Too many open files in system (ENFILE): the system has no descriptors left"),
        (errno.ENOSPC, "No space left on device (ENOSPC): the disk of the capture is full: make room"),
        (errno.ECONNRESET, "Connection reset by peer (ECONNRESET): the peer reset the connection"),
        (errno.EPIPE, "Broken pipe (EPIPE): this end has sent its FIN, or the peer is gone: nothing more can be sent"),
        (errno.ENOTCONN, "Transport endpoint is not connected (ENOTCONN): the connection is not set up"),
        (errno.EMSGSIZE, "Message too long (EMSGSIZE): one message cannot be so long: send less at once"),
        (errno.EACCES, "Permission denied (EACCES): ports below 1024 need the right CAP_NET_BIND_SERVICE: take a"),
        (errno.EINVAL, "Invalid argument (EINVAL): the kernel takes no such address: a link-local one needs its %int"),
        (errno.EPROTONOSUPPORT, "Protocol not supported (EPROTONOSUPPORT)"),
        (9999, "Unknown error 9999 (errno 9999)"),
    ],
)
def test_what_the_kernel_answered(number: int, sentence: str) -> None:
    if number == errno.EACCES and int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) != 1024:
        pytest.skip("this machine draws the line elsewhere")
    assert told(kernel(number), TCP).startswith(f"tcp://192.0.2.1:80: {sentence}")


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOENT, "/no/file: No such file or directory (ENOENT): there is no such file"),
        (errno.EISDIR, "/no/file: Is a directory (EISDIR): that is a folder: name a file"),
        (errno.EACCES, "Permission denied (EACCES): you may not read /no/file"),
    ],
)
def test_what_the_kernel_answered_of_a_file(number: int, sentence: str) -> None:
    assert told(kernel(number, "/no/file")) == sentence


def test_a_right_that_is_missing_elsewhere() -> None:
    assert told(kernel(errno.EPERM)) == "Operation not permitted (EPERM): you have not the right to do that"


@pytest.mark.parametrize("scheme", ["tcp", "udp"])
def test_whose_a_port_is(scheme: str) -> None:
    kind = sockets.SOCK_STREAM if scheme == "tcp" else sockets.SOCK_DGRAM
    with closing(sockets.socket(sockets.AF_INET, kind)) as holder:
        holder.bind(("127.0.0.1", 0))
        if scheme == "tcp":
            holder.listen()
        endpoint = Endpoint(scheme, "127.0.0.1", holder.getsockname()[1])
        theirs = told(kernel(errno.EADDRINUSE), endpoint)
        ours = told(kernel(errno.EADDRINUSE), endpoint, engine=os.getpid())
    assert re.fullmatch(
        rf"{endpoint}: Address already in use \(EADDRINUSE\) by .+ \(pid {os.getpid()}\): "
        "take another port, or 0 for any",
        theirs,
    )
    assert ours == (
        f"{endpoint}: Address already in use (EADDRINUSE) by this workbench: take another port, or 0 for any"
    )


def test_nobody_is_named_who_cannot_be_found() -> None:
    told_ = told(kernel(errno.EADDRINUSE))
    assert told_ == "Address already in use (EADDRINUSE): take another port, or 0 for any"


def test_who_has_a_path_is_named(tmp_path: Path) -> None:
    endpoint = Endpoint("unix", path=str(tmp_path / "s"))
    with closing(sockets.socket(sockets.AF_UNIX)) as holder:
        holder.bind(endpoint.path)
        holder.listen()
        sentence = told(SocketError(ErrorCode.SOCKET_FILE_LIVE, errno.EADDRINUSE), endpoint, engine=os.getpid())
    assert sentence == (
        f"{endpoint}: Address already in use (EADDRINUSE) by this workbench: a program has it open: take another path"
    )


@pytest.mark.parametrize("text", LINK_LOCAL)
def test_a_link_local_address_needs_its_interface(text: str) -> None:
    sentence = told(kernel(errno.EINVAL), Endpoint.parse(text))
    assert sentence.endswith("(EINVAL): the kernel takes no such address: a link-local one needs its %interface")


@pytest.mark.parametrize("text", LINK_LOCAL)
def test_an_interface_that_there_is_not(text: str) -> None:
    endpoint = Endpoint.parse(text.replace("]", "%nowhere]"))
    error = sockets.gaierror(sockets.EAI_NONAME, "Name or service not known")
    assert told(error, endpoint) == f"{endpoint}: there is no interface nowhere (EAI_NONAME)"


def test_braces_in_what_a_sentence_names_are_only_text() -> None:
    assert explain(Failure(ErrorCode.NOT_A_FILE, "", {"path": "{errno}{x.y}"})) == "{errno}{x.y} is no file"
