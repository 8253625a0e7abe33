"""A search by a regular expression that cannot take for ever.

Python's re tries all ways in which an expression may fit, which for some expressions, `(a+)+$` for one, are more than
anybody can wait for; meanwhile nothing else runs. It looks for signals on its way, and so a timer ends it.
"""

import re
import signal
from types import FrameType

SECONDS = 0.1
"""Processor time that a search may take."""


class TooSlow(Exception):
    """The search was given up."""


_searching = False


def search(pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    """pattern.search(data). Raises TooSlow. Only for the main thread, which is where signals are handled."""
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
