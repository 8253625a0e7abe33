"""The services over datagrams and other messages: one for each that comes, and empty ones count."""

import asyncio
import re
from types import SimpleNamespace

import pytest

from socktui.services import service
from socktui.services.quotations import QUOTATIONS
from socktui.services.small import chargen_pattern
from tests.services.visitor import Visitor, served
from tests.support import SECONDS, until


async def test_echo_sends_each_back() -> None:
    assert (await served("echo", b"one", b"", b"two")).sent == [b"one", b"", b"two"]


async def test_discard_and_manual_take_an_empty_one_for_what_it_is() -> None:
    assert (await served("discard", b"", b"one", b"")).sent == []
    connection = Visitor(b"", b"one")
    task = asyncio.ensure_future(service("manual")[1](connection.connection))
    await until(lambda: connection.said_all)
    assert not task.done()
    task.cancel()


async def test_chargen_answers_each_with_at_most_512_characters() -> None:
    sent = (await served("chargen", *[b""] * 50)).sent
    assert len(sent) == 50
    assert all(len(data) <= 512 and chargen_pattern().startswith(data) for data in sent)
    assert len({len(data) for data in sent}) > 1


async def test_random_answers_each_with_512_bytes() -> None:
    sent = (await served("random", b"a", b"b")).sent
    assert [len(data) for data in sent] == [512, 512]
    assert sent[0] != sent[1]


@pytest.mark.parametrize("messages", [True, False])
async def test_those_that_speak_first_need_nothing_to_come(messages: bool) -> None:
    [quotation] = (await served("qotd", messages=messages)).sent
    assert quotation.decode().removesuffix("\r\n") in QUOTATIONS
    [date] = (await served("daytime", messages=messages)).sent
    assert re.search(rb" \d\d:\d\d:\d\d-", date)
    [seconds] = (await served("time", messages=messages)).sent
    assert len(seconds) == 4


async def test_literal_answers_each() -> None:
    assert (await served(r"literal=a\x00\n", b"one", b"", b"two")).sent == [b"a\0\n"] * 3


async def test_slow_takes_its_time_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("socktui.services.slow.asyncio", SimpleNamespace(sleep=sleep))
    connection = await served("slow=10", b"x" * 30, b"", b"y")
    assert connection.sent == [b"x" * 30, b"", b"y"]
    assert slept == [3.0, 0.1, 0.1]  # an empty one counts as a byte
    assert connection.connection.buffer == 65536  # a smaller one would cut messages


async def test_close_after_cuts_the_last_message() -> None:
    connection = await served("close-after=5", b"abc", b"", b"def", b"ghi")
    assert connection.sent == [b"abc", b"", b"de"]
    assert connection.ends == []


async def test_clogged_takes_nothing() -> None:
    connection = Visitor(b"one")
    task = asyncio.ensure_future(service("clogged")[1](connection.connection))
    await until(lambda: connection.connection.unread)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not task.done()
    assert connection.connection.unread == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, SECONDS)
