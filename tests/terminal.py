"""A real terminal for end-to-end tests: a program runs on a pty, what it paints is kept as cells."""

import codecs
import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import pyte
from wcwidth import wcwidth

SECONDS = 20.0
"""How long anything may take on a busy machine before a test gives it up."""

ESCAPE_SECONDS = 0.2
"""After which an escape is a key of its own."""

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "insert": "\x1b[2~",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
} | {f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"}

# What a terminal obeys in silence and the emulator would misread: CSI with a private mark other than `?` (`CSI >
# 25 u`, of the keyboard protocol, is "restore the cursor" to it), CSI with `$`, and strings of DCS and the like.
_UNSEEN = re.compile(r"\x1b\[[<=>][0-?]*[ -/]*[@-~]|\x1b\[[0-?]*\$[@-~]|\x1b[PX^_][^\x1b\x07]*(?:\x1b\\|\x07)")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[PX^_\]][^\x1b\x07]*\x1b?)?\Z")

# The first terminal that the leader of a session opens becomes its controlling one: Ctrl-C, SIGWINCH and SIGHUP come
# from there. (preexec_fn would do as well, but Python warns of it where there are threads.)
_TAKE_TERMINAL = 'exec "$@" <>"$0" >&0 2>&1'


class Terminal:
    """A program on a pty of its own, as its controlling terminal.

    Output is read while something here waits, never in between: a program that paints a lot meanwhile is held
    up by a full pty, as by a slow terminal.
    """

    def __init__(
        self,
        argv: Sequence[str],
        rows: int = 24,
        cols: int = 80,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> None:
        self.rows, self.cols = rows, cols
        self.screen: Any = pyte.Screen(cols, rows)
        self.output = bytearray()
        """Every byte that the program wrote, as it came."""
        self.read_at = 0.0
        """When (time.perf_counter) the newest output was read."""
        self._stream: Any = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._ended = False
        self._fd, theirs = os.openpty()
        try:
            os.set_blocking(self._fd, False)
            self._set_size(rows, cols)
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _TAKE_TERMINAL, os.ttyname(theirs), *argv],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=cwd,
                env=_environment(env),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._fd)
            raise
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def modes(self) -> list[Any]:
        """What the program has set the terminal to, as termios.tcgetattr() tells it."""
        return termios.tcgetattr(self._fd)

    # What is to be seen

    @property
    def lines(self) -> list[str]:
        """The rows of the screen as text."""
        return [
            _text([row[x].data for x in range(self.cols)])
            for row in map(self.screen.buffer.__getitem__, range(self.rows))
        ]

    @property
    def text(self) -> str:
        """The whole screen as text."""
        return "\n".join(self.lines)

    def cell(self, row: int, col: int) -> Any:
        """One cell, from (0, 0): `.data` is its character; `.fg`, `.bg`, `.bold` are how it is drawn."""
        return self.screen.buffer[row][col]

    def find(self, text: str) -> tuple[int, int] | None:
        """Where a text stands on the screen, topmost first: (row, offset in that row's text)."""
        for row, line in enumerate(self.lines):
            if (col := line.find(text)) >= 0:
                return row, col
        return None

    # What a person does

    def send(self, keys: str | bytes) -> None:
        """Type characters, or bytes as they are."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                self.pump(0.01)

    def press(self, *keys: str) -> None:
        """Press keys by name: `press("c", "enter", "ctrl+q")`. What follows at once on an escape would be alt+key."""
        for place, key in enumerate(keys):
            self.send(KEYS.get(key, key))
            if key == "escape" and place < len(keys) - 1:
                self.rest(ESCAPE_SECONDS)

    def click(self, row: int, col: int) -> None:
        """Press and release the left button on a cell, in the SGR manner that programs ask for."""
        self.send(f"\x1b[<0;{col + 1};{row + 1}M\x1b[<0;{col + 1};{row + 1}m")

    def resize(self, rows: int, cols: int) -> None:
        """Another size, of which the kernel tells the program by SIGWINCH."""
        self.rows, self.cols = rows, cols
        self.screen.resize(rows, cols)
        self._set_size(rows, cols)

    # Waiting

    def pump(self, seconds: float = 0.0) -> bool:
        """Wait at most so long for output and show what has come; whether there was any."""
        if self._ended:
            time.sleep(seconds)
            return False
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody holds the other end any more
            data = b""
        self.read_at = time.perf_counter()
        if not data:
            self._ended = True
            return False
        self.output += data
        self._feed(self._decoder.decode(data))
        return True

    def wait(self, predicate: "Callable[[Terminal], Any]", seconds: float = SECONDS, what: str = "") -> None:
        """Until `predicate(terminal)` holds. Fails with the screen as it is after `seconds`."""
        end = time.monotonic() + seconds
        while not predicate(self):
            left = end - time.monotonic()
            if left <= 0 or (self._ended and not predicate(self)):
                why = "the program has ended" if self._ended else f"not within {seconds:g} s"
                raise AssertionError(f"{why}: {what or predicate}\n{self._framed()}")
            self.pump(min(left, 0.05))

    def wait_for(self, text: str, seconds: float = SECONDS) -> None:
        """Until a text stands on the screen."""
        self.wait(lambda terminal: terminal.find(text), seconds, f"{text!r} on the screen")

    def wait_gone(self, text: str, seconds: float = SECONDS) -> None:
        """Until a text no longer stands on the screen."""
        self.wait(lambda terminal: not terminal.find(text), seconds, f"{text!r} gone")

    def rest(self, seconds: float) -> None:
        """Look at the screen for so long, as a person does between two keys."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.pump(left)

    def settle(self, quiet: float = 0.2, seconds: float = SECONDS) -> None:
        """Until nothing has been painted for `quiet` seconds, or `seconds` are over."""
        end = time.monotonic() + seconds
        while self.pump(quiet) and time.monotonic() < end:
            pass

    def exit_status(self, seconds: float = SECONDS) -> int:
        """Wait for the program's end: its status, negative for the signal that ended it."""
        end = time.monotonic() + seconds
        while (status := self._process.poll()) is None:
            if time.monotonic() >= end:
                raise AssertionError(f"the program runs on after {seconds:g} s\n{self._framed()}")
            self.pump(0.02)
        while self.pump():
            pass
        return status

    # The end

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def hang_up(self) -> None:
        """Take the terminal away from under the program."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self._ended = True

    def close(self) -> None:
        """Take the terminal away; a program that does not end by that is killed."""
        self.hang_up()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _feed(self, text: str) -> None:
        text = self._held + text
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        text, self._held = text[:cut], text[cut:]
        self._stream.feed(_UNSEEN.sub("", text))

    def _set_size(self, rows: int, cols: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def _framed(self) -> str:
        return "\n".join(["┌" + "─" * self.cols, *(f"│{line.rstrip()}" for line in self.lines), "└" + "─" * self.cols])


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment as a modern terminal would change it."""
    plain = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return plain | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"} | dict(more or {})


_NOT_PASSED_ON = frozenset({"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE", "CI"})


def _text(cells: Sequence[str]) -> str:
    """The cells of a row. The second half of a wide character is empty, and blank once the first is painted over.

    pyte's own `display` raises IndexError between the two halves of a frame that paints over it.
    """
    return "".join(cell or (" " if wcwidth(before[:1]) < 2 else "") for before, cell in pairwise(["", *cells]))
