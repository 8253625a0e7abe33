"""The file of a capture that is for people and other programs: what was captured where, by what, and since when."""

import json
import os
import socket as sockets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from socktui import __version__
from socktui.journal import format
from socktui.journal.files import CaptureError, open_file
from socktui.journal.grow_map import private_file

LIMIT = 1 << 16


def write_meta(capture: Path, wall: int, monotonic: int) -> None:
    """Write it for a capture that starts now, by both clocks in ns. Raises OSError."""
    system = os.uname()
    meta = {
        "format": format.VERSION,
        "program": f"socktui {__version__}",
        "host": sockets.gethostname(),
        "system": f"{system.sysname} {system.release} {system.machine}",
        "started": datetime.fromtimestamp(wall / 1e9, UTC).isoformat(timespec="microseconds"),
        "start_wall_ns": wall,
        "start_monotonic_ns": monotonic,
    }
    with open(private_file(capture / format.META), "w", encoding="utf-8") as file:
        json.dump(meta, file, indent=2)
        file.write("\n")


def read_meta(capture: Path) -> dict[str, Any]:
    """What meta.json tells; nothing where it is missing or damaged: the header has all that reading needs."""
    try:
        fd = open_file(capture / format.META, capture)
    except CaptureError:
        return {}
    try:
        meta = json.loads(os.read(fd, LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    finally:
        os.close(fd)
    return meta if isinstance(meta, dict) else {}
