"""The file for people and other programs."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from socktui import __version__
from socktui.journal import format
from socktui.journal.meta import read_meta, write_meta
from socktui.journal.reader import Reader


def test_what_it_tells(tmp_path: Path) -> None:
    write_meta(tmp_path, 1_767_358_800_000_000_000, 5)
    meta = read_meta(tmp_path)
    assert meta == json.loads((tmp_path / "meta.json").read_text())
    assert (meta["format"], meta["program"]) == (format.VERSION, f"socktui {__version__}")
    assert (meta["start_wall_ns"], meta["start_monotonic_ns"]) == (1_767_358_800_000_000_000, 5)
    assert datetime.fromisoformat(meta["started"]) == datetime(2026, 1, 2, 13, tzinfo=UTC)
    with pytest.raises(FileExistsError):
        write_meta(tmp_path, 1, 1)


@pytest.mark.parametrize("meta", [None, b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_meta_is_not_needed(whole: Path, tmp_path: Path, meta: bytes | None) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    (path / "meta.json").unlink() if meta is None else (path / "meta.json").write_bytes(meta)
    with Reader(path) as reader:
        assert reader.meta == {}
        assert reader.count == 8
        assert reader.start_wall > 1_700_000_000 * 10**9
