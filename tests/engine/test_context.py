"""What connections share: the engine's own tasks, and the connects in progress."""

import asyncio
import socket as sockets
from pathlib import Path

import pytest

from socktui.engine.context import EngineContext, unexpected
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from tests.engine.in_process import with_context


def test_a_task_that_fails_by_a_bug_is_written_down(capture: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(error: BaseException) -> None:
        raise error

    async def main(context: EngineContext) -> None:
        tasks = [context.spawn(fails(error), "the test") for error in (KeyError("a bug"), ConnectionResetError())]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    with_context(capture, main)
    [record] = caplog.records
    assert record.getMessage() == "the test failed"
    assert record.exc_info
    assert isinstance(record.exc_info[1], KeyError)


def test_the_end_waits_for_all_tasks(capture: Path) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    async def main(context: EngineContext) -> None:
        context.spawn(work(), "the work")
        await asyncio.sleep(0)
        await context.end()
        assert ended == ["cleaned up"]

    with_context(capture, main)


def test_an_attempt_is_known_while_it_goes_on(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        traced = TracedSocket.open(context.journal, sockets.AF_INET, sockets.SOCK_STREAM)
        connection = Stream(context, traced)
        with context.attempting(connection):
            assert context.attempts == {traced.number: connection}
        assert context.attempts == {}
        with pytest.raises(ZeroDivisionError), context.attempting(connection):
            raise ZeroDivisionError
        assert context.attempts == {}
        connection.close()

    with_context(capture, main)


def test_room_in_the_ring_is_there_at_once_or_waited_for(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        at, view = await context.space(100)
        assert (at, len(view)) == (context.journal.heap.head, 100)
        waiter = context.ring.join(1 << 30, lambda: None)
        assert context.ring.now(1) is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await context.space(100)
        waiter.cancel()
        assert context.ring.now(1)

    with_context(capture, main)


def test_what_is_expected_of_calls_is_no_bug() -> None:
    assert unexpected(ConnectionResetError()) is None
    assert unexpected(ExceptionGroup("", [OSError(), ExceptionGroup("", [BrokenPipeError()])])) is None
    bug = KeyError()
    assert unexpected(bug) is bug
    left = unexpected(ExceptionGroup("", [OSError(), bug]))
    assert isinstance(left, ExceptionGroup)
    assert left.exceptions == (bug,)
