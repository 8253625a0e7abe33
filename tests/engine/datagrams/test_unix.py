"""UNIX datagram sockets: names and files, peers without a name, and peers that do not receive."""

import socket as sockets
import tempfile
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Send
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.context import EngineContext
from socktui.engine.datagrams import unix
from socktui.journal.reader import Reader
from tests.engine.datagrams import KINDS, assert_calls_tell_it_all, calls_of
from tests.engine.in_process import with_context
from tests.support import all_calls, all_sockets, fresh, until

_, _, UNIX = KINDS


def test_a_client_has_a_name_so_that_it_can_be_answered(capture: Path) -> None:
    """unix(7), autobind: five hexadecimal digits in the abstract namespace."""

    async def main(context: EngineContext) -> None:
        with UNIX.socket() as sock:
            client = await unix.connect(context, UNIX.endpoint(sock), 10)
            await client.send(b"question")
            data, address = sock.recvfrom(100)
            assert (data, address.decode().replace("\0", "@")) == (b"question", client.socket.local)
            assert len(client.socket.local) == 6
            sock.sendto(b"answer", address)
            assert await client.recv() == b"answer"
            client.close()

    with_context(capture, main)
    assert [call.name for call in all_calls(capture)][:4] == [
        Function.SOCKET,
        Function.BIND,
        Function.CONNECT,
        Function.GETSOCKNAME,
    ]


def test_the_place_of_a_file_that_was_left_is_taken_on_request_alone(capture: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as sock:
        sock.bind(str(path))
    where = Endpoint("unix-dgram", path=str(path))

    async def main(context: EngineContext) -> None:
        with pytest.raises(SocketError) as told:
            await unix.listen(context, where, "echo", 5, lambda _: None)
        assert told.value.code is ErrorCode.SOCKET_FILE_STALE
        assert path.exists()
        bound = await unix.listen(context, where.with_option("replace", "yes"), "echo", 5, lambda _: None)
        assert bound.socket.local == str(path)
        bound.close()
        assert not path.exists()

    with_context(capture, main)
    assert not any(socket.open for socket in all_sockets(capture))


async def test_what_has_no_name_is_one_peer_that_cannot_be_answered(engine: Engine) -> None:
    kind = UNIX
    where = await kind.listen(engine, "manual")
    with Reader(engine.capture) as reader:
        for text in (b"one", b"two"):
            with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as sock:
                sock.sendto(text, kind.address(where))
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).received == 6)
        with pytest.raises(VerbError, match=r"it has no name, so that nothing can be sent to it \(ENOTCONN\)"):
            await engine.send([2], b"answer")
        assert (reader.socket(2).peer, reader.socket(2).open) == ("", True)
        failed = calls_of(reader, 2)[-1]
        assert (failed.name, failed.args) == (Function.SENDTO, ("NULL",))
    await engine.end()
    assert_calls_tell_it_all(engine)


async def test_the_file_of_a_unix_socket_is_ours_alone_and_goes_with_it(engine: Engine) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        number = await engine.listen(Endpoint("unix-dgram", path=str(path)))
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(VerbError, match="EADDRINUSE"):
            await engine.listen(Endpoint("unix-dgram", path=str(path)))
        client = await engine.connect(Endpoint("unix-dgram", path=str(path)))
        await engine.send([client], b"hello")
        with Reader(engine.capture) as reader:
            await until(lambda: fresh(reader).socket(client).received == 5)
            assert reader.socket(client).local.startswith("@")
        await engine.request(Close(number))
        assert not path.exists()
        with pytest.raises(VerbError, match="ENOENT"):
            await engine.connect(Endpoint("unix-dgram", path=str(path)))


async def test_a_deaf_unix_peer_holds_up_nobody_and_gets_it_all(engine: Engine) -> None:
    """Its queue takes a few datagrams (unix(7): max_dgram_qlen); no readiness tells when it has room again."""
    where = await UNIX.listen(engine, "manual")
    with UNIX.socket() as deaf, UNIX.peer(where) as other, Reader(engine.capture) as reader:
        deaf.sendto(b"here", UNIX.address(where))
        await until(lambda: fresh(reader).sockets == 2)
        other.send(b"here, too")
        await until(lambda: fresh(reader).sockets == 3)
        _, answer = engine.begin(Send((2,), b"news", count=1000))
        await until(lambda: fresh(reader).socket(2).again > 2)
        await engine.send([3], b"for you")
        assert other.recv(100) == b"for you"
        assert not answer.done()
        for _ in range(1000):
            assert deaf.recv(100) == b"news"
        assert (await answer).size == 4000
