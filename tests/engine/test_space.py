"""Those that wait for the disk have their turn in the order of asking."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from socktui.engine.context import EngineContext
from socktui.engine.poller import Poller
from socktui.journal.heap import RESERVE
from socktui.journal.writer import Journal
from tests.support import until

RING = 4 << 20
BIG = 3 << 19
SMALL = 1000


class Disk:
    """A disk that writes nothing until it is told how many bytes it may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._may = 0
        self._changed = threading.Condition()
        self._write = os.pwrite
        monkeypatch.setattr(os, "pwrite", self._pwrite)

    def let(self, size: int) -> None:
        with self._changed:
            self._may += size
            self._changed.notify()

    def _pwrite(self, fd: int, data: bytes, at: int) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._may > 0, 30)
            size = min(self._may, len(data))
            self._may -= size
        return self._write(fd, data[:size], at)


def with_bench(capture: Path, disk: Disk, main: Callable[[EngineContext], Coroutine[Any, Any, None]]) -> None:
    """Run `main` with a ring that is full."""
    poller = Poller()
    journal = Journal(capture, ring_size=RING, floor=0)

    async def run() -> None:
        context = EngineContext(poller, journal)
        while found := context.ring.now(RESERVE):
            journal.heap.commit(found[0] + RESERVE)
        try:
            await main(context)
        finally:
            disk.let(1 << 40)

    try:
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
            runner.run(run())
    finally:
        journal.close()


async def wanting(context: EngineContext, size: int, served: list[int]) -> "asyncio.Task[None]":
    """A task that waits for so many bytes, takes them, and says that it has been served."""

    async def want() -> None:
        at, view = await context.space(size)
        assert len(view) == size
        context.journal.heap.commit(at + size)
        served.append(size)

    task = asyncio.ensure_future(want())
    await asyncio.sleep(0)  # it stands in the queue
    return task


def test_small_ones_do_not_keep_out_a_big_one(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for the small ones long before there is any for the big one, which asked first."""
    disk = Disk(monkeypatch)

    async def main(context: EngineContext) -> None:
        served: list[int] = []
        for size in (BIG, SMALL, SMALL):
            await wanting(context, size, served)
        before = context.journal.heap.drained
        disk.let(1 << 20)
        await until(lambda: context.journal.heap.drained > before)
        await wanting(context, SMALL, served)
        await asyncio.sleep(0.02)
        assert served == []
        disk.let(1 << 40)
        await until(lambda: len(served) == 4)
        assert served == [BIG, SMALL, SMALL, SMALL]

    with_bench(capture, disk, main)


def test_who_gives_up_lets_the_next_one_have_its_turn(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the disk does nothing more meanwhile."""
    disk = Disk(monkeypatch)

    async def main(context: EngineContext) -> None:
        served: list[int] = []
        big = await wanting(context, BIG, served)
        await wanting(context, SMALL, served)
        before = context.journal.heap.drained
        disk.let(1 << 20)
        await until(lambda: context.journal.heap.drained > before)
        big.cancel()
        await until(lambda: served == [SMALL])

    with_bench(capture, disk, main)


def test_waiting_costs_nothing_while_the_disk_is_stuck(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)

    async def main(context: EngineContext) -> None:
        served: list[int] = []
        for _ in range(100):
            await wanting(context, SMALL, served)
        used = []
        for _ in range(3):
            began = time.process_time()
            await asyncio.sleep(0.2)
            used.append(time.process_time() - began)
        assert min(used) < 0.1
        assert served == []

    with_bench(capture, disk, main)
