"""Opening the files of a capture, whatever somebody may have put in their place."""

import os
import stat
from pathlib import Path

from socktui.journal import format


class CaptureError(Exception):
    """One line that says why a folder cannot be read as a capture."""


def open_file(path: Path, capture: Path) -> int:
    """A file of a capture, as a descriptor. Raises CaptureError."""
    try:
        # Not blocking: a pipe in its place would wait for a writer for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise CaptureError(f"{capture} {_missing(path.name, capture)}") from None
    except NotADirectoryError:
        raise CaptureError(f"{capture} is a file: a capture is a folder") from None
    except (OSError, ValueError) as error:
        raise CaptureError(f"{capture} cannot be read: {getattr(error, 'strerror', error)}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise CaptureError(f"{capture} is no capture of socktui: its {path.name!r} is no file")
    return fd


def check_header(calls: int, capture: Path) -> None:
    """Raise CaptureError where the header of the file `calls` is not one that can be read."""
    header = os.pread(calls, format.HEADER_SIZE, 0)
    if not header.startswith(format.MAGIC):
        raise CaptureError(f"{capture} is no capture of socktui: its file 'calls' is of another kind")
    if len(header) < format.HEADER_SIZE:
        raise CaptureError(f"{capture} is damaged: its file 'calls' is cut off within the header")
    version, record_size = (format.U32.unpack_from(header, at)[0] for at in (format.VERSION_AT, format.RECORD_SIZE_AT))
    if version > format.VERSION:
        raise CaptureError(
            f"{capture} is of format {version}, and this version reads up to {format.VERSION}: "
            "open it with a newer socktui"
        )
    if version < 1 or record_size != format.RECORD_SIZE:
        raise CaptureError(f"{capture} is damaged: the header of its file 'calls' makes no sense")


def _missing(name: str, capture: Path) -> str:
    try:
        if any(capture.iterdir()):
            return f"is no capture of socktui, or damaged: no file {name!r} in it"
        return "is an empty folder"
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
