"""Nothing is left behind: neither a process nor a file, however a run ends."""

import ctypes
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench.servers import descendants

MEMORY_FOLDER = Path("/dev/shm")
"""A file system without a disk."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def tidy() -> Iterator[Path]:
    """A folder for everything. After the block it is gone, its like in memory too, and whatever was started has ended.

    The first signal that asks the run to end raises KeyboardInterrupt with its number; later ones are not heard.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    _adopt()
    folder = Path(tempfile.mkdtemp(prefix="socktui-bench-"))
    try:
        try:
            for number in ENDINGS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup(1) leaves it, and `&` in a script
                    signal.signal(number, _interrupt)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
            yield folder
        finally:
            _deaf()
    finally:  # even where a signal came while the ears were being closed
        _end_all()
        for place in (folder, in_memory(folder)):
            shutil.rmtree(place, ignore_errors=True)


def in_memory(folder: Path) -> Path:
    """The folder that goes with tidy()'s, on MEMORY_FOLDER. It is there once somebody makes it."""
    return MEMORY_FOLDER / folder.name


def _adopt() -> None:
    """What loses its parent becomes a child of this process, so that it is found: see prctl(2)."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _end_all() -> None:
    """Sections end what they started; an interrupt in the moment of a start leaves its process to this."""
    while pids := descendants(os.getpid()):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _interrupt(number: int, _: object) -> None:
    _deaf()
    raise KeyboardInterrupt(number)


def _deaf() -> None:
    """Not by SIG_IGN: of one that came a moment before, Python would print that it is ignored."""
    for number in ENDINGS:
        signal.signal(number, lambda *_: None)
