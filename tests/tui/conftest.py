"""Fixtures for the tests of the screen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tui.drive import Drive, workbench


@pytest.fixture
async def drive(tmp_path: Path) -> AsyncIterator[Drive]:
    """A workbench on a real engine."""
    async with workbench(tmp_path) as drive:
        yield drive
