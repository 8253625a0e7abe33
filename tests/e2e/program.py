"""The whole program on a real terminal: its screen, its processes, its captures, and what it leaves behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from socktui.journal.reader import CaptureError, Reader
from tests.support import SECONDS, wait_until
from tests.terminal import Terminal

SOCKTUI = str(Path(sys.executable).with_name("socktui"))

_ENTERED = b"\x1b[?1049h"
_LEFT = b"\x1b[?1049l"
_MODES = ("1000", "1003", "1004", "1006", "1015", "1049", "2004")
"""What is switched on and off again: the mouse, the focus, the alternate screen, the bracketed paste."""

_FRAME = "│╭╮╰╯┃┏┓┗┛"
_PLAIN = str.maketrans("┃┏┓┗┛━", "│╭╮╰╯─")

# An echo's client that never pauses: what it has sent is on its way back before it sends more.
_FLOOD = """
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
block = bytes(range(256)) * 256
while True:
    peer.sendall(block)
    left = len(block)
    while left and (got := len(peer.recv(left))):
        left -= got
    if left:
        break
"""


class Program(Terminal):
    """`socktui ARGS...` on a terminal. All its processes have ended when the block is left.

    before  a command that runs it, such as nohup
    """

    def __init__(
        self,
        home: Path,
        *args: object,
        rows: int = 24,
        cols: int = 80,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> None:
        state = home / "state"
        self.home = home
        self.kept = state / "socktui" / "captures"
        own = {"HOME": str(home), "XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(home)}
        super().__init__([*before, SOCKTUI, *map(str, args)], rows, cols, own | dict(env or {}))
        self._known: set[int] = set()

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        engines = self.engines | self._known
        self.close()
        wait_until(lambda: not any(running(pid) for pid in engines))

    # What is to be seen

    def listens(self) -> int:
        """The port of the topmost listener, once it is on the screen."""
        self.wait(Program._port, what="a listener with its port")
        return Program._port(self)

    def frame(self) -> dict[tuple[int, int], str]:
        """Where the borders of panes stand, whichever has the focus. The lines of a title are left out."""
        return {
            (row, col): sign.translate(_PLAIN)
            for row in range(self.rows)
            for col in range(self.cols)
            if (sign := str(self.cell(row, col).data)) and sign in _FRAME
        }

    def stands_on_red(self, text: str) -> bool:
        """Whether a text on the screen has a red ground."""
        found = self.find(text)
        assert found, self.text
        colour = str(self.cell(*found).bg)
        red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
        return red > 2 * max(green, blue)

    @property
    def painted(self) -> str:
        """All that it wrote on the alternate screen."""
        return bytes(self.output).partition(_ENTERED)[2].rpartition(_LEFT)[0].decode()

    @property
    def said(self) -> list[str]:
        """What it said after it had left the alternate screen, control sequences left out."""
        after = bytes(self.output).rpartition(_LEFT)[2].decode()
        return re.sub(r"\x1b\[\?[0-9]+[hl]", "", after).splitlines()

    @property
    def restored(self) -> bool:
        """Whether all that it changed about the terminal is as before, by the last word on each."""
        text = bytes(self.output).decode(errors="replace")
        last = dict(re.findall(r"\x1b\[\?(\d+)([hl])", text))
        keyboard = re.findall(r"\x1b\[([<>])\d*u", text)
        return all(last[mode] == "l" for mode in _MODES) and last["25"] == last["7"] == "h" and keyboard[-1] == "<"

    @property
    def written(self) -> int:
        """How many bytes it has written so far, whoever has read them."""
        return int(re.findall(r"^wchar: (\d+)", Path(f"/proc/{self.pid}/io").read_text(), re.MULTILINE)[0])

    # What is behind

    @property
    def engines(self) -> set[int]:
        """The processes that it started."""
        found: set[int] = set()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                found |= set(map(int, (task / "children").read_text().split()))
        self._known |= found
        return found

    @property
    def captures(self) -> list[Path]:
        """The captures that it keeps, oldest first."""
        return sorted(self.kept.glob("*.socktui"))

    @property
    def capture(self) -> Path:
        """The only one, once it is there."""
        wait_until(lambda: len(self.captures) == 1 and opens(self.captures[0]))
        return self.captures[0]

    # What a person does

    def message(self, text: str) -> None:
        """Type a message into the send box, and send it when it stands there."""
        self.send(text)
        self.wait_for(text)
        self.press("enter")
        self.wait_for("type a message")

    def suspend(self) -> None:
        """Stop it, as Ctrl-Z in a shell does; until it has stopped."""
        self.kill(signal.SIGTSTP)
        self.wait(lambda t: state(t.pid) == "T", what="stopped")
        self.settle(0.05)

    def go_on(self) -> None:
        """What `fg` in a shell does."""
        self.kill(signal.SIGCONT)

    def quit(self) -> int:
        """Leave, and answer the question where there is one; the exit status."""
        self.press("ctrl+q")
        self.wait(lambda t: self._ended or t.find("Say goodbye"), what="the question or the end")
        if not self._ended:
            self.press("y")
        return self.exit_status()

    def _port(self: Terminal) -> int:
        found = re.search(r"LISTEN\b[^│┃]*:(\d+)", self.text)
        return int(found[1]) if found else 0


def running(pid: int) -> bool:
    """Whether a process is there, and more than the exit status of one."""
    return state(pid) not in ("", "Z", "X")


def state(pid: int) -> str:
    """What proc(5) says of a process: "R", "S", "T", ...; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def opens(capture: Path) -> bool:
    try:
        Reader(capture).close()
    except CaptureError:
        return False
    return True


def headless(home: Path, *args: object) -> "subprocess.CompletedProcess[str]":
    """`socktui ARGS...` without a terminal, run to its end."""
    env = os.environ | {"XDG_STATE_HOME": str(home / "state"), "HOME": str(home), "TERM": "xterm"}
    argv = [SOCKTUI, *map(str, args)]
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, env=env, text=True, timeout=SECONDS, check=False
    )


@contextlib.contextmanager
def flood(port: int) -> Iterator[int]:
    """An echo's client at full speed, in a process of its own; its pid."""
    process = subprocess.Popen([sys.executable, "-c", _FLOOD, str(port)], stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def echoed(reader: Reader) -> int:
    """How many bytes all sockets have sent by now."""
    reader.refresh()
    return sum(reader.socket(number).sent for number in range(1, reader.sockets + 1))
