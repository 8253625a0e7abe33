"""Whether there is room for what a section makes."""

import shutil
from pathlib import Path

from tests.bench.plan import GIB

SPARE = GIB
"""What the disk keeps besides: below a floor of free space a capture keeps no more bytes."""


class NoRoom(RuntimeError):
    """A section needs more than is free; what it says is one line."""


def room(folder: Path, need: int) -> None:
    """Raises NoRoom where `folder` cannot take so many bytes."""
    free = shutil.disk_usage(folder).free
    if free < need + SPARE:
        raise NoRoom(
            f"it needs {(need + SPARE) / GIB:.1f} GiB in {folder.parent}, where {free / GIB:.1f} are free: set TMPDIR"
        )
