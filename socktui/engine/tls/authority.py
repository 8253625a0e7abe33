"""A certificate authority of the user's own: it signs the certificates of listeners that were given none."""

from __future__ import annotations

import errno as errnos
import os
import shutil
import socket as sockets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from socktui.core.errors import ErrorCode, SocketError
from socktui.journal.grow_map import private_file

if TYPE_CHECKING:
    import trustme

CERTIFICATE = "ca.pem"
KEY = "ca-key.pem"
FILE_MAX = 1 << 16
LEAF_LIFE = timedelta(days=365)
CLOCKS_DIFFER = timedelta(days=1)

_MAY_WRITE = 0o022
_MAY_DO_ANYTHING = 0o077
_UNIT_MAX = 64  # X.520, ub-organizational-unit-name


def folder() -> Path:
    """The folder of the authority's files: in the user's data folder (platformdirs)."""
    return platformdirs.user_data_path("socktui") / "ca"


def certificate() -> bytes:
    """Return the authority's certificate, in PEM; empty where there is no authority yet.

    Raises OSError where it cannot be read; SocketError where another user could have written it.
    """
    return _read(CERTIFICATE, _MAY_WRITE) if os.path.lexists(folder()) else b""


def issue(names: Sequence[str]) -> bytes:
    """Return a new key and a certificate for host names and addresses, in PEM. Make the authority if there is none.

    It takes a tenth of a second and more: call it in a thread. Raises OSError, SocketError.
    """
    import trustme  # it brings a big library, which only a listener without a certificate needs

    if not os.path.lexists(folder()):
        _put(trustme.CA(path_length=0, organization_name="socktui", organization_unit_name=_unit("authority")))
    certificate, key = _read(CERTIFICATE, _MAY_WRITE), _read(KEY, _MAY_DO_ANYTHING)
    try:
        authority = trustme.CA.from_pem(certificate, key)
    except (ValueError, TypeError):
        raise SocketError(ErrorCode.AUTHORITY_DAMAGED, folder=str(folder())) from None
    now = datetime.now(UTC)
    try:
        leaf = authority.issue_cert(
            *names,
            organization_name="socktui",
            organization_unit_name=_unit("listener"),
            not_before=now - CLOCKS_DIFFER,
            not_after=now + LEAF_LIFE,
        )
    except ValueError as error:
        raise SocketError(ErrorCode.NO_CERTIFICATE_FOR, names=", ".join(names), reason=str(error)) from None
    return leaf.private_key_and_cert_chain_pem.bytes()


def _put(authority: trustme.CA) -> None:
    """Put a new authority in its place, whole or not at all; where another process was first, its own stays."""
    parent = folder().parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".ca-", dir=parent))
    try:
        _write(made / KEY, authority.private_key_pem.bytes())
        _write(made / CERTIFICATE, authority.cert_pem.bytes())
        os.rename(made, folder())  # rename(2): never over a folder that holds something, nor over a link
    except OSError as error:
        if error.errno not in (errnos.ENOTEMPTY, errnos.EEXIST, errnos.ENOTDIR):
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    with open(private_file(path), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(name: str, others: int) -> bytes:
    """A file of the authority. Raises OSError where it is not the user's, or others have the rights `others`."""
    place = folder()
    with _opened(place, os.O_DIRECTORY) as directory:
        _check(directory, place, _MAY_WRITE)
        with _opened(place / name, os.O_NONBLOCK, directory) as file:
            _check(file, place / name, others)
            return os.read(file, FILE_MAX)


@contextmanager
def _opened(path: Path, flags: int, directory: int | None = None) -> Iterator[int]:
    try:
        fd = os.open(
            path if directory is None else path.name,
            os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags,
            dir_fd=directory,
        )
    except OSError as error:
        raise SocketError(ErrorCode.AUTHORITY_UNREADABLE, error.errno, path=str(path)) from error
    try:
        yield fd
    finally:
        os.close(fd)


def _check(fd: int, path: Path, others: int) -> None:
    status = os.fstat(fd)
    if status.st_uid != os.geteuid():
        raise SocketError(ErrorCode.AUTHORITY_OF_ANOTHER, path=str(path))
    if status.st_mode & others:
        raise SocketError(ErrorCode.AUTHORITY_EXPOSED, path=str(path))


def _unit(what: str) -> str:
    """What tells certificates apart in a list of them."""
    return f"{what} on {sockets.gethostname()}, {datetime.now(UTC):%Y-%m-%d}"[:_UNIT_MAX]
