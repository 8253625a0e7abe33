"""A capture that grows leaves the memory of the machine to others."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.journal.page_cache import PageCache
from tests.journal.mincore import in_memory
from tests.support import wait_until

MIB = 1 << 20


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True).stdout
    if kind.strip() in ("tmpfs", "ramfs"):
        pytest.skip(f"{tmp_path} is memory itself")
    fd = os.open(tmp_path / "heap", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def append(fd: int, written: PageCache, mib: int) -> None:
    for _ in range(mib):
        at = os.lseek(fd, 0, os.SEEK_END)
        os.write(fd, os.urandom(MIB))
        written.up_to(at + MIB)


def test_only_the_end_of_a_long_file_stays_in_memory(file: int) -> None:
    written = PageCache(file, cached=4 * MIB, step=2 * MIB)
    append(file, written, 32)

    def little() -> bool:
        os.fsync(file)
        append(file, written, 2)
        return in_memory(file) <= 10 * MIB

    wait_until(little)
    assert in_memory(file) >= 4 * MIB
    written.close()


def test_a_short_file_is_left_where_it_is(file: int) -> None:
    written = PageCache(file, cached=4 * MIB, step=2 * MIB)
    append(file, written, 5)
    os.fsync(file)
    written.close()
    assert in_memory(file) == 5 * MIB
