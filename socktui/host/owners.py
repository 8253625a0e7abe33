"""Whose a socket is: from its inode in the kernel's table to the processes that hold it (proc(5))."""

import os
from pathlib import Path

from socktui.host.diag import Diag


def listening_on(port: int) -> list[tuple[int, str]]:
    """(pid, program) of the processes that listen on a TCP port; empty where that cannot be told."""
    try:
        diag = Diag()
    except OSError:
        return []
    try:
        inodes = {row.inode for row in diag.listeners() if row.local[1] == port}
    except OSError:
        return []
    finally:
        diag.close()
    return holders(inodes - {0})


def holders(inodes: set[int]) -> list[tuple[int, str]]:
    """(pid, program) of the processes that hold any of these sockets, as far as we may look."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc") if wanted else ()):
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                if any(_link(entry.path) in wanted for entry in entries):
                    found.append((int(pid), Path(f"/proc/{pid}/comm").read_text().strip()))
        except OSError:
            continue  # it ended, or is another user's
    return found


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
