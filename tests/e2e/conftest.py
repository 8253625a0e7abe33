"""Fixtures for tests of the whole program."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Where the program keeps its captures and its history. What an echo at full speed leaves there is large."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
