"""What keeps the borders of what is sent, whatever carries it."""

from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.call import Call
from socktui.core.sockets import End
from socktui.journal.reader import Reader
from tests.engine.families import Family, every_message, every_message_of_the_kernel
from tests.support import all_calls, fresh, until

LENGTHS = [13, 0, 1, 0, 0, 50_000]


def pattern(length: int) -> bytes:
    return bytes(i % 251 for i in range(length))


def moved(capture: Path, socket: int) -> list[tuple[str, int, int, int]]:
    """The messages of a socket: in or out, result, bytes that were kept, and bytes asked for or offered."""

    def way(call: Call) -> str:
        return "in" if call.receives else "out"

    calls = [call for call in all_calls(capture) if call.socket == socket and (call.receives or call.sends)]
    messages = [call for call in calls if call.message and not call.failed and call.args[:1] != ("close",)]
    return [(way(call), call.result, call.length, call.size) for call in messages]


@every_message
async def test_each_comes_back_as_it_was(engine: Engine, family: Family) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock:
        for length in LENGTHS:
            sock.send(pattern(length))
            assert sock.recv(1 << 17) == pattern(length)
    await engine.end()
    expected = [(way, length, length) for length in LENGTHS for way in ("in", "out")]
    assert [(way, result, length) for way, result, length, _ in moved(engine.capture, 2)] == expected


@every_message_of_the_kernel
async def test_one_that_is_longer_than_the_buffer_loses_its_end(engine: Engine, family: Family) -> None:
    """The kernel throws the rest away, and tells how long it was (recv(2), MSG_TRUNC)."""
    endpoint = await family.listen(engine, buffer=20)
    with family.peer(endpoint) as sock:
        sock.send(pattern(50))
        assert sock.recv(100) == pattern(20)
        sock.send(b"next")
        assert sock.recv(100) == b"next"
    await engine.end()
    assert [each for each in moved(engine.capture, 2) if each[0] == "in"] == [("in", 50, 20, 20), ("in", 4, 4, 20)]


@every_message_of_the_kernel
async def test_one_that_is_too_long_ends_nothing(engine: Engine, family: Family, tmp_path: Path) -> None:
    with family.server(tmp_path) as (server, endpoint):
        number = await engine.connect(endpoint)
        other = server.accept()[0] if family.accepts else server
        for length in (300_000, 3_000_000):
            with pytest.raises(VerbError, match=r"\(EMSGSIZE\)"):
                await engine.send([number], bytes(length))
        await engine.send([number], b"short enough")
        other.settimeout(20)
        assert other.recv(100) == b"short enough"
        with Reader(engine.capture) as reader:
            assert reader.socket(number).open
            assert reader.socket(number).end is End.OPEN
        if family.accepts:
            other.close()
    await engine.end()
    failed = [call for call in all_calls(engine.capture) if call.sends and call.failed]
    assert [(call.errno, call.size) for call in failed] == [(90, 300_000)]


@every_message
async def test_ours_are_sent_and_received_whole(engine: Engine, family: Family, tmp_path: Path) -> None:
    """A client of ours, the other way round."""
    with family.server(tmp_path) as (server, endpoint), Reader(engine.capture) as reader:
        if family.accepts:
            number, other = await family.met(engine, server, endpoint)
            await engine.send([number], b"first")
            assert other.recv(100) == b"first"
        else:
            number, other = await engine.connect(endpoint), server
            await engine.send([number], b"first")
            data, address = server.recvfrom(100)
            assert data == b"first"
            server.connect(address)
        with other:
            for length in LENGTHS:
                other.send(pattern(length))
            await until(lambda: len(moved(engine.capture, number)) == 1 + len(LENGTHS))
            for length in LENGTHS:
                await engine.send([number], pattern(length))
                assert len(other.recv(1 << 17)) == length
            assert fresh(reader).socket(number).open
    await engine.end()
    told = moved(engine.capture, number)
    assert [result for way, result, *_ in told if way == "in"] == LENGTHS
    assert [result for way, result, *_ in told if way == "out"] == [5, *LENGTHS]
