"""The readiness of one socket, for callbacks and for coroutines, with real sockets and a real epoll."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from socktui.core.connection import ClosedHereError
from socktui.engine.poller import Poller
from socktui.engine.watch import Watch
from tests.engine.in_process import with_poller
from tests.support import until

Body = Callable[[Watch, sockets.socket, sockets.socket, "Counting"], Coroutine[Any, Any, None]]


class Counting(Poller):
    """Counts what is asked of epoll_ctl(2)."""

    def __init__(self, under: Poller) -> None:
        self.__dict__ = under.__dict__
        self.calls: list[str] = []

    def watch(self, fd: int, events: int, watcher: Any) -> None:
        self.calls.append("add")
        super().watch(fd, events, watcher)

    def change(self, fd: int, events: int) -> None:
        self.calls.append(f"mod {events}")
        super().change(fd, events)

    def forget(self, fd: int) -> None:
        self.calls.append("del")
        super().forget(fd)


def with_pair(body: Body) -> None:
    async def main(poller: Poller) -> None:
        ours, theirs = sockets.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            counting = Counting(poller)
            watch = Watch(counting, ours.fileno())
            await body(watch, ours, theirs, counting)
            watch.close()

    with_poller(main)


def test_a_coroutine_waits_until_there_is_something() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, _: Counting) -> None:
        waiting = asyncio.ensure_future(watch.readable())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        theirs.send(b"x")
        await waiting
        await watch.writable()

    with_pair(body)


def test_one_that_reads_again_and_again_costs_no_epoll_ctl() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, counting: Counting) -> None:
        for _ in range(10):
            theirs.send(b"x")
            await watch.readable()
            ours.recv(10)
        assert counting.calls == ["add"]

    with_pair(body)


def test_interest_that_nobody_has_is_dropped_once() -> None:
    """Else a level-triggered epoll would call for ever."""

    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, counting: Counting) -> None:
        await watch.writable()
        await asyncio.sleep(0.05)
        assert counting.calls == ["add", "del"]
        theirs.send(b"x")
        await watch.readable()
        await watch.writable()
        await asyncio.sleep(0.05)
        assert len(counting.calls) < 10

    with_pair(body)


def test_a_callback_is_called_while_it_is_registered() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, _: Counting) -> None:
        got: list[bytes] = []
        watch.on_readable(lambda: got.append(ours.recv(1)))
        theirs.send(b"abc")
        await until(lambda: got == [b"a", b"b", b"c"])
        watch.on_readable(None)
        theirs.send(b"d")
        await asyncio.sleep(0.02)
        assert len(got) == 3
        assert watch.only_read

    with_pair(body)


def test_a_hang_up_is_told_to_all_that_wait() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, _: Counting) -> None:
        over, read = asyncio.ensure_future(watch.hung_up()), asyncio.ensure_future(watch.readable())
        await asyncio.sleep(0)
        assert not watch.only_read
        theirs.close()
        await asyncio.gather(over, read)

    with_pair(body)


@pytest.mark.parametrize("wait", ["readable", "hung_up"])
def test_those_that_wait_are_told_of_a_close(wait: str) -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, _: Counting) -> None:
        waiting = asyncio.ensure_future(getattr(watch, wait)())
        await asyncio.sleep(0)
        watch.close()
        with pytest.raises(ClosedHereError):
            await waiting
        with pytest.raises(ClosedHereError):
            await getattr(watch, wait)()

    with_pair(body)


def test_two_that_receive_at_once_are_a_mistake() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, _: Counting) -> None:
        first = asyncio.ensure_future(watch.readable())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task receives"):
            await watch.readable()
        first.cancel()
        theirs.send(b"x")
        await watch.readable()  # the other one has just left
        with contextlib.suppress(asyncio.CancelledError):
            await first

    with_pair(body)


def test_a_descriptor_that_was_left_is_wanted_again() -> None:
    async def body(watch: Watch, ours: sockets.socket, theirs: sockets.socket, counting: Counting) -> None:
        theirs.send(b"x")
        await watch.readable()
        watch.release()
        watch.release()
        await watch.readable()
        assert counting.calls == ["add", "del", "add"]

    with_pair(body)
