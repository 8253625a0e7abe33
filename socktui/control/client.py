"""The way to the engine: verbs go down, answers come up, and that it has gone is noticed.

What it takes to speak verbs is loaded with the first of them: the first paint of a screen needs none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from socktui.control.launch import Launch
from socktui.control.messages import LINE_LIMIT, Failure, VerbError, pack, unpack
from socktui.core.errors import ErrorCode
from socktui.core.limits import BACKLOG, BUFFER_SIZE, CONNECT_SECONDS, DISK_FLOOR

if TYPE_CHECKING:
    from socktui.control.start import Start
    from socktui.control.verbs import Answer, Connected, Listening, Verb
    from socktui.core.endpoint import Endpoint

    A = TypeVar("A", bound=Answer)

R = TypeVar("R")

END_SECONDS = 10.0

_log = logging.getLogger(__name__)


class EngineGone(VerbError):
    """The engine ended, though nobody told it to."""


class _Refused(Exception):
    """The engine's answer that a request was not carried out."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Engine:
    """An engine: its process, started at once or launched before, and the way to it.

    capture  the folder that its journal will be; must not exist
    floor    bytes of free disk below which bytes are no longer kept
    up       set once the capture is there
    gone     set when the engine has ended
    notes    what there is to say of some listeners, by number: where the authority of a certificate is
    """

    def __init__(self, capture: Path, *, floor: int = DISK_FLOOR, launch: Launch | None = None) -> None:
        self.capture = capture
        self._launch = launch or Launch(capture, floor=floor)
        self._next = 1
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self.up = asyncio.Event()
        self.gone = asyncio.Event()
        self.notes: dict[int, str] = {}

    @property
    def pid(self) -> int:
        """The engine's process."""
        return self._launch.pid

    async def attach(self) -> asyncio.Future[None]:
        """Open the way to it, in which verbs wait until it is up.

        What is returned is done before any verb is: when the capture is there, or with a VerbError where it
        cannot be made. It is cancelled where the engine is ended before.
        """
        reader, self._writer = await asyncio.open_connection(sock=self._launch.control, limit=LINE_LIMIT)
        result = self._results[0] = asyncio.get_running_loop().create_future()
        self._ready = _seen(self._is_up(result))
        self._reading = asyncio.create_task(self._read(reader))
        return self._ready

    async def ready(self) -> None:
        """Attach, and wait until the capture is there. Raises VerbError where it cannot be made."""
        await (await self.attach())

    async def request(self, verb: Verb[A]) -> A:
        """Have a verb carried out; its answer. Raises VerbError."""
        number, answer = self.begin(verb)
        try:
            return await answer
        finally:
            self._results.pop(number, None)

    def begin(self, verb: Verb[A]) -> tuple[int, asyncio.Future[A]]:
        """Ask for a verb: the request's number, by which Stop stops it, and its answer to come, or a VerbError."""
        from socktui.control import verbs

        number, self._next = self._next, self._next + 1
        line = pack({"id": number, "verb": verbs.name_of(verb), "args": verbs.to_json(verb)})
        result = asyncio.get_running_loop().create_future()
        if self.gone.is_set():
            result.set_exception(self._gone())
        elif len(line) >= LINE_LIMIT:
            result.set_exception(_Refused(Failure(ErrorCode.REQUEST_TOO_LONG, "EMSGSIZE")))
        else:
            self._results[number] = result
            self._writer.write(line)
        return number, _seen(self._answer(verb, result))

    async def start(self, start: Start) -> int:
        """Make what the command line asks for; the socket's number. Raises VerbError."""
        from socktui.control.verbs import Send

        verb: Verb[Listening | Connected] = start.verb
        made = await self.request(verb)
        if start.data:
            await self.request(Send((made.socket,), start.data))
        return made.socket

    # Those that are asked for most, in short

    async def listen(
        self, endpoint: Endpoint, service: str = "echo", *, buffer: int = BUFFER_SIZE, backlog: int = BACKLOG
    ) -> int:
        """Listen; the listener's number. What there is to say of it comes into `notes`. Raises VerbError."""
        from socktui.control.verbs import Listen

        return (await self.request(Listen(endpoint, service, buffer, backlog))).socket

    async def connect(self, endpoint: Endpoint, *, seconds: float = CONNECT_SECONDS, buffer: int = BUFFER_SIZE) -> int:
        """Connect; the connection's number. Raises VerbError."""
        from socktui.control.verbs import Connect

        return (await self.request(Connect(endpoint, seconds, buffer))).socket

    async def send(self, numbers: Sequence[int], data: bytes) -> int:
        """Send bytes to sockets; how many went in all. Raises VerbError."""
        from socktui.control.verbs import Send

        return (await self.request(Send(tuple(numbers), data))).size

    # Its end

    def successor(self, capture: Path) -> Engine:
        """Another engine with the same options, on a new capture."""
        return Engine(capture, launch=self._launch.again(capture))

    def raise_if_gone(self) -> None:
        """Raises EngineGone, which says why, where the engine has ended."""
        if self.gone.is_set():
            raise self._gone()

    async def end(self) -> None:
        """Have the engine say goodbye to its peers and close the capture."""
        if self._ready is not None and not self.up.is_set():
            self._ready.cancel()
        if self._reading is None:
            self._launch.control.close()
        else:
            self._writer.close()
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await asyncio.to_thread(self._launch.wait, END_SECONDS)

    # What it says

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._settle(unpack(line))
        except (OSError, ValueError) as error:
            _log.warning("the engine was killed, perhaps in the middle of an answer: %s", error)
        finally:
            self.gone.set()
            _log.info("the engine %d has gone", self.pid)
            for result in self._results.values():
                if not result.done():
                    result.set_exception(self._gone())

    def _settle(self, message: dict[str, Any]) -> None:
        """Give an answer to whoever waits for it. Raises ValueError where it makes no sense."""
        _log.debug("answer %s", message)
        number = message.get("id")
        if number is None:
            _log.error("the engine could not read a request: %s", message.get("error"))
            return
        result = self._results.pop(number, None)
        if result is None or result.done():
            return
        if error := message.get("error"):
            result.set_exception(_Refused(Failure.unpack(error)))
        else:
            result.set_result(message.get("result"))

    async def _is_up(self, result: asyncio.Future[Any]) -> None:
        try:
            await result
        except _Refused as refused:
            raise await self._explained(refused.failure, None) from None
        self.up.set()

    async def _answer(self, verb: Verb[A], result: asyncio.Future[Any]) -> A:
        from socktui.control import verbs

        try:
            answer = verbs.answer_from_json(verb, await result)
        except _Refused as refused:
            raise await self._explained(refused.failure, getattr(verb, "endpoint", None)) from None
        if isinstance(answer, verbs.Listening) and answer.note:
            self.notes[answer.socket] = answer.note
        return answer

    async def _explained(self, failure: Failure, endpoint: Endpoint | None) -> VerbError:
        """The error with its sentence. Whose a port is takes a look at every process, so it is made in a thread."""
        return VerbError(await asyncio.to_thread(_explain, failure, endpoint, self.pid), failure)

    def _gone(self) -> EngineGone:
        capture = str(self.capture) if self.up.is_set() else ""
        failure = Failure(ErrorCode.ENGINE_GONE, "", {"words": self._launch.last_words(), "capture": capture})
        return EngineGone(_explain(failure, None, 0), failure)


def _explain(failure: Failure, endpoint: Endpoint | None, engine: int) -> str:
    """The words are loaded with the first error."""
    from socktui.control.explain import explain

    return explain(failure, endpoint, engine)


def _seen(work: Coroutine[Any, Any, R]) -> asyncio.Future[R]:
    """Begin it. What it fails with is told to whoever waits, and to nobody else: there may be none who does."""
    future = asyncio.ensure_future(work)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
