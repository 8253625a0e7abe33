"""The engine's process: the table of sockets, the services and the verbs that come over the control socket.

Run as `python -m socktui.control.server FD CAPTURE FLOOR`: the descriptor of the control socket, the folder
of the capture to make, and how many bytes of disk to leave free. It ends when the other end of the control
socket is closed: a screen that dies takes no data with it and leaves no engine behind.
"""

import asyncio
import base64
import resource
import signal
import socket as sockets
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from socktui import __version__
from socktui.control.messages import LINE_LIMIT, VerbError, pack, unpack
from socktui.core.connection import BUFFER_MAX, BUFFER_SIZE
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.engine import fastpath
from socktui.engine.poller import Poller
from socktui.engine.socket_table import BACKLOG, CONNECT_SECONDS, NoSuchSocket, SocketTable
from socktui.journal.writer import Journal
from socktui.services import ServiceError, service
from socktui.services.manual import client

Args = dict[str, Any]
BACKLOG_MAX = (1 << 31) - 1
Verb = Callable[[Args], Awaitable[Args]]


class Server:
    """Carries out verbs, each in a task of its own, so that a slow one holds up no other."""

    def __init__(self, table: SocketTable, writer: asyncio.StreamWriter) -> None:
        self._table = table
        self._writer = writer
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._verbs: dict[str, Verb] = {
            "listen": self._listen,
            "connect": self._connect,
            "send": self._send,
            "shutdown": self._simple(table.shutdown),
            "close": self._simple(table.close),
            "reset": self._simple(table.reset),
            "buffer": self._buffer,
            "stop": self._stop,
        }

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the other end is closed; no verb goes on then."""
        try:
            while line := await reader.readline():
                self._begin(line)
        except OSError:
            pass  # killed, with answers unread
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, line: bytes) -> None:
        try:
            message = unpack(line)
            number, verb = int(message["id"]), self._verbs[message["verb"]]
        except (ValueError, KeyError, TypeError) as error:
            print(f"socktui: a message that makes no sense: {error!r}", file=sys.stderr)  # noqa: T201
            return
        task = asyncio.ensure_future(self._carry_out(number, verb, message.get("args") or {}))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _carry_out(self, number: int, verb: Verb, args: Args) -> None:
        answer: Args
        try:
            answer = {"result": await verb(args)}
        except VerbError as error:
            answer = {"error": {"errno": error.errno, "text": error.text}}
        except asyncio.CancelledError:
            answer = {"error": {"errno": "ECANCELED", "text": "stopped"}}
        except Exception as error:
            traceback.print_exception(error, file=sys.stderr)
            answer = {"error": {"errno": "", "text": f"{number} could not be carried out: {error!r}"}}
        self._writer.write(pack({"id": number, **answer}))

    async def _listen(self, args: Args) -> Args:
        endpoint = _endpoint(args)
        spec = str(args.get("service") or "echo")
        try:
            kind, function = service(spec, self._table.dial)
        except ServiceError as error:
            raise VerbError(str(error), "EINVAL") from error
        if endpoint.kind.messages and not kind.messages:
            raise VerbError(f"{kind.name} needs a stream, and {endpoint.scheme} carries messages", "EINVAL")
        try:
            number, note = await self._table.listen(
                endpoint,
                function,
                spec,
                buffer=_buffer_size(args.get("buffer") or BUFFER_SIZE),
                relay=kind.relay,
                backlog=min(int(args.get("backlog") or BACKLOG), BACKLOG_MAX),
            )
        except (OSError, UnicodeError) as error:
            # Whose a port is takes a look at every process: meanwhile the sockets go on.
            raise await asyncio.to_thread(_explain, error, endpoint) from error
        return {"socket": number, "note": note}

    async def _connect(self, args: Args) -> Args:
        endpoint = _endpoint(args)
        try:
            number = await self._table.connect(
                endpoint,
                client,
                seconds=float(args.get("seconds") or CONNECT_SECONDS),
                buffer=_buffer_size(args.get("buffer") or BUFFER_SIZE),
            )
        except (OSError, UnicodeError) as error:
            raise _explain(error, endpoint) from error
        return {"socket": number}

    async def _send(self, args: Args) -> Args:
        """Send bytes, or a file, to one or several sockets: `count` times, `interval` milliseconds apart."""
        data = base64.b64decode(str(args.get("data", "")))
        file = args.get("file")
        kind = str(args.get("kind", ""))
        numbers = [int(number) for number in args["sockets"]]
        count, interval = int(args.get("count", 1)), float(args.get("interval", 0)) / 1000
        total = 0

        def send(number: int) -> Awaitable[int]:
            if file:
                return self._table.send_file(number, Path(file))
            return self._table.send(number, data, kind)

        try:
            for turn in range(count):
                if turn and interval:
                    await asyncio.sleep(interval)
                total += sum(await asyncio.gather(*(send(number) for number in numbers)))
        except (OSError, NoSuchSocket) as error:
            raise _explain(error) from error
        return {"sent": total}

    async def _buffer(self, args: Args) -> Args:
        try:
            self._table.set_buffer(int(args["socket"]), _buffer_size(args["size"]))
        except NoSuchSocket as error:
            raise VerbError(str(error)) from error
        return {}

    async def _stop(self, args: Args) -> Args:
        """Stop a verb that is still going on, such as a send that repeats."""
        task = self._tasks.get(int(args["id"]))
        if task is not None:
            task.cancel()
        return {}

    def _simple(self, function: Callable[[int], Awaitable[None]]) -> Verb:
        async def verb(args: Args) -> Args:
            try:
                await function(int(args["socket"]))
            except NoSuchSocket as error:
                raise VerbError(str(error)) from error
            except OSError as error:
                raise _explain(error) from error
            return {}

        return verb


def _explain(error: Exception, endpoint: Endpoint | None = None) -> VerbError:
    """The sentence for what a verb ran into; the words are loaded with the first error."""
    from socktui.control.explain import explain

    return explain(error, endpoint)


def _buffer_size(value: Any) -> int:
    if not 1 <= int(value) <= BUFFER_MAX:
        raise VerbError(f"a buffer has from 1 to {BUFFER_MAX} bytes, not {value}", "EINVAL")
    return int(value)


def _endpoint(args: Args) -> Endpoint:
    try:
        return Endpoint.parse(str(args.get("endpoint", "")))
    except EndpointError as error:
        raise VerbError(str(error), "EINVAL") from error


async def run(control: sockets.socket, capture: Path, floor: int, poller: Poller) -> None:
    """Serve verbs until the control socket is closed, then say goodbye to all peers and close the capture."""
    reader, writer = await asyncio.open_connection(sock=control, limit=LINE_LIMIT)
    try:
        journal = Journal(capture, floor=floor)
    except OSError as error:
        failure = VerbError(f"the capture {capture} cannot be made: {error.strerror or error}")
        writer.write(pack({"id": 0, "error": {"errno": "", "text": failure.text}}))
        await writer.drain()
        return
    try:
        writer.write(pack({"id": 0, "result": {"capture": str(capture)}}))
        table = SocketTable(poller, journal)
        serving = asyncio.ensure_future(Server(table, writer).serve(reader))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        await asyncio.wait([serving])
        await table.end()
        if not serving.cancelled():
            serving.result()
    finally:
        journal.close()
        writer.close()


def main() -> None:
    if sys.argv[1:] == ["--version"]:
        print(f"socktui {__version__} (inner loop: {'compiled' if fastpath.wanted() else 'Python'})")  # noqa: T201
        return
    fd, capture, floor = sys.argv[1:4]
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
