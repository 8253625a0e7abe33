"""The workbench: the panes over a running engine, and the keys that make, use and close sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on, work
from textual.widget import Widget

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.errors import ErrorCode
from socktui.core.payload import PayloadError
from socktui.core.sockets import Role, Socket
from socktui.host.watch import Watch
from socktui.journal.reader import Reader
from socktui.tui import keys
from socktui.tui.format import endpoint_of, label
from socktui.tui.history import History
from socktui.tui.outgoing import Addressee, Target
from socktui.tui.palette import Place
from socktui.tui.screens.viewer import Viewer
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.sendbox import SendBox
from socktui.tui.widgets.table import Table

if TYPE_CHECKING:
    from socktui.control.start import Start
    from socktui.control.verbs import Sent
    from socktui.core.endpoint import Endpoint
    from socktui.templates import Template
    from socktui.tui.outgoing import Payload
    from socktui.tui.verbs import Ending, Verbs

TEACH = """\

Nothing has happened yet.
Two keys to begin with:

 e  start an echo server, port 5005
 c  connect a client to it, then type

What you send and what comes back stands
here, byte by byte; the calls that
carried it stand in Calls.

Listening    who waits for connections
Connections  both ends of every talk
Calls        what the kernel was asked

 ?  all keys        ^q  leave"""

STARTING_SECONDS = 0.5
"""How long the engine may take to be up before there is a word about it."""

T = TypeVar("T")

NOTE_SECONDS = 15.0
"""How long a note of a listener stands in the footer."""


class Workbench(Viewer):
    """The panes over what an engine does now; what it did is a `Viewer`'s."""

    OWN_KEYS = keys.group("workbench")
    BINDINGS: ClassVar = keys.bindings(OWN_KEYS)

    def __init__(
        self,
        reader: Reader,
        engine: Engine,
        history: History,
        start: Start | None = None,
        screens: Sequence[str] = (),
    ) -> None:
        """`start` is what the command line asks for."""
        watch = Watch(engine.pid)
        super().__init__(reader, history, watch=watch, teach=TEACH, screens=screens)
        self._watch: Watch = watch
        self._engine = engine
        self._start = start
        self._box = SendBox(history, id="send")
        self._offered = ""

    def below_log(self) -> Iterator[Pane]:
        yield self._box

    @property
    def home(self) -> Widget:
        return self._listening_table

    def places(self) -> Iterator[Place]:
        yield from super().places()
        yield keys.group("send"), self._box

    @cached_property
    def _verbs(self) -> Verbs:
        """What the engine can be asked for. Its dialogs are loaded with it: the first paint needs neither."""
        from socktui.tui.verbs import Verbs

        return Verbs(self._engine, self.listening_ports)

    def on_mount(self) -> None:
        self._box.addressed(self._addressed)
        self._watch_engine()
        if start := self._start:
            self._try(self._engine.start(start), self._listens if start.listens else self.connected, seconds=0)
        self.call_after_refresh(self._watch.start)

    def on_unmount(self) -> None:
        self._watch.close()

    @work
    async def _watch_engine(self) -> None:
        try:
            async with asyncio.timeout(STARTING_SECONDS):
                await self._engine.up.wait()
        except TimeoutError:
            self.say("the engine is starting: what you ask for is done as soon as it is up", seconds=0)
            await self._engine.up.wait()
            self.clear_message()
        await self._engine.gone.wait()
        self.warn("engine", "the engine has ended; what it captured is kept. ctrl+r starts a new one")
        self.refresh_bindings()

    # What the verbs tell

    def _chose(self, number: int) -> None:
        """A listener was made: go to its row."""
        self._go_on()
        self._catch_up()
        self.look()
        self._list = self._listening_table
        self._listening_table.select(number)
        self._listening_table.focus()

    def connected(self, number: int) -> None:
        """A connection was made: go to its row, and type."""
        self._go_on()
        self._catch_up()
        self.look()
        self._list = self._connections_table
        self._connections_table.select(number)
        self._connections_table.following = False  # what is typed is for this one, whoever comes next
        self._box.aim("one")
        self._selection_changed()
        self._unmaximize()
        self._box.type()

    def _listens(self, number: int) -> None:
        """A listener was made: go to its row, and say what there is to say of it."""
        self._chose(number)
        if note := self._engine.notes.get(number):
            self.say(note, seconds=NOTE_SECONDS)

    def _go_on(self) -> None:
        """End a pause: what the user made is not on the screen before that, and cannot be selected."""
        if self.paused:
            self.action_pause()

    def not_sent(self, text: str, typed: str) -> None:
        """Something could not be sent: say why, and give back what was typed."""
        self.complain(text)
        self._box.restore(typed)

    @property
    def peers(self) -> int:
        """How many connections are open, by the kernel's count where it matters: at the end."""
        if self._engine.gone.is_set():
            return 0
        self._catch_up()
        return self._connections.open_count()

    def listening_ports(self) -> set[int]:
        """The TCP ports that are taken: by anybody as the kernel told last, and by sockets of ours up to now."""
        self._catch_up()
        ours = (endpoint_of(each) for each in self._listening.newest_first() if each.open and each.netid == "tcp")
        return {*self._watch.snapshot.listening, *(endpoint.port for endpoint in ours if endpoint)}

    @property
    def _listener(self) -> Socket | None:
        """The listener that clients go to: the selected one, or the newest that is open."""
        key = self._listening_table.cursor_key
        socket = self.reader.socket(key) if isinstance(key, int) else None
        if socket is not None and socket.open:
            return socket
        return next((each for each in self._listening.newest_first() if each.open and each.role is Role.LISTENER), None)

    def _selection_changed(self) -> None:
        self._box.addressed(self._addressed)
        super()._selection_changed()

    def action_jump(self, where: str) -> None:
        if where == "send":
            self._unmaximize()
            self._box.type()
        else:
            super().action_jump(where)

    @on(Table.Chosen)
    def _chosen(self, event: Table.Chosen) -> None:
        if event.table is self._calls_table:
            return
        self._list = event.table
        event.table.following = False
        self._box.aim("all" if event.table is self._listening_table else "one")
        self._selection_changed()
        self._unmaximize()
        self._box.type()

    @on(SendBox.Left)
    def _left(self) -> None:
        # The box is only seen together with the log while a pane is maximized.
        (self._log if self.has_class("-maximized") else self._list).focus()

    # Sending

    def _recipients(self, target: Target) -> list[int]:
        socket = self.selected
        if target == "marked":
            return self._marked()
        if socket is None:
            return []
        if target == "one":
            return [socket.number] if socket.role is not Role.LISTENER else []
        listener = socket.number if socket.role is Role.LISTENER else socket.parent
        return self._connections.open_of(listener) if listener else []

    def _marked(self) -> list[int]:
        marked = sorted(key for key in self._connections_table.marked if isinstance(key, int))
        return [number for number in marked if self.reader.socket(number).open]

    def _addressed(self, target: Target) -> Addressee:
        socket = self.selected
        match target:
            case "marked":
                marked = self._marked()
                schemes = {self.reader.socket(number).scheme for number in marked}
                return Addressee(f"Send to the {len(marked)} marked", schemes.pop() if len(schemes) == 1 else "")
            case "all":
                listener = socket.number if socket and socket.role is Role.LISTENER else socket.parent if socket else 0
                if not socket or not listener:
                    return Addressee("Send to all: no listener")
                return Addressee(f"Send to all clients of {self._whose(listener)}", socket.scheme)
            case "one":
                if socket is None or socket.role is Role.LISTENER:
                    return Addressee("Send: select a connection")
                return Addressee(f"Send to {label(socket)}", socket.scheme)

    @on(SendBox.Sent)
    def _send(self, event: SendBox.Sent) -> None:
        numbers = self._recipients(self._box.settings.target)
        if not numbers:
            self.not_sent("nobody to send to: select a connection, or choose others with f4", event.typed)
            return
        self._send_to(numbers, event.payload, typed=event.typed)

    def _send_to(
        self, numbers: list[int], payload: Payload, count: int = 1, interval: int = 0, *, typed: str = ""
    ) -> None:
        """Send; what could not be sent comes back into the box."""

        def done(answer: Sent | VerbError) -> None:
            if not self.is_running:
                return
            self.refresh_bindings()
            if isinstance(answer, VerbError):
                self.say("stopped") if answer.code is ErrorCode.STOPPED else self.not_sent(answer.text, typed)
            elif count > 1:
                self.say(f"sent {count} times, {answer.size} bytes in all")
            self.look()

        self._verbs.send(payload, numbers, done, count=count, interval=interval)
        self.refresh_bindings()

    def action_repeat(self) -> None:
        try:
            payload = self._box.payload()
        except PayloadError as error:
            self.complain(error.message)
            return
        numbers = self._recipients(self._box.settings.target)
        if not numbers or not (payload.data or payload.file or self._box.to.messages):
            self.complain("type what is to be repeated, to a connection that is selected")
            return
        self.app.push_screen(self._verbs.repeat_form(partial(self._send_to, numbers, payload)))

    def action_template(self) -> None:
        from socktui.templates import templates
        from socktui.tui.screens.choose import ChooseTemplate

        found, wrong = templates()
        if wrong:
            self.complain("; ".join(wrong))
        self.app.push_screen(ChooseTemplate(found), self._fill)

    def _fill(self, template: Template | None) -> None:
        if template is None:
            return
        self._unmaximize()
        self._box.fill(template)
        self._box.type()
        if template.endpoint and not self._recipients(self._box.settings.target):
            self._offered = template.endpoint
            self.say(f"it is for {template.endpoint}: o connects there")

    # Keys: sockets

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "stop_repeat":
            used: Verbs | None = vars(self).get("_verbs")
            return used is not None and used.repeating
        return super().check_action(action, parameters)

    def _try(
        self, verb: Coroutine[Any, Any, T], then: Callable[[T], None] = lambda _: None, seconds: float = 10.0
    ) -> None:
        """Have the engine do something, and `then` what follows from it; where it says no, complain for so long."""

        async def tried() -> None:
            try:
                then(await verb)
            except VerbError as error:
                self.complain(error.text, seconds)
            self.look()

        self.run_worker(tried())

    def action_echo_server(self) -> None:
        self._try(self._echo_server(), self._echoes)

    async def _echo_server(self) -> tuple[int, Endpoint]:
        await asyncio.to_thread(self._watch.fresh)  # a port is going to be chosen that is free now
        return await self._verbs.echo_server()

    def _echoes(self, made: tuple[int, Endpoint]) -> None:
        number, endpoint = made
        self._chose(number)
        self.say(f"listening on {endpoint} (echo). c connects a client")

    def action_client(self) -> None:
        if listener := self._listener:
            self._try(self._verbs.client(listener), self.connected)
        else:
            self.app.push_screen(self._verbs.connect_form(None, "", self.connected))

    def action_listen(self) -> None:
        self.app.push_screen(self._verbs.listen_form(self.app.push_screen_wait, self._listens))

    def action_connect_to(self) -> None:
        self.app.push_screen(self._verbs.connect_form(self._listener, self._offered, self.connected))
        self._offered = ""

    def action_close(self) -> None:
        self._end("close")

    def action_half_close(self) -> None:
        self._end("shutdown")

    def action_reset(self) -> None:
        self._end("reset")

    def _end(self, how: Ending) -> None:
        socket = self.selected
        if socket is None:
            self.complain("no socket is selected: e starts a server, c a client")
        else:
            self._try(self._verbs.end(how, socket))

    def action_receive_buffer(self) -> None:
        socket = self.selected
        if socket is None or not socket.open:
            self.complain("select a listener or a connection that is open")
        else:
            told = "each recv() asks for {} bytes from now on"
            self.app.push_screen(self._verbs.buffer_form(socket, lambda size: self.say(told.format(size))))

    def action_stop_repeat(self) -> None:
        self._try(self._verbs.stop())

    def action_clear_closed(self) -> None:
        gone = self._listening.clear() + self._connections.clear()
        self._connections_table.marked &= set(self._marked())
        self.look()
        self.say(f"{gone} closed sockets taken off the lists; their bytes and calls stay" if gone else "none is closed")

    def action_mark(self) -> None:
        if self.focused is self._connections_table:
            self._connections_table.toggle_mark()
            self._connections_table.action_cursor_down()
        else:
            self.complain("marks are for connections: 2 goes there")
        self._box.addressed(self._addressed)
