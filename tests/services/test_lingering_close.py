"""The end of a talk over a stream."""

import asyncio

import pytest

from socktui.services.lingering_close import lingering_close
from tests.services.visitor import Visitor
from tests.support import SECONDS, until


async def test_a_peer_is_seen_off_until_its_end() -> None:
    connection = Visitor(b"still", b"talking", messages=False)
    done = asyncio.ensure_future(lingering_close(connection.connection))
    await until(lambda: connection.ends == ["shutdown"])
    assert not done.done()
    connection.over()
    await asyncio.wait_for(done, SECONDS)


async def test_a_peer_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socktui.services.lingering_close.LINGER_SECONDS", 0.01)
    await asyncio.wait_for(lingering_close(Visitor(messages=False).connection), SECONDS)
