"""What the options of an endpoint mean for TLS: certificates, whom to trust, and the log of keys."""

import functools
import os
import re
import socket as sockets
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.tls import authority

FILE_MAX = 1 << 20

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


def serving(endpoint: Endpoint) -> ssl.SSLContext:
    """Make the context of a listener: with the certificate that it names, or one signed by the user's own authority.

    Of the endpoint's options, `cert` and `key` name files in PEM, `ca` the authority that has to have signed the
    certificates of clients, `name` one more name for the certificate, and `keylog` a file.
    Raises OSError, SocketError. It reads files and may make keys: call it in a thread.
    """
    if endpoint.option("verify"):
        raise SocketError(ErrorCode.VERIFY_ON_LISTENER)
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # a peer that closes with tickets unread resets the connection, and loses what it sent
    if not _show(context, endpoint):
        with _in_memory(authority.issue(_names(endpoint))) as path:
            context.load_cert_chain(path)
    if path := endpoint.option("ca"):
        _trust(context, path, _file(path))
        context.verify_mode = ssl.CERT_REQUIRED
    _log_keys(context, endpoint.option("keylog"))
    return context


def asking(endpoint: Endpoint) -> tuple[ssl.SSLContext, str]:
    """Make the context of a client; return it with the name that the server's certificate has to be for.

    Raises OSError, SocketError. It reads files: call it in a thread.
    """
    name = _asked(endpoint)
    verify = endpoint.option("verify") != "no"
    trusted = []
    if verify and (own := authority.certificate()):
        trusted.append((str(authority.folder() / authority.CERTIFICATE), own))
    if verify and (path := endpoint.option("ca")):
        trusted.append((path, _file(path)))
    if not any(endpoint.option(option) for option in ("cert", "key", "keylog")):
        return _shared(verify, *trusted), name
    context = _trusting(verify, *trusted)
    _show(context, endpoint)
    _log_keys(context, endpoint.option("keylog"))
    return context, name


def _context(protocol: int) -> ssl.SSLContext:
    """Not ssl.create_default_context(): it would log keys where the environment says so, and nobody asked for it."""
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _trusting(verify: bool, *trusted: tuple[str, bytes]) -> ssl.SSLContext:
    """A client's context that trusts the system's authorities, and those in files that were read."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if verify:
        context.load_default_certs()
        for path, data in trusted:
            _trust(context, path, data)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_shared = functools.lru_cache(maxsize=8)(_trusting)
"""The system's authorities are many: reading them takes 25 ms, and they take 1 MiB."""


def _trust(context: ssl.SSLContext, path: str, data: bytes) -> None:
    try:
        context.load_verify_locations(cadata=data.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        raise SocketError(ErrorCode.NO_PEM_CERTIFICATE, path=path) from None


def _show(context: ssl.SSLContext, endpoint: Endpoint) -> bool:
    """Take the certificate and the key that the options name; whether they name one."""
    cert, key = endpoint.option("cert"), endpoint.option("key")
    if not cert:
        if key:
            raise SocketError(ErrorCode.KEY_WITHOUT_CERTIFICATE)
        return False
    key = key or cert
    chain, private = _file(cert), _file(key)
    if b"-----BEGIN CERTIFICATE-----" not in chain:
        raise SocketError(ErrorCode.NO_PEM_CERTIFICATE, path=cert)
    if b"PRIVATE KEY-----" not in private:
        raise SocketError(ErrorCode.NO_PEM_KEY, path=key)

    def password() -> str:
        raise SocketError(ErrorCode.KEY_ENCRYPTED, path=key)

    try:
        with _in_memory(chain) as chain_path, _in_memory(private) as key_path:
            context.load_cert_chain(chain_path, key_path, password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SocketError(ErrorCode.KEY_OF_ANOTHER_CERTIFICATE, key=key, certificate=cert) from None
        reason = _reason(error)
        raise SocketError(ErrorCode.CERTIFICATE_UNUSABLE, certificate=cert, key=key, reason=reason) from None
    return True


def _log_keys(context: ssl.SSLContext, path: str) -> None:
    """Add the secrets of every connection to a file, as Wireshark reads them; made where it is not there."""
    if not path:
        return
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(os.path.expanduser(path), flags, 0o600)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise SocketError(ErrorCode.KEYLOG_EXPOSED, path=path)
        context.keylog_filename = f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _asked(endpoint: Endpoint) -> str:
    """The name that a client asks for (RFC 6066, section 3): without the last dot, or an address without %scope."""
    name = endpoint.option("name") or endpoint.host
    name = name.rstrip(".").partition("%")[0]
    try:
        name = Endpoint.at("tls", f"[{name}]:0" if ":" in name else f"{name}:0").host
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except (EndpointError, ValueError):
        raise SocketError(ErrorCode.TLS_NAME_WRONG, name=ascii(name)[:60]) from None
    return name


def _names(endpoint: Endpoint) -> list[str]:
    """Names and addresses of a listener that clients may ask for."""
    found = ["localhost", "127.0.0.1", "::1"]
    address = endpoint.address
    if address is None or not address.is_unspecified:
        found.append(endpoint.host.partition("%")[0].rstrip("."))
    elif _HOST_NAME.fullmatch(name := sockets.gethostname()):  # machines have been given names that no host can have
        found.append(name)
    if name := endpoint.option("name"):
        found.append(name)
    return list(dict.fromkeys(found))


def _file(path: str) -> bytes:
    """A file's content. Raises OSError, also for what is no file or too big."""
    fd = os.open(os.path.expanduser(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise SocketError(ErrorCode.NOT_A_FILE, path=path)
        if status.st_size > FILE_MAX:
            raise SocketError(ErrorCode.FILE_TOO_BIG, path=path, size=status.st_size)
        return os.read(fd, FILE_MAX)
    finally:
        os.close(fd)


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path for what OpenSSL reads from files only, while nobody else can read it (memfd_create(2))."""
    with open(os.memfd_create("pem"), "r+b") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "it is damaged").lower().replace("_", " ")
