"""One listener or one connection without a screen, from its start to its end in order."""

import asyncio
import errno as errnos
import os
import signal
from dataclasses import dataclass, replace
from enum import Enum

from socktui.control import log, verbs
from socktui.control.client import Engine
from socktui.control.explain import explain
from socktui.control.launch import Launch
from socktui.control.messages import Failure, VerbError
from socktui.control.start import Start, open_to_others
from socktui.core.call import errno_name
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.errors import ErrorCode
from socktui.core.sockets import End, Socket
from socktui.headless import lines
from socktui.headless.follow import Follower
from socktui.headless.printing import Printer, say_what_is_missing
from socktui.headless.stdin import CHUNK, Input
from socktui.headless.stdio import STDIN, say, terminal_encoding, why
from socktui.journal.reader import CaptureError, Reader

PATIENCE = 2.0
QUIET_SECONDS = 1.0
"""How long a client of datagrams waits for the next after the end of standard input."""

DATAGRAM_MOST = 65507
"""Bytes that a UDP datagram over IPv4 can hold."""


class InputError(Exception):
    """Standard input cannot be read: one sentence."""


class Output(Enum):
    """What goes to standard output."""

    TEXT = "text"
    JSON = "json"
    QUIET = "quiet"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True)
class Options:
    """What a headless run was asked for, on an engine that is starting.

    seconds  how long it goes on; None is to its end
    """

    start: Start
    launch: Launch
    output: Output
    seconds: float | None = None


def run(options: Options) -> int:
    """Do what was asked for; the exit status."""
    log.start_beside(options.launch.log, "headless", options.launch.log_level)
    return asyncio.run(Session(options).run())


class Session:
    """What goes on between the first message and the last."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._start = options.start
        self._capture = options.launch.capture
        self._endpoint = options.start.verb.endpoint
        self._connecting = not options.start.listens
        self._over = asyncio.Event()  # nothing more is to be expected
        self._told = asyncio.Event()  # somebody wants it to end
        self._hurry = asyncio.Event()  # somebody wants it to end now

    async def run(self) -> int:
        """Until the work is done, the time is up or a signal has come; the exit status."""
        self._heed_signals()
        engine = Engine(self._capture, launch=self._options.launch)
        follower, number, failure = None, 0, ""
        try:
            number = await self._begin(engine)
            if number:
                follower = self._follow(engine, number)
                await self._work(engine, number)
        except (VerbError, CaptureError, InputError) as error:
            failure = str(error)
        finally:
            await engine.end()
        if follower:
            await self._print_rest(follower)
            return self._look_back(follower, number, failure)
        if failure:
            say(failure)
        return 1 if failure else 0

    def _heed_signals(self) -> None:
        def heed() -> None:
            (self._hurry if self._told.is_set() else self._told).set()
            self._over.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
                loop.add_signal_handler(number, heed)

    async def _begin(self, engine: Engine) -> int:
        """Listen or connect; the socket's number, or 0 where a signal came first. Raises VerbError."""

        async def start() -> int:
            await engine.ready()
            return await engine.start(self._start)

        starting, told = asyncio.ensure_future(start()), asyncio.ensure_future(self._told.wait())
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not starting.done():
            starting.cancel()
            return 0
        return starting.result()

    def _follow(self, engine: Engine, number: int) -> Follower:
        """Say that it is up, and begin to print."""
        reader = Reader(self._capture)
        self._announce(reader.socket(number))
        if note := engine.notes.get(number):
            say(note)
        at_terminal = os.isatty(STDIN)

        def done(reader: Reader) -> bool:
            if not self._connecting:
                return False
            socket = reader.socket(number)
            # What a pipe still holds is sent after the peer's FIN; a person is not asked to type on.
            return bool(socket.ended) or (at_terminal and socket.end is End.PEER_FIN)

        follower = Follower(Printer(reader, self._form(number)), done, self._over)
        follower.start()
        return follower

    def _announce(self, socket: Socket) -> None:
        """The first message. It has the address that the kernel gave."""
        asked = self._endpoint
        if isinstance(self._start.verb, verbs.Connect):
            say(f"connected to {_where(asked, socket.peer)}")
            if socket.insecure:
                say("the peer's certificate was not verified: anybody may be answering", loud=True)
            return
        say(f"listening on {_where(asked, socket.local)} ({self._start.verb.service})")
        if open_to_others(asked):
            place = asked.option("group") or asked.host
            say(f"listening on {place}: every machine that can reach this one can connect", loud=True)

    def _form(self, number: int) -> lines.Format | None:
        match self._options.output:
            case Output.TEXT:
                return lines.text_lines(terminal_encoding())
            case Output.JSON:
                return lines.json_lines()
            case Output.PIPE:
                return lines.received(number)
            case Output.QUIET:
                return None

    async def _work(self, engine: Engine, number: int) -> None:
        """Until it is over. Raises VerbError where the engine or the connection cannot go on."""
        over = asyncio.ensure_future(self._over.wait())
        gone = asyncio.ensure_future(engine.gone.wait())
        feeding = asyncio.ensure_future(self._feed(engine, number)) if self._connecting else None
        tasks = {over, gone, feeding} if feeding else {over, gone}
        done, _ = await asyncio.wait(tasks, timeout=self._options.seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        if not done:
            self._told.set()
        if gone in done:
            engine.raise_if_gone()
        if feeding in done:
            await feeding

    async def _feed(self, engine: Engine, number: int) -> None:
        """Send what comes on standard input, then the FIN; a peer may answer at length.

        Datagrams have no FIN: what is read at a time is one, and it ends when no more have come for a while.
        """
        kind = self._endpoint.kind
        endless = kind.message and self._endpoint.scheme != "unix-seqpacket"
        stdin = Input(DATAGRAM_MOST if kind.message else CHUNK)
        try:
            while data := await stdin.read():
                await engine.send([number], data)
        except OSError as error:
            raise InputError(f"standard input cannot be read: {error.strerror}") from error
        if not endless:
            await engine.request(verbs.Shutdown(number))
        elif self._options.seconds is None:
            await self._quiet(engine, number)
            return
        await self._over.wait()

    async def _quiet(self, engine: Engine, number: int) -> None:
        """Until nothing has come for QUIET_SECONDS."""
        with Reader(engine.capture) as reader:
            last = -1
            while last != (last := reader.socket(number).last) and not self._over.is_set():
                await asyncio.wait({asyncio.ensure_future(self._over.wait())}, timeout=QUIET_SECONDS)

    async def _print_rest(self, follower: Follower) -> None:
        """Let everything be printed; once told to end, only for as long as somebody takes it."""
        follower.finish()
        finished, told, hurry = (
            asyncio.ensure_future(event.wait()) for event in (follower.finished, self._told, self._hurry)
        )
        await asyncio.wait({finished, told}, return_when=asyncio.FIRST_COMPLETED)
        printed = -1
        while not finished.done() and not hurry.done() and follower.printed > printed:
            printed = follower.printed
            await asyncio.wait({finished, hurry}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not finished.done():
            say("standard output was not read to its end: the capture has it all")
        for task in (finished, told, hurry):
            task.cancel()

    def _look_back(self, follower: Follower, number: int, failure: str) -> int:
        """Say what went wrong, where the capture is and what it holds; the exit status."""
        try:
            with Reader(self._capture) as reader:
                failure = self._why_ended(reader.socket(number)) or failure or _why_not_printed(follower)
                if failure:
                    say(failure)
                whole = _sum_up(reader)
        except CaptureError as error:
            say(failure or str(error))
            return 1
        return 0 if whole and not failure else 1

    def _why_ended(self, socket: Socket) -> str:
        """What the connection ended by, where it was not in order."""
        unheard = socket.datagrams and socket.errno and not socket.received
        in_order = socket.end not in (End.PEER_RESET, End.FAILED) and not unheard
        if in_order or not self._connecting or self._told.is_set():
            return ""
        if socket.errno == errnos.EPROTO and socket.reason:
            failure = Failure(ErrorCode.PROTOCOL, "EPROTO", {"reason": socket.reason})
        else:
            failure = Failure(ErrorCode.KERNEL, errno_name(socket.errno))
        return explain(failure, self._endpoint)


def _where(asked: Endpoint, address: str) -> str:
    """An endpoint with the address that the kernel tells in place of the one that was asked for."""
    try:
        found = Endpoint.at(asked.scheme, address)
    except EndpointError:
        found = asked  # it has none, as the peer of a raw socket
    return str(replace(found, path=found.path if asked.kind.form == "path" else asked.path, options=()))


def _why_not_printed(follower: Follower) -> str:
    """Why printing ended early. A closed pipe is no failure: whoever read it has seen enough."""
    match follower.failure:
        case None | BrokenPipeError():
            return ""
        case OSError() as error:
            return why(error)
        case error:
            return str(error)


def _sum_up(reader: Reader) -> bool:
    """Say where the capture is and how much is in it; whether nothing is missing."""
    sockets = [reader.socket(number) for number in range(1, reader.sockets + 1)]
    received, sent = sum(socket.received for socket in sockets), sum(socket.sent for socket in sockets)
    say(f"capture: {reader.path}")
    say(f"{reader.count} calls, {received} bytes received, {sent} bytes sent")
    return say_what_is_missing(reader.health)
