"""A connection that speaks a protocol over another one, and records the calls of both."""

from time import monotonic_ns as now

from socktui.core.call import Argument, Function
from socktui.core.connection import ClosedHereError
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.space import Space
from socktui.journal.writer import DETAILS_ROOM


class Layered(SocketConnection):
    """One peer, to which a protocol is spoken over the connection `under`: its bytes are the wire."""

    __slots__ = ("_context", "_unsent", "under")

    def __init__(self, context: EngineContext, under: SocketConnection) -> None:
        super().__init__(under.traced)
        self._context = context
        self._unsent = b""
        self.under = under

    async def drain(self) -> None:
        await self.under.drain()

    async def wait_closed(self) -> None:
        await self.under.wait_closed()

    async def shutdown(self) -> None:
        await self.under.shutdown()

    def close(self) -> None:
        self.under.close()

    def reset(self) -> None:
        self.under.reset()

    async def _send_wire(self, wire: bytes = b"") -> None:
        """Send bytes of the wire, after those that a send which was cancelled has left. For one task at a time.

        What a protocol has begun (a record, a frame, a command) has to be ended, or the peer takes the next for it.
        """
        wire, self._unsent = self._unsent + wire, b""
        if not wire:
            return
        before = self.under.taken
        try:
            await self.under.send(wire)
        except BaseException:
            self._unsent = wire[self.under.taken - before :] + self._unsent
            raise

    async def _record(
        self,
        name: Function,
        began: int,
        data: bytes | memoryview,
        *,
        size: int = 0,
        args: tuple[Argument, ...] = (),
    ) -> None:
        """Record a call of this layer that moved bytes, begun at `began` and over now.

        began  ns on the monotonic clock
        size   bytes asked for, where they differ from the length of `data`
        It waits while the disk is behind. Raises ClosedHereError where the connection is closed meanwhile.
        """
        ended = now()
        space = await self._context.space(len(data) + DETAILS_ROOM)
        if self.closed:
            raise ClosedHereError
        self._record_at(space, name, began, ended, data, size=size, args=args)

    def _record_at(
        self,
        space: Space,
        name: Function,
        began: int,
        ended: int,
        data: bytes | memoryview,
        *,
        size: int = 0,
        args: tuple[Argument, ...] = (),
    ) -> None:
        """The same, given the room: for `data` and DETAILS_ROOM bytes more."""
        at, view = space
        view[: len(data)] = data
        journal = self._context.journal
        journal.append_message(
            self.traced.entry, name, began, ended, at, view, len(data), size or len(data), args=args
        )  # fmt: skip

    def _record_event(
        self,
        name: Function,
        began: int,
        result: int,
        *,
        args: tuple[Argument, ...] = (),
        answer: Argument | None = None,
    ) -> None:
        """Record a call of this layer that moved no bytes. Where `result` is -1, `answer` says why in words."""
        self._context.journal.append_call(self.traced.entry, name, began, now(), result, args=args, answer=answer)
