"""One end of TLS alone, over a pair of sockets: its time limit, and jobs that get in each other's way."""

import asyncio
import errno as errnos
import socket as sockets
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from socktui.core.call import Call, Function
from socktui.core.connection import ClosedHereError
from socktui.engine.context import EngineContext
from socktui.engine.poller import Poller
from socktui.engine.stream import Stream
from socktui.engine.tls.connection import TlsConnection
from socktui.engine.traced import TracedSocket
from socktui.journal.writer import Journal
from tests.engine.tls.certificates import Certificates
from tests.engine.tls.peer import TlsPeer, trusting
from tests.support import SECONDS, all_calls, until

Main = Callable[[TlsConnection, sockets.socket], Awaitable[None]]


def served(folder: Path, main: Main, *, seconds: float = SECONDS) -> list[Call]:
    """Run `main` with a server's end of TLS and the plain socket at the other end; the calls that it made."""
    made = Certificates(folder)
    ssl_context = made.server(made.good())

    async def run_it(poller: Poller) -> None:
        journal = Journal(folder / "c.socktui")
        ours, theirs = sockets.socketpair()
        ours.setblocking(False)
        theirs.settimeout(SECONDS)
        context = EngineContext(poller, journal)
        traced = TracedSocket(journal, ours, journal.entry(scheme="tls"))
        connection = TlsConnection(context, Stream(context, traced), ssl_context, seconds=seconds)
        try:
            with theirs:
                await main(connection, theirs)
        finally:
            connection.close()
            journal.close()

    poller = Poller()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(run_it(poller))
    return all_calls(folder / "c.socktui")


def client(folder: Path, theirs: sockets.socket) -> TlsPeer:
    return TlsPeer(theirs, trusting(folder / "test-ca.pem"), "localhost")


async def shake_hands(folder: Path, connection: TlsConnection, theirs: sockets.socket) -> TlsPeer:
    end = client(folder, theirs)
    shaking = asyncio.create_task(asyncio.to_thread(end.shake_hands))
    await connection.handshake()
    await shaking
    return end


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00"])
def test_a_handshake_has_its_time_and_no_more(tmp_path: Path, said: bytes) -> None:
    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        theirs.sendall(said)
        begun = asyncio.ensure_future(connection.handshake())
        with pytest.raises(OSError, match=r"no TLS handshake within 0\.1 s") as refused:
            await begun
        assert refused.value.errno == errnos.EPROTO
        connection.close()
        assert theirs.recv(1) == b""

    calls = served(tmp_path, main, seconds=0.1)
    [shaken] = [call for call in calls if call.name is Function.SSL_DO_HANDSHAKE]
    assert (shaken.result, shaken.answer) == (-1, "no TLS handshake within 0.1 s")
    assert Function.SSL_SHUTDOWN not in {call.name for call in calls}


def test_what_is_sent_within_the_handshake_waits_for_its_end(tmp_path: Path) -> None:
    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        begun = asyncio.ensure_future(connection.handshake())
        sent = asyncio.ensure_future(connection.send(b"early"))
        end = client(tmp_path, theirs)

        def read() -> bytes:
            end.shake_hands()
            return end.read_exactly(5)

        reading = asyncio.create_task(asyncio.to_thread(read))
        await begun
        await sent
        assert await reading == b"early"

    served(tmp_path, main)


def test_sending_goes_on_while_another_receives(tmp_path: Path) -> None:
    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        received = asyncio.ensure_future(connection.recv())
        sent = asyncio.ensure_future(connection.send(b"x" * 100_000))
        assert await asyncio.to_thread(end.read_exactly, 100_000) == b"x" * 100_000
        await sent
        end.send(b"y")
        assert await received == b"y"
        assert received.done()

    served(tmp_path, main)


def test_a_half_close_throws_nothing_away_that_has_come(tmp_path: Path) -> None:
    """OpenSSL looks for the peer's close_notify when it writes ours, and drops the records that stand before it."""

    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        for text in (b"one", b"two", b"three"):
            end.tls.write(text)
        end.write_notify()
        end.flush()
        for step in (connection.recv(), connection.shutdown(), connection.recv(), connection.recv(), connection.recv()):
            came.append(await step)

    came: list[bytes | None] = []
    calls = served(tmp_path, main)
    assert came == [b"one", None, b"two", b"three", None]
    ends = [(call.name, call.result) for call in calls if call.name is Function.SSL_SHUTDOWN or call.eof]
    assert ends == [(Function.SSL_SHUTDOWN, 1), (Function.SSL_READ, 0)]


def test_a_fin_without_close_notify_is_an_error(tmp_path: Path) -> None:
    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        end.send(b"half a")
        theirs.shutdown(sockets.SHUT_WR)
        assert await connection.recv() == b"half a"
        with pytest.raises(OSError, match="the peer closed without close_notify") as cut:
            await connection.recv()
        assert cut.value.errno == errnos.EPROTO

    served(tmp_path, main)


def test_a_send_that_is_given_up_ends_its_record_later(tmp_path: Path) -> None:
    """Half a record in the stream would make all that follows unreadable."""

    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        before = connection.socket.sent
        given_up = asyncio.ensure_future(connection.send(bytes(4 << 20)))
        await until(lambda: connection.socket.sent > before + 50_000)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        sent = asyncio.ensure_future(connection.send(b"the next"))
        found = b""
        while not found.endswith(b"the next"):
            found = found[-8:] + await asyncio.to_thread(end.recv)
        await sent

    served(tmp_path, main)


def test_a_close_while_the_peer_does_not_read_says_what_it_can(tmp_path: Path) -> None:
    """Nothing is put into the midst of a record: the peer gets whole records, and then sees that the end is missing."""

    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        before = connection.socket.sent
        given_up = asyncio.ensure_future(connection.send(bytes(4 << 20)))
        await until(lambda: connection.socket.sent > before + 50_000)
        connection.close()
        with pytest.raises(ClosedHereError):
            await given_up
        with pytest.raises((EOFError, ssl.SSLError)):
            await asyncio.to_thread(end.read_all)

    served(tmp_path, main)


def test_a_goodbye_reaches_a_peer_that_reads(tmp_path: Path) -> None:
    async def main(connection: TlsConnection, theirs: sockets.socket) -> None:
        end = await shake_hands(tmp_path, connection, theirs)
        await connection.closing_handshake()
        assert await asyncio.to_thread(end.recv) == b""
        connection.close()

    calls = served(tmp_path, main)
    assert [call.result for call in calls if call.name is Function.SSL_SHUTDOWN] == [0]
