"""The list of captures."""

import os
import shutil
from pathlib import Path

from socktui.journal.captures import list_captures, size_of
from socktui.journal.writer import Journal
from tests.journal.test_files import newer
from tests.journal.writing import RING


def test_the_list_of_captures_tells_what_is_wrong_with_each(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "a.socktui")
    shutil.copytree(whole, tmp_path / "b.socktui")
    os.truncate(tmp_path / "b.socktui/calls", 4096 + 100)
    shutil.copytree(whole, tmp_path / "c.socktui")
    newer(tmp_path / "c.socktui")
    live = Journal(tmp_path / "d.socktui", ring_size=RING, floor=0)
    (tmp_path / "notes.txt").touch()
    states = [(each.path.name, each.calls, each.state) for each in list_captures(tmp_path)]
    live.close()
    assert states[0] == ("a.socktui", 8, "complete")
    assert states[1][:2] == ("b.socktui", 1)
    assert "is of format 3" in states[2][2]
    assert states[3] == ("d.socktui", 0, "live")
    assert list_captures(tmp_path / "nowhere") == []


def test_the_size_is_that_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 30)
    (tmp_path / "full").write_bytes(os.urandom(1 << 16))
    (tmp_path / "link").symlink_to("nowhere")
    assert 1 << 16 <= size_of(tmp_path) < 1 << 20
