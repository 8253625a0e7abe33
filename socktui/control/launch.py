"""Starting the engine's process. It is light, so that the process boots while whoever starts it loads the rest."""

from __future__ import annotations

import contextlib
import os
import re
import socket as sockets
import subprocess
import sys
from pathlib import Path

from socktui.control.log_level import LOG_VARIABLE
from socktui.core.limits import DISK_FLOOR

LAST_BYTES = 4096
"""Of the log, in which last words are looked for."""

_RECORD = re.compile(r"\t|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \w+\[\d+\] [A-Z]+ ")
"""How a line of the log begins that `control.log` has written."""


class Launch:
    """The engine's process, started at once, so that it is up when it is needed.

    capture    the folder that its journal will be; must not exist
    floor      bytes of free disk below which bytes are no longer kept
    log        the file of the log and of what the engine says when it crashes; made beside the capture where none is
               given, and None where that cannot be
    log_level  one of LOG_LEVELS; empty where no log is asked for, and there are the engine's warnings alone
    control    this end of the control socket
    Raises OSError: a log that was given cannot be written to, or the process cannot be made.
    """

    def __init__(self, capture: Path, *, floor: int = DISK_FLOOR, log: Path | None = None) -> None:
        self.capture = capture
        self.floor = floor
        self._given_log = log
        self.log_level = os.environ.get(LOG_VARIABLE, "") or ("info" if log else "")
        self.log, file = self._open_log(log)
        self._before = os.fstat(file).st_size
        self.control, theirs = sockets.socketpair()
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            command = [
                sys.executable,
                "-m",
                "socktui.control.server",
                str(theirs.fileno()),
                str(capture),
                str(floor),
            ]
            try:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env=os.environ | {LOG_VARIABLE: self.log_level},
                    start_new_session=True,  # Ctrl-C is for whoever started it
                )
            except OSError:
                self.control.close()
                raise
            finally:
                os.close(file)

    def again(self, capture: Path) -> Launch:
        """Another engine with the same options, on a new capture."""
        return Launch(capture, floor=self.floor, log=self._given_log)

    @property
    def pid(self) -> int:
        """The engine's process."""
        return self._process.pid

    def last_words(self) -> str:
        """The last line that it said, where that is why it crashed, and no record of the log; else empty."""
        try:
            lines = self._read_log().decode(errors="replace").rstrip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines and not _RECORD.match(lines[-1]) else ""

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and end it when it takes longer; then its log goes, unless it says something."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            if self.log and not self._given_log and not self.log.stat().st_size:
                self.log.unlink()

    def _read_log(self) -> bytes:
        if self.log is None:
            return b""
        with self.log.open("rb") as file:
            file.seek(max(self._before, os.fstat(file.fileno()).st_size - LAST_BYTES))
            return file.read()

    def _open_log(self, given: Path | None) -> tuple[Path | None, int]:
        """The log's file, where there is one, and a descriptor to write to; never somebody else's file unasked."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        if given is not None:
            return given, os.open(given, flags, 0o600)
        path = self.capture.with_name(self.capture.name + ".log")
        try:
            return path, os.open(path, flags | os.O_EXCL, 0o600)
        except OSError:
            return None, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def engine_version() -> str:
    """What the engine that would be started says of itself: its version, and who does the work of relays."""
    command = [sys.executable, "-m", "socktui.control.server", "--version"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
