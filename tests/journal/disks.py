"""Disks for a capture: as they are, and those that refuse direct writes, at open(2) or only at pwrite(2)."""

import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journal.mincore import in_memory

KINDS = ("as it is", "refuses to open", "refuses to write")


def make(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every file system of that kind."""
    opened, write = os.open, os.pwrite

    def refuse_open(path: Path, flags: int, *args: Any, **options: Any) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return opened(path, flags, *args, **options)

    def refuse_write(fd: int, data: memoryview, at: int) -> int:
        if is_direct(fd):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return write(fd, data, at)

    if kind == "refuses to open":
        monkeypatch.setattr(os, "open", refuse_open)
    elif kind == "refuses to write":
        monkeypatch.setattr(os, "pwrite", refuse_write)


def is_direct(fd: int) -> bool:
    flags = next(line for line in Path(f"/proc/self/fdinfo/{fd}").read_text().splitlines() if line.startswith("flags:"))
    return bool(int(flags.split()[1], 8) & os.O_DIRECT)


def writes(
    monkeypatch: pytest.MonkeyPatch, also: Callable[[int, memoryview, int], None] = lambda *_: None
) -> list[Any]:
    """A list that grows with every write to a file: whether it was direct, its offset, and how much it wrote.

    also  called before each, with its arguments; may raise
    """
    write = os.pwrite
    seen: list[tuple[bool, int, int]] = []

    def pwrite(fd: int, data: memoryview, at: int) -> int:
        also(fd, data, at)
        written = write(fd, data, at)
        seen.append((is_direct(fd), at, written))
        return written

    monkeypatch.setattr(os, "pwrite", pwrite)
    return seen


def need_direct(folder: Path) -> None:
    """Skip the test where the file system of a folder has no direct writes, or only pretends to."""
    path = folder / "probe"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    except OSError:
        pytest.skip(f"{folder} takes no direct writes")
    try:
        with mmap.mmap(-1, mmap.PAGESIZE) as page:
            os.pwrite(fd, page, 0)
        if in_memory(fd):
            pytest.skip(f"{folder} is memory itself")
    except OSError:
        pytest.skip(f"{folder} takes no direct writes")
    finally:
        os.close(fd)
        path.unlink()
