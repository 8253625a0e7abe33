"""Starting the engine, telling it what to do, and noticing when it has gone."""

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Any

from socktui.control.launch import DISK_FLOOR, Launch
from socktui.control.messages import LINE_LIMIT, VerbError, pack, unpack
from socktui.core.endpoint import Endpoint

END_SECONDS = 10.0


class EngineGone(VerbError):
    """The engine ended, though nobody told it to."""


class Engine:
    """An engine: its process, started at once or launched before, and the way to it.

    capture  the folder that its journal will be; must not exist
    floor    bytes of free disk below which bytes are no longer kept
    notes    what there is to say of some listeners, by number: where the authority of a certificate is
    """

    def __init__(self, capture: Path, *, floor: int = DISK_FLOOR, launch: Launch | None = None) -> None:
        self.capture = capture
        self._launch = launch or Launch(capture, floor=floor)
        self._next = 1
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self.up = asyncio.Event()
        self.gone = asyncio.Event()
        self.notes: dict[int, str] = {}

    @property
    def pid(self) -> int:
        return self._launch.pid

    async def attach(self) -> "asyncio.Future[dict[str, Any]]":
        """Open the way to it, in which verbs wait until it is up.

        What is returned is done before any verb is: when the capture is there, or with a VerbError where it
        cannot be made. It is cancelled where the engine is ended before.
        """
        ready = self._answers[0] = asyncio.get_running_loop().create_future()
        reader, self._writer = await asyncio.open_connection(sock=self._launch.control, limit=LINE_LIMIT)
        self._reading = asyncio.create_task(self._read(reader))
        return ready

    async def ready(self) -> None:
        """Attach, and wait until the capture is there. Raises VerbError where it cannot be made."""
        await (await self.attach())

    async def request(self, verb: str, **args: Any) -> dict[str, Any]:
        """Have a verb carried out; its result. Raises VerbError."""
        number, future = self.begin(verb, **args)
        try:
            return await future
        finally:
            self._answers.pop(number, None)

    def begin(self, verb: str, **args: Any) -> "tuple[int, asyncio.Future[dict[str, Any]]]":
        """Ask for a verb: the request's number, by which it can be stopped, and its answer to come."""
        number, self._next = self._next, self._next + 1
        future = asyncio.get_running_loop().create_future()
        line = pack({"id": number, "verb": verb, "args": args})
        if self.gone.is_set():
            future.set_exception(self._gone())
        elif len(line) >= LINE_LIMIT:
            future.set_exception(VerbError("that is too much to be sent at once: send it as a file", "EMSGSIZE"))
        else:
            self._answers[number] = future
            self._writer.write(line)
        return number, future

    async def listen(self, endpoint: Endpoint, service: str = "echo", *, buffer: int = 0, backlog: int = 0) -> int:
        """Listen; the listener's number. What there is to say of it comes into `notes`. Raises VerbError."""
        result = await self.request(
            "listen", endpoint=str(endpoint), service=service, buffer=buffer, backlog=backlog
        )  # fmt: skip
        number = int(result["socket"])
        if result["note"]:
            self.notes[number] = str(result["note"])
        return number

    async def connect(self, endpoint: Endpoint, *, seconds: float = 0, buffer: int = 0) -> int:
        """Connect; the connection's number. Raises VerbError."""
        result = await self.request("connect", endpoint=str(endpoint), seconds=seconds, buffer=buffer)
        return int(result["socket"])

    async def send(self, numbers: list[int], data: bytes) -> int:
        """Send bytes to sockets; how many went in all. Raises VerbError."""
        result = await self.request("send", sockets=numbers, data=base64.b64encode(data).decode())
        return int(result["sent"])

    async def end(self) -> None:
        """Have the engine say goodbye to its peers and close the capture."""
        if starting := self._answers.pop(0, None):
            starting.cancel()
        if self._reading is None:
            self._launch.control.close()
        else:
            self._writer.close()
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await asyncio.to_thread(self._launch.wait, END_SECONDS)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._answer(unpack(line))
        except (OSError, ValueError):
            pass  # it was killed, perhaps in the middle of an answer
        finally:
            self.gone.set()
            for future in self._answers.values():
                if not future.done():
                    future.set_exception(self._gone())
                    future.exception()  # seen: nobody may be waiting any more

    def _answer(self, message: dict[str, Any]) -> None:
        future = self._answers.pop(message["id"], None)
        if future is None or future.done():
            return
        if error := message.get("error"):
            future.set_exception(VerbError(error["text"], error["errno"]))
        else:
            if message["id"] == 0:
                self.up.set()
            future.set_result(message["result"])

    def _gone(self) -> EngineGone:
        words = self._launch.last_words()
        why = f": {words}" if words else ""
        kept = f"; what it captured is kept in {self.capture}" if self.up.is_set() else ""
        return EngineGone(f"the engine has ended{why}{kept}")
