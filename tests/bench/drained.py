"""A program on a terminal that only reads: what it paints is not drawn, so that no emulator shares the cores."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.load import end
from tests.bench.servers import Server, ended
from tests.support import wait_until

SECONDS = 60.0
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")


class Drained:
    """`argv` on a pty of so many rows and columns. Its processes have ended when the block is left.

    text     what is waited for, if it is painted in one piece
    painted  bytes so far
    """

    def __init__(self, argv: Sequence[str], home: Path, text: str = "", rows: int = 40, cols: int = 120) -> None:
        own = {"HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        own |= {"PYTHONPYCACHEPREFIX": str(home / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        look = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.painted = 0
        self._text = text.encode()
        self._kept = b""
        self._came_at = 0.0
        self._came = threading.Event()
        self._fd, theirs = os.openpty()
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=_environment(own | look)
        )
        os.close(theirs)
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pids = Server(0, self.pid).pids[1:] if self._process.poll() is None else []
        end(self._process)
        self._reading.join()
        os.close(self._fd)
        wait_until(lambda: all(map(ended, pids)))

    def seconds(self) -> float:
        """How long after the start the text was painted."""
        if not self._came.wait(SECONDS) or not self._came_at:
            why = "it ended" if self._came.is_set() else f"not within {SECONDS:g} s"
            raise RuntimeError(f"{self._process.args!r}: {self._text.decode()!r} was not painted: {why}")
        return self._came_at - self._began

    def wait(self) -> None:
        """Until it has ended by itself. Raises RuntimeError for a status other than 0."""
        if status := self._process.wait(SECONDS):
            raise RuntimeError(f"{self._process.args!r} ended with status {status}")

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:  # EIO: nobody holds the other end any more
                self._came.set()
                return
            self.painted += len(data)
            if not self._came.is_set():
                self._look(data)

    def _look(self, data: bytes) -> None:
        at = time.perf_counter()
        self._kept += data
        if self._text in _SEQUENCE.sub(b"", self._kept):
            self._came_at, self._kept = at, b""
            self._came.set()


def socktui(*args: object) -> list[str]:
    return [sys.executable, "-m", "socktui", *map(str, args)]


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    odd = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI"}
    return {name: value for name, value in os.environ.items() if name not in odd} | dict(own)
