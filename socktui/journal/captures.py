"""The captures that are kept on this machine."""

from dataclasses import dataclass
from pathlib import Path

from socktui.journal import folder, format
from socktui.journal.reader import CaptureError, Reader


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """A capture: where, when it began (ns since 1970), its calls, sockets, bytes on disk, and its state."""

    path: Path
    started: int
    calls: int
    sockets: int
    size: int
    state: str


def list_captures(parent: Path | None = None) -> list[CaptureInfo]:
    """The captures in a folder, oldest first; one that cannot be read says why in its state."""
    parent = parent or folder.captures_folder()
    found = sorted(parent.glob(f"*{format.SUFFIX}")) if parent.is_dir() else []
    return [_look(path) for path in found]


def size_of(path: Path) -> int:
    """Bytes of disk that a capture takes (blocks that are really allocated)."""
    total = 0
    for file in path.iterdir():
        try:
            total += file.lstat().st_blocks * 512
        except FileNotFoundError:
            pass  # the ring goes when its writer ends
    return total


def _look(path: Path) -> CaptureInfo:
    try:
        with Reader(path) as reader:
            state = "live" if reader.live else "complete" if reader.closed_in_order else "cut off"
            if not reader.health.whole:
                state += ", incomplete"
            return CaptureInfo(path, reader.start_wall, reader.count, reader.sockets, size_of(path), state)
    except CaptureError as error:
        return CaptureInfo(path, 0, 0, 0, 0, str(error))
