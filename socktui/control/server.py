"""The engine's process: the sockets, the services and the verbs that come over the control socket.

Run as `python -m socktui.control.server FD CAPTURE FLOOR`: the descriptor of the control socket, the folder
of the capture to make, and how many bytes of disk to leave free. It ends when the other end of the control
socket is closed: a screen that dies takes no data with it and leaves no engine behind.
"""

import asyncio
import errno as errnos
import logging
import os
import resource
import signal
import socket as sockets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from socktui import __version__
from socktui.control import log, verbs
from socktui.control.failures import failure_of
from socktui.control.log_level import LOG_VARIABLE
from socktui.control.messages import LINE_LIMIT, Failure, pack, unpack
from socktui.control.verbs import Answer, BadMessage, Verb
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine import fastpath
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.journal.writer import Journal
from socktui.services import ServiceError, service
from socktui.services.manual import client

_log = logging.getLogger("socktui.control.server")  # its __name__ is __main__


class Server:
    """Carries out verbs, each in a task of its own, so that a slow one holds up no other."""

    def __init__(self, table: SocketTable, writer: asyncio.StreamWriter) -> None:
        self._table = table
        self._writer = writer
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the other end is closed; no verb goes on then."""
        try:
            while line := await self._line(reader):
                self._begin(line)
        except OSError:
            pass  # killed, with answers unread
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line; empty at the end. What is longer than a line may be is answered, and passed over."""
        while True:
            try:
                return await reader.readline()
            except ValueError:
                self._refuse(None, Failure(ErrorCode.REQUEST_TOO_LONG, "EMSGSIZE"))

    def _begin(self, line: bytes) -> None:
        number = None
        name: Any = "a request"
        try:
            message = unpack(line)
            number, name = _number(message.get("id")), message.get("verb")
            verb = verbs.verb_from_json(name, message.get("args", {}))
        except ValueError as error:
            _log.warning("a request that makes no sense: %s", error)
            fields: dict[str, str | int] = {"verb": str(name)[:40], "reason": str(error)}
            self._refuse(number, Failure(ErrorCode.BAD_REQUEST, "EINVAL", fields))
            return
        _log.debug("request %d: %s", number, name)
        task = asyncio.ensure_future(self._carry_out(number, verb))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _carry_out(self, number: int, verb: Verb[Answer]) -> None:
        try:
            answer = await self._answer(verb)
        except asyncio.CancelledError:
            self._refuse(number, Failure(ErrorCode.STOPPED, "ECANCELED"))
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                _log.error("request %d failed", number, exc_info=error)
                fields: dict[str, str | int] = {"verb": verbs.name_of(verb), "reason": repr(error)}
                failure = Failure(ErrorCode.ENGINE_FAULT, "", fields)
            self._refuse(number, failure)
        else:
            self._writer.write(pack({"id": number, "result": verbs.to_json(answer)}))

    def _refuse(self, number: int | None, failure: Failure) -> None:
        self._writer.write(pack({"id": number, "error": failure.pack()}))

    async def _answer(self, verb: Verb[Answer]) -> Answer:
        """Carry out a verb. Raises OSError, UnicodeError."""
        match verb:
            case verbs.Listen():
                return await self._listen(verb)
            case verbs.Connect(endpoint, seconds, buffer):
                return verbs.Connected(await self._table.connect(endpoint, client, seconds=seconds, buffer=buffer))
            case verbs.Send(numbers, data, kind, count, interval):
                return await _to_all(numbers, count, interval, lambda each: self._table.send(each, data, kind))
            case verbs.SendFile(numbers, path, count, interval):
                return await _to_all(numbers, count, interval, lambda each: self._table.send_file(each, Path(path)))
            case verbs.Shutdown(number):
                await self._table.shutdown(number)
            case verbs.Close(number):
                await self._table.close(number)
            case verbs.Reset(number):
                await self._table.reset(number)
            case verbs.SetBuffer(number, size):
                self._table.set_buffer(number, size)
            case verbs.Stop(number):
                if task := self._tasks.get(number):
                    task.cancel()
        return verbs.Done()

    async def _listen(self, verb: verbs.Listen) -> verbs.Listening:
        try:
            kind, function = service(verb.service, self._table.dial)
        except ServiceError as error:
            raise SocketError(ErrorCode.SERVICE_WRONG, errnos.EINVAL, reason=str(error)) from error
        scheme = verb.endpoint.scheme
        if verb.endpoint.kind.messages and not kind.messages:
            raise SocketError(ErrorCode.SERVICE_NEEDS_STREAM, errnos.EINVAL, service=kind.name, scheme=scheme)
        number, note = await self._table.listen(
            verb.endpoint, function, verb.service, buffer=verb.buffer, relay=kind.relay, backlog=verb.backlog
        )
        return verbs.Listening(number, note)


async def _to_all(
    numbers: tuple[int, ...], count: int, interval: int, send: Callable[[int], Awaitable[int]]
) -> verbs.Sent:
    """Send to several sockets at once, `count` times, `interval` milliseconds apart; how many bytes went in all."""
    total = 0
    for turn in range(count):
        if turn and interval:
            await asyncio.sleep(interval / 1000)
        total += sum(await asyncio.gather(*(send(number) for number in numbers)))
    return verbs.Sent(total)


def _number(value: Any) -> int:
    """The number of a request. Raises BadMessage."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= verbs.REQUEST_MAX:
        raise BadMessage("a request has a number, its id")
    return value


async def run(control: sockets.socket, capture: Path, floor: int, poller: Poller) -> None:
    """Serve verbs until the control socket is closed, then say goodbye to all peers and close the capture."""
    reader, writer = await asyncio.open_connection(sock=control, limit=LINE_LIMIT)
    try:
        journal = Journal(capture, floor=floor)
    except OSError as error:
        fields: dict[str, str | int] = {"capture": str(capture), "reason": error.strerror or str(error)}
        writer.write(pack({"id": 0, "error": Failure(ErrorCode.CAPTURE_NOT_MADE, "", fields).pack()}))
        await writer.drain()
        return
    try:
        writer.write(pack({"id": 0, "result": {"capture": str(capture)}}))
        table = SocketTable(poller, journal)
        serving = asyncio.ensure_future(Server(table, writer).serve(reader))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        _log.info("up, with the capture %s", capture)
        await asyncio.wait([serving])
        await table.end()
        if not serving.cancelled():
            serving.result()
    finally:
        journal.close()
        writer.close()
        _log.info("ended")


def main() -> None:
    """Be the engine's process, or say what it would be (`--version`)."""
    if sys.argv[1:] == ["--version"]:
        print(f"socktui {__version__} (inner loop: {'compiled' if fastpath.wanted() else 'Python'})")  # noqa: T201
        return
    fd, capture, floor = sys.argv[1:4]
    log.start_in_engine(os.environ.get(LOG_VARIABLE, ""))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the one who started the engine decides when it ends
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    control = sockets.socket(fileno=int(fd))
    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(run(control, Path(capture), int(floor), poller))


if __name__ == "__main__":
    main()
