"""Starting the engine's process. It is light, so that the process boots while whoever starts it loads the rest."""

import contextlib
import os
import socket as sockets
import subprocess
import sys
from pathlib import Path

DISK_FLOOR = 256 << 20


class Launch:
    """The engine's process, started at once, so that it is up when it is needed.

    capture  the folder that its journal will be; must not exist
    floor    bytes of free disk below which bytes are no longer kept
    control  this end of the control socket
    """

    def __init__(self, capture: Path, *, floor: int = DISK_FLOOR) -> None:
        self.capture = capture
        self.control, theirs = sockets.socketpair()
        self._log = capture.with_name(capture.name + ".log")
        self._logs = True
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
            log = self._open_log()
            try:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for whoever started it
                )
            except OSError:
                self.control.close()
                raise
            finally:
                os.close(log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def last_words(self) -> str:
        """The last line that it said, which is why it crashed."""
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines() if self._logs else []
        except OSError:
            lines = []
        return lines[-1] if lines else ""

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and end it when it takes longer; then its log goes, unless it says something."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            if self._logs and not self._log.stat().st_size:
                self._log.unlink()

    def _open_log(self) -> int:
        """A place for what the engine says when it crashes; never somebody else's file."""
        try:
            return os.open(self._log, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            self._logs = False
            return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def engine_version() -> str:
    """What the engine that would be started says of itself: its version, and who does the work of relays."""
    command = [sys.executable, "-m", "socktui.control.server", "--version"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
