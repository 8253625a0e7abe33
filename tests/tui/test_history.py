"""What was typed before: in a private file, a JSON string a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.tui import history
from socktui.tui.history import KEPT, History


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history"


def test_there_and_back_to_what_was_being_typed(path: Path) -> None:
    lines = History(path)
    for line in ("one", "two"):
        lines.add(line)
    assert lines.newer() is None
    assert [lines.older("draft"), lines.older("x"), lines.older("y")] == ["two", "one", None]
    assert [lines.newer(), lines.newer(), lines.newer()] == ["two", "draft", None]


def test_empty_lines_and_the_same_again_are_not_remembered(path: Path) -> None:
    lines = History(path)
    for line in ("", "one", "one", ""):
        lines.add(line)
    assert path.read_text() == '"one"\n'
    assert [lines.older(""), lines.older("")] == ["one", None]


def test_it_is_there_in_the_next_run_and_private(path: Path) -> None:
    History(path).add('a "quoted"\n line, Ж')
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert History(path).older("") == 'a "quoted"\n line, Ж'


def test_one_beside_another_is_a_file_of_its_own(path: Path) -> None:
    lines = History(path)
    other = lines.beside("found")
    other.add("needle")
    assert lines.older("") is None
    assert (path.parent / "found").read_text() == '"needle"\n'


def test_what_is_no_line_is_passed_over(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'\xff\n{"a": 1}\n[1]\nnull\n"good"\n"cut')
    lines = History(path)
    assert [lines.older(""), lines.older("")] == ["good", None]


def test_old_lines_are_dropped_now_and_then(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    lines = History(path)
    for number in range(100):
        lines.add(f"{number}")
        assert len(path.read_text().splitlines()) <= 6
    assert lines.older("") == "99"
    assert KEPT > 3
    assert [History(path).older(""), path.read_text().splitlines()[-1]] == ["99", '"99"']


def test_a_file_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    lines = History(tmp_path / "state" / "history")
    lines.add("one")
    assert lines.older("") == "one"


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "precious").write_text("")
    path.symlink_to(tmp_path / "precious")
    History(path).add("one")
    assert (tmp_path / "precious").read_text() == ""
