"""The three standard files: what is said to a person on standard error, and what goes to standard output."""

import os
import select
import sys

from socktui.core.call import errno_name
from socktui.core.safe import safe

STDIN, STDOUT, STDERR = 0, 1, 2


def open_standard_files() -> None:
    """Have something behind the descriptors 0, 1 and 2.

    One that was closed by whoever started the program would be given to the next file or socket, and that
    would be read and printed to.
    """
    for fd in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free


def say(text: str, *, loud: bool = False) -> None:
    """One line for a person; `loud` in red where that can be seen. Never fails: there may be nobody to tell."""
    line = safe(text)
    if loud and os.isatty(STDERR) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        line = f"\x1b[31m{line}\x1b[0m"
    try:
        write(STDERR, f"{line}\n".encode(sys.stderr.encoding if sys.stderr else "utf-8", "backslashreplace"))
    except OSError:
        pass


def terminal_encoding() -> str:
    """The encoding of text on standard output. Bytes of another could mean a control to a terminal."""
    return sys.stdout.encoding if sys.stdout else "utf-8"


def write(fd: int, data: bytes) -> None:
    """Write all of it, also where somebody who shares the file has made it non-blocking. Raises OSError."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"standard {'output' if fd == STDOUT else 'error'}") from None


def why(error: OSError) -> str:
    """What failed and how, by the errno's name."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror} ({errno_name(error.errno or 0)})"


def write_line(text: str) -> None:
    """One line of safe text on standard output. Raises OSError."""
    write(STDOUT, f"{text}\n".encode(terminal_encoding(), "backslashreplace"))
