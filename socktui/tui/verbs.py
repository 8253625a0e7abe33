"""What the keys have the engine do. Each says in one sentence what came of it, where the user looks."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.start import open_to_others
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Role, Socket
from socktui.tui import dialogs
from socktui.tui.format import endpoint_of
from socktui.tui.outgoing import Payload
from socktui.tui.screens.confirm import Confirm
from socktui.tui.widgets.form import Form

if TYPE_CHECKING:
    from socktui.tui.screens.workbench import Workbench

PORTS_TRIED = 32
REPLACE = "?replace=yes"
"""How the engine says that nobody uses the place any more that is taken."""

NOTE_SECONDS = 15.0

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Verbs:
    """The verbs of the screen, carried out by the engine."""

    def __init__(self, screen: Workbench, engine: Engine) -> None:
        self._screen = screen
        self._engine = engine
        self._sending: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @property
    def repeating(self) -> bool:
        """Whether anything is being sent that has not gone yet."""
        return bool(self._sending)

    async def echo_server(self) -> None:
        """An echo server on the first port from 5005 on that is free."""
        endpoint = self._free_endpoint()
        for turn in range(PORTS_TRIED):
            try:
                number = await self._engine.listen(endpoint, "echo")
            except VerbError as error:
                # Bound by one who does not listen, or taken since: the next one will do.
                if error.errno != "EADDRINUSE" or turn == PORTS_TRIED - 1:
                    self._screen.complain(error.text)
                    return
                endpoint = self._free_endpoint(endpoint.port + 1)
            else:
                self._screen.chose(number)
                self._screen.say(f"listening on {endpoint} (echo). c connects a client")
                return

    def listen(self) -> Form:
        async def submit(values: dict[str, str]) -> str | None:
            endpoint = Endpoint.parse(values["endpoint"])
            if open_to_others(endpoint) and not await self._sure(endpoint):
                return "not started: take 127.0.0.1 to be reached from this machine alone"
            try:
                number = await self._listen(endpoint, values)
            except VerbError as error:
                return error.text
            self._screen.chose(number)
            self.tell(number)
            return None

        return dialogs.listen_form(str(self._free_endpoint()), submit)

    async def _listen(self, endpoint: Endpoint, values: dict[str, str]) -> int:
        """Listen; in the place of a UNIX socket that nobody uses any more, where that is wanted. Raises VerbError."""
        service = dialogs.service_of(values)
        buffer, backlog = int(values["buffer"]), int(values["backlog"])
        try:
            return await self._engine.listen(endpoint, service, buffer=buffer, backlog=backlog)
        except VerbError as error:
            if error.errno != "EADDRINUSE" or REPLACE not in error.text:
                raise
            question = f"{endpoint} is a socket's file that nothing accepts on any more. Take its place?"
            if not await self._screen.app.push_screen_wait(Confirm(question, title="A socket left behind")):
                raise
        endpoint = endpoint.with_option("replace", "yes")
        return await self._engine.listen(endpoint, service, buffer=buffer, backlog=backlog)

    def tell(self, number: int) -> None:
        """Say what there is to say of a listener."""
        if note := self._engine.notes.get(number):
            self._screen.say(note, seconds=NOTE_SECONDS)

    async def client(self, listener: Socket) -> None:
        """Connect to a listener of ours."""
        endpoint = self._towards(listener)
        if endpoint is None:
            self._screen.complain(f"there is no way to connect to {listener.local}")
            return
        try:
            number = await self._engine.connect(endpoint)
        except VerbError as error:
            self._screen.complain(error.text)
        else:
            self._screen.connected(number)

    def connect_to(self, listener: Socket | None, offered: str = "") -> Form:
        """Ask where to: `offered`, or to a listener of ours."""

        async def submit(values: dict[str, str]) -> str | None:
            try:
                number = await self._connect(values["endpoint"], float(values["seconds"]))
            except VerbError as error:
                return error.text
            self._screen.connected(number)
            return None

        towards = self._towards(listener) if listener else None
        return dialogs.connect_form(offered or str(towards or dialogs.DEFAULT_ENDPOINT), submit)

    def _towards(self, listener: Socket) -> Endpoint | None:
        """The endpoint by which this machine reaches a listener."""
        endpoint = endpoint_of(listener)
        return endpoint and replace(endpoint, host=_ANY.get(endpoint.host, endpoint.host))

    async def _connect(self, endpoint: str, seconds: float) -> int:
        """Connect; who gives up waiting gives up the attempt."""
        number, answer = self._engine.begin("connect", endpoint=endpoint, seconds=seconds)
        try:
            return int((await answer)["socket"])
        except asyncio.CancelledError:
            self._engine.begin("stop", id=number)
            raise

    def receive_buffer(self, socket: Socket) -> Form:
        async def submit(values: dict[str, str]) -> str | None:
            try:
                await self._engine.request("buffer", socket=socket.number, size=int(values["size"]))
            except VerbError as error:
                return error.text
            self._screen.say(f"each recv() asks for {values['size']} bytes from now on")
            return None

        return dialogs.buffer_form(dialogs.BUFFER_SIZE, submit)

    def repeat(self, payload: Payload, numbers: list[int]) -> Form:
        async def submit(values: dict[str, str]) -> str | None:
            count, interval = int(values["count"]), int(values["interval"])
            self.send(payload, numbers, "", count=count, interval=interval)
            return None

        return dialogs.repeat_form(submit)

    async def simple(self, verb: str, socket: Socket) -> None:
        """close, reset or shutdown."""
        if not socket.open:
            self._screen.complain(f"#{socket.number} is closed already: {socket.why}")
            return
        if verb != "close" and socket.role is Role.LISTENER:
            self._screen.complain("a listener has no sending side: x stops it")
            return
        try:
            await self._engine.request(verb, socket=socket.number)
        except VerbError as error:
            self._screen.complain(error.text)

    def send(self, payload: Payload, numbers: list[int], typed: str, *, count: int = 1, interval: int = 0) -> None:
        """Send; what could not be sent comes back into the box."""
        file = {"file": str(payload.file.absolute())} if payload.file else {}
        data = base64.b64encode(payload.data).decode()
        number, answer = self._engine.begin(
            "send", sockets=numbers, data=data, kind=payload.kind, count=count, interval=interval, **file
        )
        self._sending[number] = answer
        self._screen.refresh_bindings()
        answer.add_done_callback(self._sent(number, typed, count))

    async def stop(self) -> None:
        """Stop whatever is being sent."""
        if not self._sending:
            self._screen.complain("nothing is being sent")
        for number in list(self._sending):
            await self._engine.request("stop", id=number)

    def _sent(self, number: int, typed: str, count: int) -> Callable[[asyncio.Future[dict[str, Any]]], None]:
        def done(answer: asyncio.Future[dict[str, Any]]) -> None:
            self._sending.pop(number, None)
            if answer.cancelled() or not self._screen.is_running:
                return
            self._screen.refresh_bindings()
            error = answer.exception()
            if isinstance(error, VerbError):
                if error.errno == "ECANCELED":
                    self._screen.say("stopped")
                else:
                    self._screen.not_sent(error.text, typed)
            elif count > 1:
                self._screen.say(f"sent {count} times, {answer.result()['sent']} bytes in all")
            self._screen.look()

        return done

    def _free_endpoint(self, port: int = 0) -> Endpoint:
        """The lecture's endpoint, or the next one (from `port` on, where given) where nothing listens."""
        first = Endpoint.parse(dialogs.DEFAULT_ENDPOINT)
        taken = self._screen.listening_ports()
        ports = range(port or first.port, 65536)
        return Endpoint(first.scheme, first.host, next((number for number in ports if number not in taken), 0))

    async def _sure(self, endpoint: Endpoint) -> bool:
        """Before other machines can reach us: once, and in red."""
        question = f"{endpoint} is not loopback: every machine that can reach this one can connect. Listen there?"
        sure: bool = await self._screen.app.push_screen_wait(Confirm(question, title="Open to others", danger=True))
        return sure
