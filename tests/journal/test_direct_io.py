"""A file that is written past the page cache holds the same bytes as one that is written through it."""

import errno
import mmap
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.journal import direct_io
from socktui.journal.direct_io import ALIGNMENT, DirectFile
from tests.journal import disks
from tests.journal.mincore import in_memory

SIZE = 1 << 20


@pytest.fixture(scope="module")
def memory() -> memoryview:
    """Random bytes, aligned as those of a ring are."""
    mapped = mmap.mmap(-1, SIZE)
    mapped[:] = os.urandom(SIZE)
    return memoryview(mapped)


def append(file: DirectFile, memory: memoryview, start: int, end: int, *, urgent: bool = False) -> None:
    while start < end:
        start += file.write(memory[start:end], start, urgent=urgent)


@pytest.mark.parametrize("kind", disks.KINDS)
@given(
    sizes=st.lists(st.integers(1, 20000) | st.integers(1, 8).map(lambda n: n * 4096), max_size=30),
    least=st.integers(1, 9000),
)
def test_what_is_written_is_there_however_it_is_cut(
    memory: memoryview, kind: str, sizes: list[int], least: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        disks.make(kind, monkeypatch)
        path, at = Path(folder) / "heap", 0
        file = DirectFile(path, least=least)
        for size in sizes:
            append(file, memory, at, at + size)
            at += size
            assert os.pread(file.fd, at, 0) == memory[:at]
        file.close()
        assert path.read_bytes() == memory[:at]


def test_a_memory_file_system_takes_it_too(memory: memoryview) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("there is no /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder) / "heap"
        file = DirectFile(path, least=ALIGNMENT)
        append(file, memory, 0, SIZE - 5)
        file.close()
        assert path.read_bytes() == memory[: SIZE - 5]


def test_long_writes_leave_nothing_in_the_page_cache_and_short_ones_wait_for_no_disk(
    tmp_path: Path, memory: memoryview, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.need_direct(tmp_path)
    seen = disks.writes(monkeypatch)
    file = DirectFile(tmp_path / "heap", least=4 * ALIGNMENT)
    append(file, memory, 0, 8 * ALIGNMENT)
    assert in_memory(file.fd) == 0
    append(file, memory, 8 * ALIGNMENT, 8 * ALIGNMENT + 100)
    append(file, memory, 8 * ALIGNMENT + 100, SIZE - 100)
    file.close()
    assert seen == [
        (True, 0, 8 * ALIGNMENT),
        (False, 8 * ALIGNMENT, 100),
        (False, 8 * ALIGNMENT + 100, ALIGNMENT - 100),
        (True, 9 * ALIGNMENT, SIZE - 10 * ALIGNMENT),
        (False, SIZE - ALIGNMENT, ALIGNMENT - 100),
    ]


def test_who_refuses_once_is_not_asked_again(
    tmp_path: Path, memory: memoryview, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.need_direct(tmp_path)
    asked = []

    def refuse(fd: int, data: memoryview, at: int) -> None:
        if disks.is_direct(fd):
            asked.append(at)
            raise OSError(errno.EINVAL, "")

    disks.writes(monkeypatch, refuse)
    file = DirectFile(tmp_path / "heap", least=SIZE // 8)
    append(file, memory, 0, SIZE // 2)
    append(file, memory, SIZE // 2, SIZE)
    file.close()
    assert asked == [0]
    assert (tmp_path / "heap").read_bytes() == memory


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_other_errors_are_those_of_the_disk(
    tmp_path: Path, memory: memoryview, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    file = DirectFile(tmp_path / "heap", least=SIZE // 8)

    def fail(*_: object) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(OSError, match=os.strerror(error)) as raised:
        file.write(memory, 0)
    assert raised.value.errno == error
    file.close()


def test_a_slow_disk_is_left_to_the_page_cache_for_a_while_if_somebody_waits(
    tmp_path: Path, memory: memoryview, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.need_direct(tmp_path)
    monkeypatch.setattr(direct_io, "SLOW", 0)
    monkeypatch.setattr(direct_io, "CATCHING_UP", SIZE // 2)
    seen = disks.writes(monkeypatch)
    file = DirectFile(tmp_path / "heap", least=ALIGNMENT)
    step = SIZE // 8
    for turn in range(8):
        append(file, memory, turn * step, (turn + 1) * step, urgent=turn == 2)
    file.close()
    assert [direct for direct, _, _ in seen] == [True, True, False, False, False, False, True, True]
    assert (tmp_path / "heap").read_bytes() == memory


def test_a_fast_disk_is_not(tmp_path: Path, memory: memoryview, monkeypatch: pytest.MonkeyPatch) -> None:
    disks.need_direct(tmp_path)
    monkeypatch.setattr(direct_io, "SLOW", 1)
    seen = disks.writes(monkeypatch)
    file = DirectFile(tmp_path / "heap", least=SIZE // 8)
    append(file, memory, 0, SIZE // 2, urgent=True)
    append(file, memory, SIZE // 2, SIZE, urgent=True)
    file.close()
    assert seen == [(True, 0, SIZE // 2), (True, SIZE // 2, SIZE // 2)]


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "heap").write_text("mine")
    with pytest.raises(FileExistsError):
        DirectFile(tmp_path / "heap", least=SIZE // 8)
    assert (tmp_path / "heap").read_text() == "mine"
