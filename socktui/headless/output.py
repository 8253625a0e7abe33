"""Printing: to a person on standard error, and calls on standard output as fast as that takes them."""

import asyncio
import os
import select
import sys
import threading
from collections.abc import Callable

from socktui.core.safe import safe
from socktui.core.sockets import Socket
from socktui.headless.lines import Format, NotKept
from socktui.journal.reader import Health, Reader

BATCH = 256 << 10
BATCH_CALLS = 1024
PAUSE, PAUSE_MOST = 0.005, 0.05

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


def write_line(text: str) -> None:
    """One line of safe text on standard output. Raises OSError."""
    write(STDOUT, f"{text}\n".encode(terminal_encoding(), "backslashreplace"))


def say_what_is_missing(health: Health) -> bool:
    """Say how much a capture has lost, loudly; whether it is whole."""
    if not health.whole:
        say(f"capture incomplete: {health.lost_bytes} bytes, {health.lost_calls} calls not kept", loud=True)
    return health.whole


class Printer:
    """Writes the calls of a capture to standard output, in batches of bounded size."""

    def __init__(self, reader: Reader, form: Format) -> None:
        self._reader = reader
        self._form = form
        self.position = 0

    def advance(self) -> bool:
        """Print a batch of the calls that there are; whether there were any. Raises OSError and NotKept."""
        parts: list[bytes] = []
        size = 0
        stop = min(self._reader.count, self.position + BATCH_CALLS)
        begun = self.position
        try:
            while self.position < stop and size < BATCH:
                piece = self._form(self._reader, self._reader.call(self.position))
                parts.append(piece)
                size += len(piece)
                self.position += 1
        finally:
            write(STDOUT, b"".join(parts))
        return self.position > begun


class Follower(threading.Thread):
    """Prints a capture as it grows, in a thread of its own: standard output may be as slow as it likes.

    watch     looked at when all there is was printed; once it is true, no more than the rest is to be expected
    over      an event of the loop, set then, and where printing ended early
    finished  an event of the loop: everything is printed that will be
    failure   why printing ended early
    """

    def __init__(self, reader: Reader, form: Format, watch: Callable[[Reader], bool], over: asyncio.Event) -> None:
        super().__init__(name="socktui-print", daemon=True)
        self._printer = Printer(reader, form)
        self._reader = reader
        self._watch = watch
        self._over = over
        self._warned = False
        self._loop = asyncio.get_running_loop()
        self._no_more = threading.Event()
        self.finished = asyncio.Event()
        self.failure: OSError | NotKept | None = None

    @property
    def printed(self) -> int:
        """How many calls have been dealt with."""
        return self._printer.position

    def finish(self) -> None:
        """No more calls are written: print the rest and end."""
        self._no_more.set()

    def run(self) -> None:
        try:
            self._follow()
        except (OSError, NotKept) as error:
            self.failure = error
        finally:
            self._tell(self._over)
            self._tell(self.finished)

    def _follow(self) -> None:
        pause = PAUSE
        while True:
            last = self._no_more.is_set()
            self._reader.refresh()
            moved = False
            while self._printer.advance():
                moved = True
            if last:
                return
            if self._watch(self._reader):
                self._tell(self._over)
            self._warn()
            pause = PAUSE if moved else min(pause * 1.5, PAUSE_MOST)
            self._no_more.wait(pause)

    def _warn(self) -> None:
        """Say when it begins that the capture loses something; how much is told at the end."""
        if not self._warned and not self._reader.health.whole:
            self._warned = True
            say("the capture is incomplete from here on: the disk takes no more bytes", loud=True)

    def _tell(self, event: asyncio.Event) -> None:
        try:
            self._loop.call_soon_threadsafe(event.set)
        except RuntimeError:
            pass  # the loop did not wait for us
