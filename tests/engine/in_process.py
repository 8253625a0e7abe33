"""An engine without a process of its own: its context or its table of sockets, on a loop of the test."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from socktui.engine.context import EngineContext
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.journal.writer import Journal


def with_poller(main: Callable[[Poller], Coroutine[Any, Any, None]]) -> None:
    """Run `main` on a loop whose selector is the poller."""
    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(main(poller))


def with_context(
    capture: Path, main: Callable[[EngineContext], Coroutine[Any, Any, None]], *, ring_size: int = 1 << 22
) -> None:
    """Run `main` with what connections share, and a capture that is made at `capture`."""

    async def run(poller: Poller) -> None:
        journal = Journal(capture, ring_size=ring_size, floor=0)
        context = EngineContext(poller, journal)
        try:
            await main(context)
        finally:
            await context.end()
            journal.close()

    with_poller(run)


def with_table(
    capture: Path, main: Callable[[SocketTable], Coroutine[Any, Any, None]], *, ring_size: int = 1 << 22
) -> None:
    """Run `main` with a table of sockets, and a capture that is made at `capture`."""

    async def run(poller: Poller) -> None:
        journal = Journal(capture, ring_size=ring_size, floor=0)
        table = SocketTable(poller, journal)
        try:
            await main(table)
        finally:
            await table.end()
            journal.close()

    with_poller(run)
