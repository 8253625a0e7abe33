"""Whose a socket is: from its inode in the kernel's table to the processes that hold it (proc(5))."""

import os
from collections.abc import Callable, Iterable

from socktui.host.diag import Diag
from socktui.host.processes import program
from socktui.host.rows import Row
from socktui.host.unix import UnixRow, file_at

Holders = list[tuple[int, str]]
"""(pid, program) of processes; empty where that cannot be told."""


def of_tcp(port: int) -> Holders:
    """Those that listen on a TCP port."""
    return _found(Diag.listeners, lambda row: row.local[1] == port)


def of_udp(port: int) -> Holders:
    """Those that receive on a UDP port."""
    return _found(Diag.datagrams, lambda row: row.local[1] == port)


def of_unix(path: str) -> Holders:
    """Those that have bound a path, or an abstract name."""
    bound = _bound_to(path)
    return _found(Diag.unix_sockets, bound)


def netid_of_unix(path: str) -> str:
    """The netid of the socket that has bound a path, or an abstract name; empty where that cannot be told."""
    bound = _bound_to(path)
    return next((row.netid for row in _rows(Diag.unix_sockets) if bound(row)), "")


def holders(inodes: set[int]) -> Holders:
    """Those that hold any of these sockets, as far as we may look."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc") if wanted else ()):
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                if any(_link(entry.path) in wanted for entry in entries):
                    found.append((int(pid), program(int(pid))))
        except OSError:
            continue  # it ended, or is another user's
    return found


def _bound_to(path: str) -> Callable[[Row], bool]:
    """Whether a row has bound this path, however it was written then; the accepted ends of connections have it too."""
    file = None if path.startswith("@") else file_at(path)

    def bound(row: Row) -> bool:
        same = row.local[0] == path if file is None else isinstance(row, UnixRow) and row.file == file
        return same and (row.state in ("LISTEN", "UNCONN") or row.netid == "u_dgr")

    return bound


def _found(table: Callable[[Diag], Iterable[Row]], wanted: Callable[[Row], bool]) -> Holders:
    return holders({row.inode for row in _rows(table) if wanted(row)} - {0})


def _rows(table: Callable[[Diag], Iterable[Row]]) -> list[Row]:
    try:
        diag = Diag()
    except OSError:
        return []
    try:
        return list(table(diag))
    except OSError:
        return []
    finally:
        diag.close()


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
