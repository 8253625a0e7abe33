"""Files of a capture that grow under their mapping: private, and on blocks that the disk has given."""

import errno
import mmap
import os
import stat
from pathlib import Path

import pytest

from socktui.journal.grow_map import GrowMap, allocate, private_file

STEP = mmap.ALLOCATIONGRANULARITY * 4


def test_a_file_is_private_and_never_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    fd = private_file(path)
    assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
    os.close(fd)
    with pytest.raises(FileExistsError):
        private_file(path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        private_file(tmp_path / "link")


def test_allocated_bytes_have_blocks(tmp_path: Path) -> None:
    fd = private_file(tmp_path / "ring")
    allocate(fd, 0, STEP)
    status = os.fstat(fd)
    os.close(fd)
    assert status.st_size == STEP
    assert status.st_blocks * 512 >= STEP


def test_it_grows_by_steps_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    grown = GrowMap(path, STEP)
    grown.map[:5] = b"first"
    descriptors = len(os.listdir("/proc/self/fd"))
    for step in range(2, 5):
        grown.grow()
        assert grown.size == len(grown.map) == path.stat().st_size == step * STEP
    assert len(os.listdir("/proc/self/fd")) == descriptors, "growing takes no descriptor"
    grown.map[-4:] = b"last"
    assert grown.map[:5] == b"first"
    grown.close(STEP + 5)
    assert path.stat().st_size == STEP + 5
    assert path.read_bytes()[:5] == b"first"


def test_a_disk_without_room_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, at: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    grown = GrowMap(tmp_path / "calls", STEP)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        grown.grow()
    assert grown.size == len(grown.map) == STEP
    grown.map[STEP - 1] = 1
    grown.close(STEP)
