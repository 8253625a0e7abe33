"""The selector of the engine's loop."""

import asyncio
import contextlib
import os
import selectors
import socket as sockets
import time

import pytest

from socktui.engine.poller import READ, WRITE, Poller
from tests.engine.in_process import with_poller


class Heard:
    def __init__(self) -> None:
        self.events: list[int] = []

    def ready(self, events: int) -> None:
        self.events.append(events)


def test_what_is_watched_is_called_from_within_and_not_reported() -> None:
    with contextlib.closing(Poller()) as poller:
        ours, theirs = sockets.socketpair()
        with ours, theirs:
            heard = Heard()
            poller.watch(ours.fileno(), READ, heard)
            assert poller.select(0) == []
            assert heard.events == []
            theirs.send(b"x")
            assert poller.select(1) == []
            assert heard.events == [READ]
            poller.change(ours.fileno(), WRITE)
            assert poller.select(1) == []
            assert heard.events == [READ, WRITE]
            poller.forget(ours.fileno())
            assert poller.select(0) == []
            assert heard.events == [READ, WRITE]


def test_asyncios_descriptors_are_reported() -> None:
    with contextlib.closing(Poller()) as poller:
        ours, theirs = sockets.socketpair()
        with ours, theirs:
            key = poller.register(ours, selectors.EVENT_READ | selectors.EVENT_WRITE, "data")
            assert poller.select(1) == [(key, selectors.EVENT_WRITE)]
            key = poller.modify(ours, selectors.EVENT_READ, "more")
            theirs.send(b"x")
            assert poller.select(1) == [(key, selectors.EVENT_READ)]
            assert poller.get_map() == {ours.fileno(): key}
            assert poller.unregister(ours) == key
            assert poller.select(0) == []


def test_it_never_wakes_too_early() -> None:
    """epoll counts milliseconds; a timer that is not due yet would be waited for by a busy loop."""
    with contextlib.closing(Poller()) as poller:
        for seconds in (0.0001, 0.0014, 0.0021):
            began = time.monotonic()
            poller.select(seconds)
            assert time.monotonic() - began >= seconds


def test_a_signal_is_no_error() -> None:
    with contextlib.closing(Poller()) as poller:

        def interrupted(_: float | None) -> list[tuple[int, int]]:
            raise InterruptedError

        poller.wait = interrupted
        assert poller.select(0) == []
        poller.unhook()
        assert poller.select(0) == []


def test_closing_closes_the_epoll_instance() -> None:
    poller = Poller()
    fd = poller.fileno()
    os.fstat(fd)
    poller.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_tasks_timers_and_threads_run_on_it() -> None:
    async def main(_: Poller) -> None:
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: 7) == 7
            await asyncio.sleep(0.001)
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(0))

    with_poller(main)
