"""What went wrong with a UNIX socket, told by what stands at its path."""

import errno as errnos
import os
import stat
from pathlib import Path

from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.host import owners


def unix_advice(errno: int, endpoint: Endpoint, engine: int) -> str:
    """What follows the errno's name: who has the path, and what to do; empty where there is nothing to add.

    engine  the process of our own engine
    """
    path = endpoint.path
    folder = os.path.dirname(path) or "."
    match errno:
        case errnos.EADDRINUSE:
            return f"{by_whom(owners.of_unix(path), engine)}: a program has it open: take another name"
        case errnos.ECONNREFUSED:
            return f": {_refused(path)}"
        case errnos.EPROTOTYPE:
            return f": {_other_kind(path)}"
        case errnos.ENOENT | errnos.ENOTDIR if not os.path.isdir(folder):
            return f": there is no folder {folder}"
        case errnos.ENOENT:
            return ": there is no such file: check the path, or start a server first"
        case errnos.EACCES | errnos.EPERM if endpoint.scheme == "unix-dgram" and errno == errnos.EPERM:
            return ": the socket there is connected, and takes datagrams from its peer only"
        case errnos.EACCES | errnos.EPERM if os.path.lexists(path):
            return ": its file does not let you write to it: ask its owner"
        case errnos.EACCES | errnos.EPERM:
            return f": the folder {folder} is not yours to use"
    return ""


def by_whom(holders: owners.Holders, engine: int) -> str:
    """` by ncat (pid 1234)`; empty where there is nobody to name. The process `engine` is this workbench's own."""
    names = ["this workbench" if pid == engine else f"{name} (pid {pid})" for pid, name in holders]
    return f" by {', '.join(names)}" if names else ""


def _refused(path: str) -> str:
    if path.startswith("@"):
        return "no socket that accepts has that name: check it, or start a server first"
    try:
        kind = Path(path).stat().st_mode
    except OSError:
        return "nothing accepts there"
    if stat.S_ISSOCK(kind):
        return "a socket's file is left there, and nothing accepts: start its server again"
    return f"that is a {'folder' if stat.S_ISDIR(kind) else 'file'} and no socket"


def _other_kind(path: str) -> str:
    netid = owners.netid_of_unix(path)
    scheme = next((name for name, kind in SCHEMES.items() if kind.netid == netid), "")
    if not scheme:
        return "the socket there is of another kind"
    return f"the socket there is of another kind: write {Endpoint(scheme, path=path)}"
