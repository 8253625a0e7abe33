"""The file of a UNIX socket (unix(7)): who may use it, whose place it may take, and when it goes.

An engine that is killed leaves its file behind, as every program does. Whoever binds there next is told that
nothing accepts there any more.
"""

import errno as errnos
import os
import secrets
import socket as sockets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.traced import TracedSocket

MODE = 0o600

_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symbolic link"}

Inode = tuple[int, int]


def unix_address(path: str) -> str | bytes:
    """The path of an endpoint as bind(2) and connect(2) take it; `@name` is an abstract name."""
    return b"\0" + path[1:].encode("utf-8", "surrogateescape") if path.startswith("@") else path


def bind_path(traced: TracedSocket, path: str, *, replace: bool) -> "SocketFile":
    """Bind a UNIX socket to a path or an abstract name. Return the file, to be removed before the socket is closed.

    replace  take the place of a socket's file to which nothing is bound any more
    Raises OSError; SocketError with EADDRINUSE, whose code says what is in the way.
    """
    if path.startswith("@"):
        traced.bind(unix_address(path))
        return SocketFile(path, None)
    if replace:
        _remove_stale(path)
    os.fchmod(traced.fd, MODE)  # bind(2) takes the file's mode from the socket: it never has a wider one
    try:
        traced.bind(path)
    except OSError as error:
        if error.errno != errnos.EADDRINUSE:
            raise
        raise _in_the_way(path) from error
    return SocketFile(path, _inode(os.lstat(path)))


class SocketFile:
    """The file that bind(2) has made; for an abstract name, none.

    inode  device and inode number of the file, by which it is known
    """

    def __init__(self, path: str, inode: Inode | None) -> None:
        self._path = path
        self._inode = inode

    def remove(self) -> None:
        """Remove the file, unless another file has its name by now.

        The socket must still be open: it keeps its inode's number from being given to another file.
        """
        try:
            if self._inode and _inode(os.lstat(self._path)) == self._inode:
                _take(self._path, self._inode)
        except OSError:
            pass  # somebody has removed it, or may now forbid it

    @contextmanager
    def removed_on_failure(self) -> Iterator[None]:
        """Remove the file if the body raises."""
        try:
            yield
        except BaseException:
            self.remove()
            raise


def _remove_stale(path: str) -> None:
    """Remove the file of a socket that nothing is bound to; leave everything else where it is."""
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return  # bind(2) tells why
    try:
        if _taken(fd).code is ErrorCode.SOCKET_FILE_STALE:
            _take(path, _inode(os.fstat(fd)))
    finally:
        os.close(fd)


def _in_the_way(path: str) -> SocketError:
    """What has the name that bind(2) was refused."""
    try:
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return SocketError(ErrorCode.SOCKET_FILE_TAKEN_JUST_NOW, errnos.EADDRINUSE)
    try:
        return _taken(fd)
    finally:
        os.close(fd)


def _taken(fd: int) -> SocketError:
    """What a file (opened with O_PATH) is, to one who wants its place."""
    found = os.fstat(fd)
    if not stat.S_ISSOCK(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "device or a pipe")
        return SocketError(ErrorCode.PATH_IS_NO_SOCKET, errnos.EADDRINUSE, kind=kind)
    # A datagram socket disturbs nobody: a stream that listens, and one that does not yet, answers EPROTOTYPE.
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as probe:
        refused = probe.connect_ex(f"/proc/self/fd/{fd}") == errnos.ECONNREFUSED
    if not refused:
        return SocketError(ErrorCode.SOCKET_FILE_LIVE, errnos.EADDRINUSE)
    mine = found.st_uid == os.geteuid()
    return SocketError(ErrorCode.SOCKET_FILE_STALE if mine else ErrorCode.SOCKET_FILE_OF_ANOTHER, errnos.EADDRINUSE)


def _take(path: str, inode: Inode) -> None:
    """Remove a file if it is this inode. Raises OSError.

    It goes to a name of our own first and is looked at there, so that one that came meanwhile is not removed.
    """
    aside = f"{path}.{secrets.token_hex(8)}"
    os.rename(path, aside)
    if _inode(os.lstat(aside)) != inode:
        os.link(aside, path, follow_symlinks=False)
    os.unlink(aside)


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino
