"""The log: what went on, for whoever looks for a fault. The engine and whoever started it write to the same file.

`SOCKTUI_LOG=debug|info|warning` says how much; without it the engine's warnings are there, and nothing else. A record
begins a line with the time and a process; lines that belong to it are led by a tab. So what is not written here, such
as the traceback of an engine that crashes, can be told from it (`Launch.last_words`).
"""

import logging
import sys
from pathlib import Path

from socktui.control.log_level import LOG_LEVELS
from socktui.core.safe import safe

_FORMAT = "%(asctime)s.%(msecs)03d {}[%(process)d] %(levelname)s %(name)s: %(message)s"


class Lines(logging.Formatter):
    """Records as lines that are safe to be shown.

    who  the process, in a word
    """

    def __init__(self, who: str) -> None:
        super().__init__(_FORMAT.format(who), "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The record, and each line of it but the first led by a tab."""
        return "\n\t".join(map(safe, super().format(record).splitlines()))


def start_in_engine(level: str) -> None:
    """Log to standard error, which is the log's file: warnings at least. For the engine's process."""
    _start(logging.StreamHandler(sys.stderr), "engine", level if level in LOG_LEVELS else "warning")


def start_beside(file: Path | None, who: str, level: str) -> None:
    """Log to the file of an engine that was launched, where a log is asked for. For the process that launched it."""
    if level and file:
        _start(logging.FileHandler(file), who, level)


def _start(handler: logging.Handler, who: str, level: str) -> None:
    logging.raiseExceptions = False  # a log that cannot be written is no reason to write on a screen
    handler.setFormatter(Lines(who))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
