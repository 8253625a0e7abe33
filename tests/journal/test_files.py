"""What is no capture, or of another version: one line says so."""

import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from socktui.journal import format
from socktui.journal.files import CaptureError, open_file
from socktui.journal.reader import Reader


def newer(path: Path) -> None:
    with (path / "calls").open("r+b") as file:
        file.seek(format.VERSION_AT)
        file.write(struct.pack("<I", format.VERSION + 1))


def foreign(path: Path) -> None:
    (path / "calls").write_bytes(b"\x0a\x0d\x0d\x0a" * 2000)


def no_size(path: Path) -> None:
    with (path / "calls").open("r+b") as file:
        file.seek(format.RECORD_SIZE_AT)
        file.write(struct.pack("<I", 32))


def short(path: Path) -> None:
    os.truncate(path / "calls", 100)


def gone(path: Path) -> None:
    shutil.rmtree(path)


def empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def other_files(path: Path) -> None:
    empty(path)
    (path / "photo.jpg").touch()


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("hello")


def no_heap(path: Path) -> None:
    (path / "heap").unlink()


def folder_for_calls(path: Path) -> None:
    (path / "calls").unlink()
    (path / "calls").mkdir()


def pipe_for_heap(path: Path) -> None:
    (path / "heap").unlink()
    os.mkfifo(path / "heap")


def pipe_for_calls(path: Path) -> None:
    (path / "calls").unlink()
    os.mkfifo(path / "calls")


def link_for_calls(path: Path) -> None:
    (path / "calls").rename(path / "elsewhere")
    (path / "calls").symlink_to(path / "elsewhere")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (newer, "is of format 3, and this version reads up to 2: open it with a newer socktui"),
        (foreign, "is no capture of socktui: its file 'calls' is of another kind"),
        (no_size, "is damaged: the header of its file 'calls' makes no sense"),
        (short, "is damaged: its file 'calls' is cut off within the header"),
        (gone, "does not exist"),
        (empty, "is an empty folder"),
        (other_files, "is no capture of socktui, or damaged: no file 'calls' in it"),
        (a_file, "is a file: a capture is a folder"),
        (no_heap, "is no capture of socktui, or damaged: no file 'heap' in it"),
        (folder_for_calls, "is no capture of socktui: its 'calls' is no file"),
        (pipe_for_calls, "is no capture of socktui: its 'calls' is no file"),
        (pipe_for_heap, "is no capture of socktui: its 'heap' is no file"),
        (link_for_calls, "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_one_line_says_why(whole: Path, tmp_path: Path, harm: Callable[[Path], None], why: str) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    harm(path)
    with pytest.raises(CaptureError, match=f"^{re.escape(f'{path} {why}')}$"):
        Reader(path)


def test_a_file_is_opened_for_reading_and_closed_on_exec(whole: Path) -> None:
    fd = open_file(whole / format.CALLS, whole)
    try:
        assert not os.get_inheritable(fd)
        assert os.pread(fd, len(format.MAGIC), 0) == format.MAGIC
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(fd, b"x")
    finally:
        os.close(fd)
