"""What every kind of connection does, the pair in memory included."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from socktui.core.connection import ClosedHereError, Connection, RelayError
from socktui.engine.context import EngineContext
from tests.engine.conformance import KINDS, Kind
from tests.engine.in_process import with_context
from tests.support import SECONDS, until

Talk = Callable[[Connection, Connection], Coroutine[Any, Any, None]]
Run = Callable[[Talk], None]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
streams = pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.messages], ids=lambda kind: kind.name)
messages = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.messages], ids=lambda kind: kind.name)
fragmented = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.fragmented], ids=lambda kind: kind.name)
with_half_close = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.half_close], ids=lambda kind: kind.name
)
with_fin = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.fin], ids=lambda kind: kind.name)
with_reset = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.reset], ids=lambda kind: kind.name)


@pytest.fixture
def run(kind: Kind, capture: Path, tmp_path: Path) -> Run:
    """Runs a talk between the two ends, within the time that a test may take."""

    def run(talk: Talk) -> None:
        async def main(context: EngineContext) -> None:
            with ExitStack() as stack:
                async with asyncio.timeout(SECONDS):
                    await talk(*await kind.make(context, tmp_path, stack))

        with_context(capture, main)

    return run


async def received(connection: Connection, size: int) -> bytes:
    """So many bytes of a stream."""
    data = b""
    while len(data) < size:
        piece = await connection.recv()
        assert piece is not None, f"the end after {len(data)} bytes"
        data += piece
    return data


@every_kind
def test_what_one_sends_the_other_receives(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        for sender, receiver in ((one, other), (other, one)):
            await sender.send(b"Hello, World!")
            assert await receiver.recv() == b"Hello, World!"
        assert one.number != other.number
        assert not one.closed

    run(talk)


@streams
def test_much_is_received_whole(run: Run) -> None:
    data = os.urandom(3 << 20)

    async def talk(one: Connection, other: Connection) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one.send(data))
            there = group.create_task(received(other, len(data)))
            group.create_task(other.send(data[::-1]))
            back = group.create_task(received(one, len(data)))
        assert there.result() == data
        assert back.result() == data[::-1]

    run(talk)


@messages
def test_borders_are_kept_and_a_message_may_be_empty(run: Run) -> None:
    said = [b"one", b"", b"two" * 1000, b"", b"three"]

    async def talk(one: Connection, other: Connection) -> None:
        for data in said:
            await one.send(data)
            assert await other.recv() == data

    run(talk)


@streams
def test_recv_gives_no_more_than_the_buffer(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        other.buffer = 20
        await one.send(b"x" * 50)
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < 50:
            pieces.append(await other.recv() or b"")
        assert max(map(len, pieces)) <= 20

    run(talk)


@with_half_close
def test_after_a_fin_the_other_direction_is_open(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        await one.send(b"last words")
        await one.shutdown()
        assert await other.recv() == b"last words"
        assert await other.recv() is None
        await other.send(b"an answer, late")
        assert await one.recv() == b"an answer, late"

    run(talk)


@with_fin
def test_a_close_is_the_peers_end(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        await one.closing_handshake() if not one.messages else None
        one.close()
        assert await other.recv() is None

    run(talk)


@with_reset
def test_a_reset_is_told_as_such(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        one.reset()
        with pytest.raises(ConnectionResetError):
            await other.recv()

    run(talk)


@every_kind
def test_once_closed_nothing_can_be_done(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        one.close()
        one.close()
        assert one.closed
        for use in (one.recv, lambda: one.send(b"x")):
            with pytest.raises(ClosedHereError):
                await use()

    run(talk)


@every_kind
def test_a_close_ends_the_waiting_of_others(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        waiting = asyncio.ensure_future(one.recv())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        one.close()
        with pytest.raises(ClosedHereError):
            await waiting

    run(talk)


@every_kind
def test_a_close_ends_the_waiting_for_the_end(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        waiting = asyncio.ensure_future(one.wait_closed())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        one.close()
        with pytest.raises(ClosedHereError):
            await waiting

    run(talk)


@streams
def test_a_close_ends_a_send_that_the_peer_does_not_take(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        sending = asyncio.ensure_future(one.send(bytes(16 << 20)))
        await until(lambda: one.socket.sent > 20_000)
        await asyncio.sleep(0.05)
        assert not sending.done()
        one.close()
        with pytest.raises(ClosedHereError):
            await sending

    run(talk)


@every_kind
def test_a_recv_that_is_cancelled_loses_nothing(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await other.recv()
        waiting = asyncio.ensure_future(other.recv())
        await asyncio.sleep(0)
        waiting.cancel()
        await one.send(b"still there")
        assert await other.recv() == b"still there"

    run(talk)


@streams
def test_those_that_send_take_turns(run: Run) -> None:
    size = 300_000

    async def talk(one: Connection, other: Connection) -> None:
        sending = [asyncio.ensure_future(one.send(letter * size)) for letter in (b"a", b"b", b"c")]
        draining = asyncio.ensure_future(one.drain())
        data = await received(other, 3 * size)
        await asyncio.gather(*sending, draining)
        assert data == b"a" * size + b"b" * size + b"c" * size

    run(talk)


@streams
def test_a_send_that_is_given_up_lets_the_next_have_its_turn(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        first, second, third = (asyncio.ensure_future(one.send(letter * 2_000_000)) for letter in (b"a", b"b", b"c"))
        await until(lambda: one.socket.sent > 20_000)
        second.cancel()
        data = b""
        while data.count(b"c") < 2_000_000:  # some of the second may have been on its way
            data += await received(other, 1)
        await asyncio.gather(first, third)
        assert data.count(b"a") == data.count(b"c") == 2_000_000

    run(talk)


@streams
def test_what_follows_a_send_that_was_cancelled_half_way_is_whole(run: Run) -> None:
    big = b"\xff" * 10_000_000  # telnet sends each of them as two

    async def talk(one: Connection, other: Connection) -> None:
        for last in (b"|first|", b"|second|"):
            before = one.socket.sent
            sending = asyncio.ensure_future(one.send(big))
            await until(lambda before=before: one.socket.sent > before + 20_000)  # type: ignore[misc]
            sending.cancel()
            following = asyncio.ensure_future(one.send(last))
            data = b""
            while not data.endswith(last):
                data += await received(other, 1)
            await following
            assert sending.cancelled()
            assert big.startswith(data.removesuffix(last))

    run(talk)


@fragmented
def test_a_message_that_was_begun_is_ended_before_the_next(run: Run) -> None:
    big = os.urandom(1_500_000)

    async def talk(one: Connection, other: Connection) -> None:
        for last in (b"first", b"second"):
            sent, stuck = 0, False
            while not stuck:
                sending = asyncio.ensure_future(one.send(big))
                stuck = not (await asyncio.wait({sending}, timeout=0.1))[0]
                sent += 1
            sending.cancel()
            following = asyncio.ensure_future(one.send(last))
            for _ in range(sent):
                assert await other.recv() == big
            assert await other.recv() == last
            await following
            assert sending.cancelled()

    run(talk)


@every_kind
def test_echo_is_a_relay_to_itself(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        relaying = asyncio.ensure_future(other.relay(other))
        for data in (b"ping", b"pong" * 1000):
            await one.send(data)
            answer = await one.recv() if one.messages else await received(one, len(data))
            assert answer == data
        await one.send(b"and from the side")
        await other.send(b"typed")
        size = len(b"and from the side") + len(b"typed")
        said = [await one.recv(), await one.recv()] if one.messages else [await received(one, size)]
        assert sorted(b"".join(filter(None, said))) == sorted(b"and from the sidetyped")
        assert not relaying.done()
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await one.send(b"after that it is received by whoever asks")
        assert await other.recv() == b"after that it is received by whoever asks"

    run(talk)


@with_half_close
def test_a_relay_ends_at_the_fin_and_leaves_the_other_direction(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        relaying = asyncio.ensure_future(other.relay(None))
        await one.send(b"thrown away")
        await one.shutdown()
        await relaying
        await other.send(b"the end was seen")
        assert await one.recv() == b"the end was seen"

    run(talk)


@with_reset
def test_a_relay_says_whose_error_it_was(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        relaying = asyncio.ensure_future(other.relay(None))
        await asyncio.sleep(0)
        one.reset()
        with pytest.raises(RelayError) as caught:
            await relaying
        assert caught.value.connection is other
        assert caught.value.errno

    run(talk)


@every_kind
def test_a_close_ends_a_relay(run: Run) -> None:
    async def talk(one: Connection, other: Connection) -> None:
        relaying = asyncio.ensure_future(other.relay(other))
        await asyncio.sleep(0.01)
        other.close()
        with pytest.raises(RelayError) as caught:
            await relaying
        assert caught.value.connection is other

    run(talk)


def test_the_kinds_are_those_that_the_engine_has() -> None:
    from socktui.core.endpoint import SCHEMES

    without_a_peer = {"icmp", "raw"}  # they need rights, or have nobody at the other end
    assert {kind.name.partition(",")[0] for kind in KINDS} == {"memory", *SCHEMES} - without_a_peer
