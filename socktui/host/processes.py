"""Which program a process is, and whose (proc(5), passwd(5))."""

from functools import cache
from pathlib import Path


def described(pid: int, uid: int) -> str:
    """`ncat (pid 1234, root)`; what cannot be told is left out.

    pid   0 for a process of another namespace
    """
    name = program(pid)
    whose = f"pid {pid}, {user(uid)}" if pid else user(uid)
    return f"{name} ({whose})" if name else whose


def program(pid: int) -> str:
    """The name of a program that runs; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").removesuffix("\n")
    except OSError:
        return ""


def user(uid: int) -> str:
    """A user's name, or `uid 1234` where this machine's own file has none: a directory may be slow to answer."""
    try:
        return _users().get(uid, f"uid {uid}")
    except OSError:  # for want of a descriptor, perhaps: the next time it may be read
        return f"uid {uid}"


@cache
def _users() -> dict[int, str]:
    """Raises OSError."""
    users: dict[int, str] = {}
    for line in Path("/etc/passwd").read_text(errors="replace").splitlines():
        name, _, number, *_ = [*line.split(":"), "", "", ""]
        if number.isascii() and number.isdigit():
            users.setdefault(int(number), name)
    return users
