"""Captures that several modules' tests spoil copies of."""

from pathlib import Path

import pytest

from tests.journal.writing import left_behind, small


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small capture that was closed in order."""
    path = tmp_path_factory.mktemp("whole") / "c.socktui"
    small(path)
    return path


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a killed writer leaves it."""
    path = tmp_path_factory.mktemp("killed") / "c.socktui"
    left_behind(path)
    return path
