"""Datagram servers and clients on real sockets: borders, peers, what is refused, and what the capture says of it."""

import socket as sockets
import tempfile
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Reset, Send, SetBuffer, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from socktui.journal.reader import Reader
from tests.engine.datagrams import KINDS, Kind, assert_calls_tell_it_all, calls_of, every_kind
from tests.support import all_sockets, fresh, until

UDP, _, UNIX = KINDS


@every_kind
async def test_borders_are_kept_and_every_peer_has_its_row(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine)
    messages = [b"Hello, World!", b"", b"\0\x1b[31m\xff", b"x" * kind.largest]
    with kind.peer(where) as one, kind.peer(where) as two:
        for message in messages:
            one.send(message)
            assert one.recv(70000) == message
        two.send(b"I am another")
        assert two.recv(70000) == b"I am another"
        names = [kind.endpoint(sock).authority for sock in (one, two)]
    with Reader(engine.capture) as reader:
        await until(lambda: len(calls_of(reader, 2)) == 8)
        mine = calls_of(reader, 2)
        assert [call.name for call in mine] == [Function.RECVFROM, Function.SENDTO] * 4
        assert {call.via for call in mine} == {1}
        assert [reader.data(call) for call in mine[::2]] == [reader.data(call) for call in mine[1::2]] == messages
        assert [call.result for call in mine[::2]] == [len(message) for message in messages]
        assert mine[2].empty
        assert not mine[2].eof
    await engine.end()
    bound, first, second = all_sockets(engine.capture)
    assert (bound.role, bound.netid, bound.state, bound.service) == (Role.LISTENER, kind.netid, State.CLOSED, "echo")
    assert [first.peer, second.peer] == names
    assert (first.role, first.parent, first.fd, first.end) == (Role.ACCEPTED, 1, bound.fd, End.CLOSED)
    assert first.received == first.sent == sum(map(len, messages))
    assert_calls_tell_it_all(engine)


@every_kind
async def test_a_client_talks_to_a_plain_socket(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock, Reader(engine.capture) as reader:
        number = await engine.connect(kind.endpoint(sock))
        for message in (b"one", b"", b"three"):
            await engine.send([number], message)
            data, address = sock.recvfrom(70000)
            assert data == message
            sock.sendto(data[::-1], address)
        await until(lambda: fresh(reader).socket(number).received == 8)
        assert [call.result for call in calls_of(reader, number) if call.receives] == [3, 0, 5]
        socket = reader.socket(number)
        assert (socket.role, socket.state, socket.peer) == (
            Role.CLIENT,
            State.ESTAB,
            kind.endpoint(sock).authority,
        )
        await engine.request(Shutdown(number))
        assert reader.socket(number).open
        with pytest.raises(VerbError, match="EPIPE"):
            await engine.send([number], b"too late")
        await engine.request(Close(number))
        assert reader.socket(number).why == "EPIPE" or reader.socket(number).end is End.CLOSED
    await engine.end()
    assert_calls_tell_it_all(engine)


@every_kind
async def test_what_does_not_fit_the_buffer_is_lost_and_the_call_says_so(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, buffer=20)
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(bytes(range(50)))
        assert sock.recv(100) == bytes(range(20))
        sock.send(b"x" * 20)
        assert sock.recv(100) == b"x" * 20
        cut, whole = [call for call in calls_of(reader, 2) if call.receives]
        assert (cut.result, cut.length, cut.size, reader.data(cut)) == (50, 20, 20, bytes(range(20)))
        assert (whole.result, whole.length) == (20, 20)
        await engine.request(SetBuffer(1, 30))
        sock.send(b"y" * 50)
        assert sock.recv(100) == b"y" * 30
        number = await engine.connect(where, buffer=7)
        await engine.send([number], b"longer than seven")
        await until(lambda: fresh(reader).socket(number).received)
        (cut,) = [call for call in calls_of(reader, number) if call.receives]
        assert (cut.result, cut.length, cut.size) == (17, 7, 7)


@every_kind
async def test_one_that_is_too_long_is_told_and_ends_nothing(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock, Reader(engine.capture) as reader:
        number = await engine.connect(kind.endpoint(sock))
        for size in (300_000, (1 << 20) + 1):
            with pytest.raises(VerbError, match=r"\(EMSGSIZE\)") as caught:
                await engine.send([number], bytes(size))
            assert caught.value.errno == "EMSGSIZE"
        assert fresh(reader).socket(number).why == "EMSGSIZE"
        await engine.send([number], b"short")
        assert sock.recv(100) == b"short"
        assert reader.socket(number).open
    where = await kind.listen(engine, "manual")
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(b"hello")
        await until(lambda: fresh(reader).sockets == 3 and reader.socket(3).received)
        with pytest.raises(VerbError, match="EMSGSIZE"):
            await engine.send([3], bytes(300_000))
        failed = calls_of(reader, 3)[-1]
        assert (failed.name, failed.size, failed.via) == (Function.SENDTO, 300_000, 2)
        await engine.send([3], b"short")
        assert sock.recv(100) == b"short"
    await engine.end()
    assert_calls_tell_it_all(engine)


@every_kind
async def test_nobody_there_is_told_and_ends_nothing(engine: Engine, kind: Kind) -> None:
    with kind.socket() as sock:
        where = kind.endpoint(sock)
        number = await engine.connect(where)
    with Reader(engine.capture) as reader:
        if kind.family == sockets.AF_UNIX:
            with pytest.raises(VerbError, match="ECONNREFUSED"):
                await engine.send([number], b"anybody?")
        else:
            await engine.send([number], b"anybody?")
            await until(lambda: fresh(reader).socket(number).errno)
            failed = calls_of(reader, number)[-1]
            assert (failed.name, failed.result, failed.message) == (Function.RECV, -1, True)
        assert (reader.socket(number).why, reader.socket(number).open) == ("ECONNREFUSED", True)
        if kind.family == sockets.AF_UNIX:
            return
        with sockets.socket(kind.family, sockets.SOCK_DGRAM) as back:
            back.settimeout(20)
            back.bind(kind.address(where))
            await engine.send([number], b"and now?")
            data, address = back.recvfrom(100)
            back.sendto(data, address)
            await until(lambda: fresh(reader).socket(number).received == 8)


@every_kind
async def test_a_peer_that_was_closed_comes_back_as_a_new_row(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, "manual")
    with kind.peer(where) as sock, Reader(engine.capture) as reader:
        sock.send(b"first")
        await until(lambda: fresh(reader).sockets == 2)
        await engine.send([2], b"answer")
        assert sock.recv(100) == b"answer"
        with pytest.raises(VerbError, match="there is no half-close: the socket has other peers, too"):
            await engine.request(Shutdown(2))
        await engine.request(Close(2))
        assert (reader.socket(2).state, reader.socket(2).why) == (State.CLOSED, "closed here")
        with pytest.raises(VerbError, match="socket 2 is no open connection"):
            await engine.send([2], b"more")
        sock.send(b"second")
        await until(lambda: fresh(reader).sockets == 3)
        await engine.request(Reset(3))
        assert reader.socket(3).ended
        sock.send(b"third")
        await until(lambda: fresh(reader).sockets == 4)
        await engine.request(Close(1))
        assert [reader.socket(number).why for number in (1, 4)] == ["closed here"] * 2
        assert reader.socket(4).ended == reader.socket(1).ended
        with pytest.raises(VerbError, match="socket 4 is no open connection"):
            await engine.request(Close(4))


@every_kind
async def test_a_service_that_says_one_thing_says_it_for_every_datagram(engine: Engine, kind: Kind) -> None:
    where = await kind.listen(engine, "time")
    with kind.peer(where) as sock, kind.peer(where) as other:
        for _ in range(3):
            sock.send(b"what time is it?")
            assert len(sock.recv(100)) == 4
        for _ in range(3):
            other.send(b"?")
        assert {len(other.recv(100)) for _ in range(3)} == {4}
    assert len(all_sockets(engine.capture)) == 3


async def test_many_peers_are_kept_apart(engine: Engine) -> None:
    kind = UDP
    where = await kind.listen(engine)
    socks = [sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) for _ in range(100)]
    try:
        for number, sock in enumerate(socks):
            sock.settimeout(20)
            sock.connect(kind.address(where))
            sock.send(b"%d" % number)
        assert [sock.recv(100) for sock in socks] == [b"%d" % number for number in range(100)]
    finally:
        for sock in socks:
            sock.close()
    assert len({socket.peer for socket in all_sockets(engine.capture)[1:]}) == 100


async def test_names_are_resolved_and_a_taken_port_is_told(engine: Engine) -> None:
    with UDP.socket() as sock:
        port = sock.getsockname()[1]
        number = await engine.connect(Endpoint("udp", "localhost", port))
        await engine.send([number], b"by name")
        with pytest.raises(VerbError, match=rf"udp://127.0.0.1:{port}.*EADDRINUSE"):
            await engine.listen(Endpoint("udp", "127.0.0.1", port))
    with pytest.raises(VerbError, match="the name is not known"):
        await engine.connect(Endpoint("udp", "no-such-name.invalid", 5005))


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
