"""Where captures go."""

from pathlib import Path

import pytest

from socktui.journal.folder import captures_folder, new_path


def test_new_captures_get_places_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    taken = set()
    for _ in range(3):
        path = new_path()
        assert path not in taken
        taken.add(path)
        path.mkdir()
    assert path.parent == captures_folder()
    assert path.parent.stat().st_mode & 0o777 == 0o700
