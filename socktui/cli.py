"""The command line. What a command needs is imported by that command: help and headless runs load no screen."""

import argparse
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from socktui import __version__
from socktui.control.start import Start
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.safe import safe
from socktui.headless.output import open_standard_files, say, write_line

BUFFER_MOST = 1 << 20
BACKLOG_MOST = 65535

_EPILOG = """\
Endpoints are written tcp://127.0.0.1:5005, tcp://[::1]:5005, host:port or :port (on 127.0.0.1). Port 0 asks the kernel
for a free one. Messages are on standard error. SIGINT and SIGTERM end a run in order.
Exit status: 0 done, 1 the kernel or the peer said no, 2 bad usage.
"""

_JSON = """\
--json prints one object a call: seq, time (RFC 3339, UTC, in microseconds), duration_us, socket (its number in the
capture), fd, call, args (in the order of the man page, without the descriptor; of send and recv the size), result,
errno (by name, or null), layer, data (what was moved, in base64; null for nothing, or where it was not kept),
answer (an address or a value that the kernel wrote back, or null), made (the number of the accepted socket, or null).
"""


class Parser(argparse.ArgumentParser):
    """What is wrong is said in one line."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message}")
        sys.exit(2)
