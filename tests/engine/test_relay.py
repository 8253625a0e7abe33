"""The relay: its states, what it keeps apart, and whose errors it tells of, between real sockets."""

import asyncio
import os
import socket as sockets
import struct
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from socktui.core.call import Function
from socktui.core.connection import ClosedHereError, RelayError
from socktui.engine.context import EngineContext
from socktui.engine.packets import Packets
from socktui.engine.relay import Relay, Relayable, State
from socktui.engine.stream import Stream
from socktui.engine.traced import TracedSocket
from tests.engine.in_process import with_context
from tests.support import SECONDS, all_calls, carried, until

RING = 1 << 20


class Ends:
    """A relay from one connection to another, and plain sockets at the far end of each.

    over  what it has ended by
    """

    def __init__(self, context: EngineContext, stack: ExitStack, kind: int = sockets.SOCK_STREAM) -> None:
        self.context = context
        (self.source, self.speaker), (self.sink, self.hearer) = (self._pair(stack, kind) for _ in range(2))
        self.over: list[RelayError | None] = []
        self.relay = Relay(context.ring, self.source, self.sink, lambda _, error: self.over.append(error))

    def _pair(self, stack: ExitStack, kind: int) -> tuple[Relayable, sockets.socket]:
        if kind == sockets.SOCK_SEQPACKET:
            ours, theirs = sockets.socketpair(sockets.AF_UNIX, kind)
        else:
            with sockets.create_server(("127.0.0.1", 0)) as server:
                theirs = sockets.create_connection(server.getsockname(), SECONDS)
                ours = server.accept()[0]
        stack.enter_context(theirs)
        ours.setblocking(False)
        theirs.settimeout(SECONDS)
        scheme = "unix-seqpacket" if kind == sockets.SOCK_SEQPACKET else "tcp"
        make = Packets if kind == sockets.SOCK_SEQPACKET else Stream
        journal = self.context.journal
        connection = make(self.context, TracedSocket(journal, ours, journal.entry(scheme=scheme)))
        stack.callback(connection.close)
        return connection, theirs

    async def hears(self, size: int) -> bytes:
        """So many bytes at the far end of the sink, received in a thread."""

        def receive() -> bytes:
            data = bytearray()
            while len(data) < size and (piece := self.hearer.recv(1 << 16)):
                data += piece
            return bytes(data)

        return await asyncio.to_thread(receive)


def with_ends(
    capture: Path, body: Callable[[Ends], Coroutine[Any, Any, None]], kind: int = sockets.SOCK_STREAM
) -> None:
    async def main(context: EngineContext) -> None:
        with ExitStack() as stack:
            async with asyncio.timeout(SECONDS):
                await body(Ends(context, stack, kind))

    with_context(capture, main, ring_size=RING)


def test_bytes_go_from_one_to_the_other_and_the_fin_is_told(capture: Path) -> None:
    async def body(ends: Ends) -> None:
        ends.relay.start()
        ends.speaker.sendall(b"Hello, World!")
        assert await ends.hears(13) == b"Hello, World!"
        ends.speaker.shutdown(sockets.SHUT_WR)
        await until(lambda: ends.over == [None])
        assert ends.relay.state is State.ENDED
        ends.sink.traced.send(b"still open", ends.context.journal.heap.keep(b"still open") or 0, fresh=False)
        assert await ends.hears(10) == b"still open"

    with_ends(capture, body)
    assert carried(capture, 1, "recv") == b"Hello, World!"
    assert carried(capture, 2, "send").startswith(b"Hello, World!")


def test_what_the_kernel_does_not_take_waits_for_it(capture: Path) -> None:
    data = os.urandom(8 << 20)

    async def body(ends: Ends) -> None:
        ends.relay.start()
        sending = asyncio.create_task(asyncio.to_thread(ends.speaker.sendall, data))
        await until(lambda: ends.relay.state is State.WRITES)
        before = ends.source.socket.received
        await asyncio.sleep(0.05)
        assert ends.source.socket.received == before, "nothing is received while the sink has no room"
        assert await ends.hears(len(data)) == data
        await sending
        await until(lambda: ends.relay.state is State.READS)

    with_ends(capture, body)
    assert carried(capture, 1, "recv") == carried(capture, 2, "send") == data


def test_it_takes_turns_with_those_that_send_on_the_sink(capture: Path) -> None:
    async def body(ends: Ends) -> None:
        typed = asyncio.create_task(ends.sink.send(b"t" * (4 << 20)))
        await until(lambda: ends.sink.socket.sent)
        ends.relay.start()
        ends.speaker.sendall(b"relayed")
        await until(lambda: ends.relay.state is State.WRITES)
        assert await ends.hears((4 << 20) + 7) == b"t" * (4 << 20) + b"relayed"
        await typed
        assert not ends.sink.sending.locked

    with_ends(capture, body)


@pytest.mark.parametrize("side", ["source", "sink"])
def test_an_error_says_whose_it_is(capture: Path, side: str) -> None:
    async def body(ends: Ends) -> None:
        ends.relay.start()
        await until(lambda: ends.relay.state is State.READS)
        gone = ends.speaker if side == "source" else ends.hearer
        gone.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        if side == "sink":
            ends.speaker.sendall(b"for nobody")
        await until(lambda: ends.over)
        [error] = ends.over
        assert error is not None
        assert error.connection is getattr(ends, side)
        assert isinstance(error, RelayError)
        assert error.errno in (104, 32)

    with_ends(capture, body)


@pytest.mark.parametrize("side", ["source", "sink"])
@pytest.mark.parametrize("state", [State.READS, State.WRITES])
def test_closing_an_end_here_is_told_as_that(capture: Path, side: str, state: State) -> None:
    async def body(ends: Ends) -> None:
        ends.relay.start()
        if state is State.WRITES:
            asyncio.get_running_loop().run_in_executor(None, _send, ends.speaker, bytes(8 << 20))
        await until(lambda: ends.relay.state is state)
        getattr(ends, side).close()
        [error] = ends.over
        assert error is not None
        assert (error.connection, error.errno) == (getattr(ends, side), ClosedHereError().errno)
        assert not ends.sink.sending.locked
        assert ends.source.relays == ends.sink.relays == ()
        _shut(ends.speaker)

    with_ends(capture, body)


def _shut(sock: sockets.socket) -> None:
    """Let the thread that sends on it come to its end."""
    try:
        sock.shutdown(sockets.SHUT_RDWR)
    except OSError:
        pass  # it was reset


def _send(sock: sockets.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
    except OSError:
        pass  # it was closed on the way


@pytest.mark.parametrize("state", [State.READS, State.WRITES])
def test_once_stopped_it_moves_nothing_and_says_nothing(capture: Path, state: State) -> None:
    async def body(ends: Ends) -> None:
        ends.relay.start()
        if state is State.WRITES:
            asyncio.get_running_loop().run_in_executor(None, _send, ends.speaker, bytes(8 << 20))
        await until(lambda: ends.relay.state is state)
        ends.relay.stop()
        ends.relay.stop()
        if state is State.READS:
            ends.speaker.sendall(b"for whoever asks")
        before = ends.source.socket.received
        await asyncio.sleep(0.02)
        assert (ends.over, ends.relay.state, ends.source.socket.received) == ([], State.ENDED, before)
        assert not ends.sink.sending.locked
        if state is State.READS:
            assert await ends.source.recv() == b"for whoever asks"
        _shut(ends.speaker)

    with_ends(capture, body)


def test_it_waits_for_the_disk_in_its_turn(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(ends: Ends) -> None:
        queue = ends.context.ring
        first = queue.join(RING * 2, lambda: None)  # which will never be there
        ends.relay.start()
        ends.speaker.sendall(b"patience")
        await until(lambda: ends.relay.state is State.WAITS_FOR_DISK)
        await asyncio.sleep(0.02)
        assert ends.source.socket.received == 0
        first.cancel()
        assert await ends.hears(8) == b"patience"
        await until(lambda: ends.relay.state is State.READS)
        again = queue.join(RING * 2, lambda: None)
        ends.speaker.sendall(b"not any more")
        await until(lambda: ends.relay.state is State.WAITS_FOR_DISK)
        ends.relay.stop()
        again.cancel()
        assert not queue

    with_ends(capture, body)


def test_messages_keep_their_borders_and_may_be_empty(capture: Path) -> None:
    said = [b"one", b"", b"x" * 30_000, b"last"]

    async def body(ends: Ends) -> None:
        ends.relay.start()
        for message in said:
            ends.speaker.send(message)
        assert [await asyncio.to_thread(ends.hearer.recv, 65536) for _ in said] == said
        ends.speaker.close()
        await until(lambda: ends.over == [None])

    with_ends(capture, body, sockets.SOCK_SEQPACKET)
    calls = [call for call in all_calls(capture) if call.name in (Function.RECV, Function.SEND) and call.message]
    assert [len(message) for message in said] == [call.length for call in calls if call.sends]


def test_messages_wait_whole_for_a_sink_without_room(capture: Path) -> None:
    async def body(ends: Ends) -> None:
        ends.relay.start()
        messages = [bytes([number]) * 20_000 for number in range(100)]
        sending = asyncio.create_task(asyncio.to_thread(lambda: [ends.speaker.send(each) for each in messages]))
        await until(lambda: ends.relay.state is State.WRITES)
        assert [await asyncio.to_thread(ends.hearer.recv, 65536) for _ in messages] == messages
        await sending

    with_ends(capture, body, sockets.SOCK_SEQPACKET)
