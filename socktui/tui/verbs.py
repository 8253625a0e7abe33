"""What the keys have the engine do: each returns what was made, or raises VerbError. The screen tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from socktui.control.client import Engine
from socktui.control.messages import Failure, VerbError
from socktui.control.start import open_to_others
from socktui.control.verbs import Close, Connect, Listen, Reset, Send, SendFile, Sent, SetBuffer, Shutdown, Stop, Verb
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
from socktui.core.limits import BUFFER_SIZE
from socktui.core.sockets import Role, Socket
from socktui.tui import dialogs
from socktui.tui.format import endpoint_of
from socktui.tui.outgoing import Payload
from socktui.tui.screens.confirm import Confirm
from socktui.tui.widgets.form import Form

PORTS_TRIED = 32

Made = Callable[[int], None]
"""Told the number of the socket that a dialog has made."""

Ask = Callable[[Confirm], Awaitable[bool | None]]
"""Asks a question, and waits for the answer."""

Ending = Literal["close", "shutdown", "reset"]

_ENDINGS: dict[Ending, type[Close] | type[Shutdown] | type[Reset]] = {
    "close": Close,
    "shutdown": Shutdown,
    "reset": Reset,
}
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Verbs:
    """The verbs of the screen, carried out by the engine.

    taken  the ports that somebody listens on
    """

    def __init__(self, engine: Engine, taken: Callable[[], set[int]]) -> None:
        self._engine = engine
        self._taken = taken
        self._sending: set[int] = set()

    @property
    def repeating(self) -> bool:
        """Whether anything is being sent that has not gone yet."""
        return bool(self._sending)

    # Sockets are made

    async def echo_server(self) -> tuple[int, Endpoint]:
        """An echo server on the first port from 5005 on that is free: its number, and where. Raises VerbError."""
        endpoint = self._free_endpoint()
        for turn in range(PORTS_TRIED):
            try:
                return await self._engine.listen(endpoint, "echo"), endpoint
            except VerbError as error:
                # Bound by one who does not listen, or taken since: the next one will do.
                if error.errno != "EADDRINUSE" or turn == PORTS_TRIED - 1:
                    raise
                endpoint = self._free_endpoint(endpoint.port + 1)
        raise AssertionError("the last turn returns or raises")

    def listen_form(self, ask: Ask, made: Made) -> Form:
        """Ask where to listen, and do so; `made` is told of it."""

        async def submit(values: dict[str, str]) -> str | None:
            endpoint = Endpoint.parse(values["endpoint"])
            if open_to_others(endpoint) and not await ask(_open_to_others(endpoint)):
                return "not started: take 127.0.0.1 to be reached from this machine alone"
            service = dialogs.service_of(values)
            verb = Listen(endpoint, service, int(values["buffer"]), int(values["backlog"]))
            try:
                number = await self._listen(verb, ask)
            except VerbError as error:
                return error.text
            made(number)
            return None

        return dialogs.listen_form(str(self._free_endpoint()), submit)

    async def _listen(self, verb: Listen, ask: Ask) -> int:
        """Listen; in the place of a UNIX socket that nobody uses any more, where that is wanted. Raises VerbError."""
        try:
            return (await self._engine.request(verb)).socket
        except VerbError as error:
            if error.code is not ErrorCode.SOCKET_FILE_STALE or not await ask(_left_behind(verb.endpoint)):
                raise
        instead = replace(verb, endpoint=verb.endpoint.with_option("replace", "yes"))
        return (await self._engine.request(instead)).socket

    async def client(self, listener: Socket) -> int:
        """Connect to a listener of ours; the connection's number. Raises VerbError."""
        endpoint = self._towards(listener)
        if endpoint is None:
            raise _not_asked(f"there is no way to connect to {listener.local}")
        return await self._engine.connect(endpoint)

    def connect_form(self, listener: Socket | None, offered: str, made: Made) -> Form:
        """Ask where to connect to: `offered`, or to a listener of ours; `made` is told of the connection."""

        async def submit(values: dict[str, str]) -> str | None:
            try:
                number = await self._connect(Connect(Endpoint.parse(values["endpoint"]), float(values["seconds"])))
            except VerbError as error:
                return error.text
            made(number)
            return None

        towards = self._towards(listener) if listener else None
        return dialogs.connect_form(offered or str(towards or dialogs.DEFAULT_ENDPOINT), submit)

    async def _connect(self, verb: Connect) -> int:
        """Connect; who gives up waiting gives up the attempt."""
        number, answer = self._engine.begin(verb)
        try:
            return (await answer).socket
        except asyncio.CancelledError:
            self._engine.begin(Stop(number))
            raise

    def _towards(self, listener: Socket) -> Endpoint | None:
        """The endpoint by which this machine reaches a listener."""
        endpoint = endpoint_of(listener)
        return endpoint and replace(endpoint, host=_ANY.get(endpoint.host, endpoint.host))

    def _free_endpoint(self, port: int = 0) -> Endpoint:
        """The lecture's endpoint, or the next one (from `port` on, where given) where nothing listens."""
        first = Endpoint.parse(dialogs.DEFAULT_ENDPOINT)
        taken = self._taken()
        ports = range(port or first.port, 65536)
        return Endpoint(first.scheme, first.host, next((number for number in ports if number not in taken), 0))

    # And are used

    def buffer_form(self, socket: Socket, done: Callable[[int], None]) -> Form:
        """Ask how many bytes each recv() asks for, and set it; `done` is told how many."""

        async def submit(values: dict[str, str]) -> str | None:
            size = int(values["size"])
            try:
                await self._engine.request(SetBuffer(socket.number, size))
            except VerbError as error:
                return error.text
            done(size)
            return None

        return dialogs.buffer_form(BUFFER_SIZE, submit)

    async def end(self, how: Ending, socket: Socket) -> None:
        """Close a connection or stop a listener, half-close, or close with a RST. Raises VerbError."""
        if not socket.open:
            raise _not_asked(f"#{socket.number} is closed already: {socket.why}")
        if how != "close" and socket.role is Role.LISTENER:
            raise _not_asked("a listener has no sending side: x stops it")
        await self._engine.request(_ENDINGS[how](socket.number))

    def repeat_form(self, send: Callable[[int, int], None]) -> Form:
        """Ask how often something is to be sent, and how many milliseconds apart; `send` is told."""

        async def submit(values: dict[str, str]) -> str | None:
            send(int(values["count"]), int(values["interval"]))
            return None

        return dialogs.repeat_form(submit)

    def send(
        self,
        payload: Payload,
        numbers: list[int],
        done: Callable[[Sent | VerbError], None],
        *,
        count: int = 1,
        interval: int = 0,
    ) -> None:
        """Send, after what is being sent already; `done` is told what came of it."""
        verb: Verb[Sent] = (
            SendFile(tuple(numbers), str(payload.file.absolute()), count, interval)
            if payload.file
            else Send(tuple(numbers), payload.data, payload.kind, count, interval)
        )
        number, answer = self._engine.begin(verb)
        self._sending.add(number)

        def answered(answer: asyncio.Future[Sent]) -> None:
            self._sending.discard(number)
            if answer.cancelled():
                return
            error = answer.exception()
            if error is None:
                done(answer.result())
            elif isinstance(error, VerbError):
                done(error)

        answer.add_done_callback(answered)

    async def stop(self) -> None:
        """Stop whatever is being sent. Raises VerbError."""
        if not self._sending:
            raise _not_asked("nothing is being sent")
        for number in list(self._sending):
            await self._engine.request(Stop(number))


def _not_asked(reason: str) -> VerbError:
    """What the engine need not be asked for, as it is plain why it cannot be."""
    return VerbError(reason, Failure(ErrorCode.NOT_ASKED, "", {"reason": reason}))


def _open_to_others(endpoint: Endpoint) -> Confirm:
    """Before other machines can reach us: once, and in red."""
    question = f"{endpoint} is not loopback: every machine that can reach this one can connect. Listen there?"
    return Confirm(question, title="Open to others", danger=True)


def _left_behind(endpoint: Endpoint) -> Confirm:
    question = f"{endpoint} is a socket's file that nothing accepts on any more. Take its place?"
    return Confirm(question, title="A socket left behind")
