"""A search by a regular expression that is bounded in time.

Python's re backtracks: for some expressions, such as `(a+)+$`, it takes time exponential in the input, and nothing else
runs meanwhile. It checks for signals as it goes, so a timer (setitimer(2)) can end it.
"""

import re
import signal
from types import FrameType

SECONDS = 0.1
"""The processor time, in seconds, that a search may take."""


class TooSlow(Exception):
    """The search took longer than SECONDS and was given up."""


_searching = False


def search(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    """pattern.search(data). Raises TooSlow. For the main thread only: Python handles signals there (signal(7))."""
    global _searching
    if signal.getsignal(signal.SIGVTALRM) is not _give_up:
        signal.signal(signal.SIGVTALRM, _give_up)
    _searching = True
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return pattern.search(data)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        _searching = False


def _give_up(number: int, frame: FrameType | None) -> None:
    if _searching:  # the signal may come late, by way of another thread
        raise TooSlow
