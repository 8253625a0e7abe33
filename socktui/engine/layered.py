"""A connection that speaks a protocol over another one, and records what is inside it beside the wire's own calls."""

from time import monotonic_ns as now

from socktui.core.call import Argument, Name
from socktui.engine.bench import Bench
from socktui.engine.connection import Connection
from socktui.journal.writer import DETAILS_ROOM


class Layered(Connection):
    """One peer, spoken to through `under`. What is received and sent there is what is called the wire here."""

    __slots__ = ("_bench", "under")

    def __init__(self, bench: Bench, under: Connection) -> None:
        super().__init__(under.traced)
        self._bench = bench
        self.under = under

    async def flushed(self) -> None:
        await self.under.flushed()

    async def hung_up(self) -> None:
        await self.under.hung_up()

    async def shutdown(self) -> None:
        await self.under.shutdown()

    def close(self) -> None:
        self.under.close()

    def reset(self) -> None:
        self.under.reset()

    async def _record(
        self,
        name: Name,
        began: int,
        data: bytes | memoryview,
        *,
        size: int = 0,
        args: tuple[Argument, ...] = (),
    ) -> None:
        """Record a call of this layer that moved bytes, begun at `began` and over now.

        size   bytes that were asked for, where that is not what came
        Waits while the disk is behind.
        """
        ended = now()
        at, view = await self._bench.space(len(data) + DETAILS_ROOM)
        view[: len(data)] = data
        journal = self._bench.journal
        journal.carried(
            self.traced.entry, name, began, ended, at, view, len(data), size or len(data), args=args
        )  # fmt: skip

    def _record_event(
        self, name: Name, began: int, result: int, *, args: tuple[Argument, ...] = (), answer: Argument | None = None
    ) -> None:
        """Record a call of this layer that moved none; where `result` is -1, `answer` says why in words."""
        self._bench.journal.call(self.traced.entry, name, began, now(), result, args=args, answer=answer)
