"""Printing a capture that grows."""

import asyncio
import threading
from collections.abc import Callable

from socktui.headless.lines import NotKept
from socktui.headless.printing import Printer
from socktui.headless.stdio import say
from socktui.journal.reader import Reader

PAUSE, PAUSE_MOST = 0.005, 0.1


class Follower(threading.Thread):
    """Prints a capture as it grows, in a thread of its own: standard output may be as slow as it likes.

    printer   has the reader to look at for news
    watch     looked at when all there is was printed; once it is true, no more than the rest is to be expected
    over      an event of the loop, set then, and where printing ended early
    finished  an event of the loop: everything is printed that will be
    failure   why printing ended early
    """

    def __init__(self, printer: Printer, watch: Callable[[Reader], bool], over: asyncio.Event) -> None:
        super().__init__(name="socktui-print", daemon=True)
        self._printer = printer
        self._reader = printer.reader
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
        """Print until nothing more is to be expected; in the thread."""
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
            pause = PAUSE if moved else min(pause * 1.2, PAUSE_MOST)
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
