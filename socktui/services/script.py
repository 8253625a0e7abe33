"""A server that answers by the rules in a file. The file is TOML, and is read again whenever it is saved:

    # socktui listen :5005 --service script=rules.toml
    frame = "line"                  # what a rule is matched against, see below

    [connect]                       # before anything is received
    answer = "220 ready\\r\\n"        # a text; escapes such as \\x00 are those of the send box

    [[rule]]                        # the first rule that matches is taken
    text = "PING"                   # anywhere in the received bytes
    answer = "PONG\\r\\n"

    [[rule]]
    regex = '(?i)^get (\\d+)'        # searched for in the received bytes: bytes, not characters
    answer = ["wait...", { wait = 0.5 }, { file = "reply.bin" }]

    [[rule]]
    hex = "de ad be ef"
    answer = [{ hex = "00 01" }, { reset = true }]

    [[rule]]
    text = "QUIT"
    answer = ["bye\\r\\n", { close = true }]

    [default]                       # where no rule matches; without it, nothing is answered
    answer = "what?\\r\\n"

Text and hex are quoted as TOML has it: in '...' nothing but the send box's own escapes counts. A file is looked for
beside the rules, and is read together with them.

`frame` says how a stream is cut. A line is all bytes up to a LF, without it and its CR. A chunk is what one recv(2)
returns. A buffer, which is the default, holds all bytes that were received and not answered: the rule that matches
first in it answers everything up to the end of its match, and the rest is matched again; with a default, bytes that no
rule matches are answered and dropped at once, so that a rule cannot match across two chunks. Datagrams, packets and
messages are matched one by one. Of all of these, BOUND bytes count. An expression that takes too long is left out.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from socktui.core.connection import Connection
from socktui.core.service import ServiceFunction
from socktui.services.error import ServiceError
from socktui.services.lingering_close import lingering_close
from socktui.services.rulefile import load
from socktui.services.rules import End, Incoming, Rules, Send, Steps, Wait

_log = logging.getLogger(__name__)

TURN_SECONDS = 0.01


def script(path: str) -> ServiceFunction:
    """The service that answers by the rules in a file. Raises ServiceError, one sentence."""
    book = Book(Path(path))

    async def serve(connection: Connection) -> None:
        incoming = Incoming()
        goes_on = await _perform(connection, [book.rules().connect])
        while goes_on and (data := await connection.recv()) is not None:
            goes_on = await _perform(connection, incoming.answers(book.rules(), data, whole=connection.messages))
        if goes_on:
            await _perform(connection, incoming.rest(book.rules()))

    return serve


class Book:
    """The rules of a file, as of its last valid version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._look()
        self._rules = load(path)

    def rules(self) -> Rules:
        """The rules, read again where the file has changed. One that has become wrong is reported once, and ignored."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._rules = load(self._path)
            except ServiceError as error:
                _log.warning("script=%s: %s; the rules stay as they were", self._path, error)
        return self._rules

    def _look(self) -> tuple[int, int, int] | None:
        """What identifies a version of the file: its time in ns, inode and size; None where there is no file."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


async def _perform(connection: Connection, answers: Iterable[Steps]) -> bool:
    """Carry out the steps of answers. Whether the connection goes on."""
    began = monotonic()
    for steps in answers:
        for step in steps:
            match step:
                case Send(data):
                    await connection.send(data)
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case End(reset=True):
                    connection.reset()
                    return False
                case End():
                    await lingering_close(connection)
                    return False
        if monotonic() - began > TURN_SECONDS:
            await asyncio.sleep(TURN_SECONDS)  # many small lines without an answer: others have their turn
            began = monotonic()
    return True
