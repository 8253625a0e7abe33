"""What UNIX sockets do otherwise than TCP: no RST, a queue that says EAGAIN, a peer that has a name and a process."""

import asyncio
import errno
import os
import signal
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Reset
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, Socket, State
from socktui.journal.reader import Reader
from tests.engine.families import ABSTRACT, DATAGRAMS, PACKETS, UNIX, Family
from tests.support import MAKING, all_calls, all_sockets, carried, fresh, read_exactly, until

every_unix = pytest.mark.parametrize("family", [UNIX, PACKETS], ids=lambda family: family.name)


def myself() -> str:
    comm = Path("/proc/self/comm").read_text().strip()
    passwd = Path("/etc/passwd").read_text().splitlines()
    user = next(line.split(":")[0] for line in passwd if line.split(":")[2] == str(os.getuid()))
    return f"{comm} (pid {os.getpid()}, {user})"


@every_unix
async def test_whose_the_other_end_is(engine: Engine, family: Family, tmp_path: Path) -> None:
    endpoint = await family.listen(engine)
    with (
        family.peer(endpoint),
        family.server(tmp_path) as (server, other),
        Reader(engine.capture) as reader,
    ):
        await until(lambda: fresh(reader).sockets == 2)
        number = await engine.connect(other)
        server.accept()[0].close()
        assert [fresh(reader).socket(n).who for n in (1, 2, number)] == ["", myself(), myself()]
    await engine.end()
    asked = [call for call in all_calls(engine.capture) if call.name is Function.GETSOCKOPT]
    assert [(call.socket, call.args[1]) for call in asked] == [(2, "SO_PEERCRED"), (3, "SO_PEERCRED")]
    assert {str(call.answer) for call in asked} == {str([os.getpid(), os.getuid(), os.getgid()])}


@every_unix
async def test_a_peer_that_has_a_name_is_shown_by_it(engine: Engine, family: Family, tmp_path: Path) -> None:
    endpoint = await family.listen(engine)
    names = [str(tmp_path / "client"), f"\0{tmp_path}"]
    for name in names:
        with family.socket() as sock:
            sock.bind(name)
            sock.connect(family.address(endpoint))
            sock.sendall(b"who am I")
            assert sock.recv(100) == b"who am I"
    await engine.end()
    peers = [socket.peer for socket in all_sockets(engine.capture) if socket.role is Role.ACCEPTED]
    assert peers == [names[0], f"@{tmp_path}"]


@every_unix
async def test_there_is_no_reset(engine: Engine, family: Family) -> None:
    """Closed with bytes of the peer unread, it tells ECONNRESET; otherwise the peer sees a FIN."""
    endpoint = await family.listen(engine, "clogged")
    with family.peer(endpoint) as unread, family.peer(endpoint) as clean, Reader(engine.capture) as reader:
        unread.sendall(b"never read")
        await until(lambda: fresh(reader).sockets == 3)
        for number in (2, 3):
            await engine.request(Reset(number))
        with pytest.raises(ConnectionResetError):
            unread.recv(1)
        assert clean.recv(1) == b""
        assert [fresh(reader).socket(number).why for number in (2, 3)] == ["closed here", "closed here"]
    await engine.end()
    assert Function.SETSOCKOPT not in {call.name for call in all_calls(engine.capture)}


@every_unix
async def test_a_peer_that_goes_without_reading(engine: Engine, family: Family) -> None:
    """The kernel tells it as it tells a RST. What came earlier it gives before or afterwards: nothing is lost."""
    endpoint = await family.listen(engine, "manual")
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        await engine.send([2], b"never read")
        os.kill(engine.pid, signal.SIGSTOP)
        try:
            sock.send(b"last")
            sock.send(b"words")
            sock.close()
        finally:
            os.kill(engine.pid, signal.SIGCONT)
        await until(lambda: fresh(reader).socket(2).ended)
        assert reader.socket(2).end is End.PEER_RESET
        assert reader.socket(2).errno == errno.ECONNRESET
    assert carried(engine.capture, 2, "recv") == b"lastwords"


@every_unix
async def test_who_comes_when_the_queue_is_full_waits(engine: Engine, family: Family, tmp_path: Path) -> None:
    """connect(2) says EAGAIN, once in the capture, and is called again until there is room."""
    with (
        family.server(tmp_path, backlog=0) as (server, endpoint),
        family.socket() as first,
        Reader(engine.capture) as reader,
    ):
        first.connect(family.address(endpoint))
        connecting = asyncio.create_task(engine.connect(endpoint))
        await until(lambda: fresh(reader).sockets and reader.socket(1).again)
        assert reader.socket(1).state is State.UNCONN
        assert not connecting.done()
        server.accept()[0].close()
        number = await connecting
        other, _ = server.accept()
        with other:
            await engine.send([number], b"at last")
            assert read_exactly(other, 7) == b"at last"
            assert fresh(reader).socket(number).state is State.ESTAB
    connects = [call for call in all_calls(engine.capture) if call.name is Function.CONNECT]
    assert [call.errno for call in connects] == [errno.EAGAIN, 0]


async def test_a_flood_of_peers_loses_none(engine: Engine) -> None:
    """The backlog is as deep as the system allows: five hundred at once are all served."""
    endpoint = await UNIX.listen(engine)
    socks = [UNIX.socket() for _ in range(500)]
    try:
        for sock in socks:
            sock.connect(UNIX.address(endpoint))
        for number, sock in enumerate(socks):
            sock.sendall(b"%d" % number)
        for number, sock in enumerate(socks):
            assert read_exactly(sock, len(b"%d" % number)) == b"%d" % number
    finally:
        for sock in socks:
            sock.close()


@pytest.mark.parametrize("there", [UNIX, PACKETS, DATAGRAMS], ids=lambda family: family.name)
async def test_another_kind_listens_there(engine: Engine, there: Family, tmp_path: Path) -> None:
    with there.server(tmp_path) as (_, endpoint):
        kind = next(family for family in (UNIX, PACKETS) if family is not there)
        with pytest.raises(VerbError) as caught:
            await engine.connect(Endpoint(kind.scheme, path=endpoint.path))
        assert caught.value.errno == "EPROTOTYPE"
        assert f"of another kind: write {there.scheme}://{endpoint.path}" in caught.value.text


async def test_sentences(engine: Engine, tmp_path: Path) -> None:
    """What stands at the path tells what is wrong."""
    (tmp_path / "file").write_text("")
    (tmp_path / "closed").mkdir()
    left = tmp_path / "left"
    with UNIX.socket() as sock:
        sock.bind(str(left))
    for verb, path, sentence in [
        ("connect", tmp_path / "nothing", "(ENOENT): there is no such file: check the path, or start a server first"),
        ("connect", tmp_path / "no" / "s", f"(ENOENT): there is no folder {tmp_path / 'no'}"),
        ("connect", tmp_path / "file" / "s", f"(ENOTDIR): there is no folder {tmp_path / 'file'}"),
        ("connect", tmp_path / "file", "(ECONNREFUSED): that is a file and no socket"),
        ("connect", tmp_path / "closed", "(ECONNREFUSED): that is a folder and no socket"),
        ("connect", left, "(ECONNREFUSED): a socket's file is left there, and nothing accepts: start its server again"),
        ("connect", f"@{left}", "(ECONNREFUSED): no socket that accepts has that name: check it, or start a server"),
        ("listen", tmp_path / "no" / "s", f"(ENOENT): there is no folder {tmp_path / 'no'}"),
        ("listen", "/proc/s", "): "),
    ]:
        with pytest.raises(VerbError) as caught:
            await engine.request(MAKING[verb](Endpoint("unix", path=str(path))))
        assert f"unix://{path}: " in caught.value.text
        assert sentence in caught.value.text


async def test_sentences_of_rights(engine: Engine, tmp_path: Path) -> None:
    with UNIX.server(tmp_path) as (_, endpoint):
        os.chmod(endpoint.path, 0)
        if os.access(endpoint.path, os.W_OK):
            pytest.skip("root may use every folder and every socket")
        with pytest.raises(VerbError, match=r"\(EACCES\): its file does not let you write to it"):
            await engine.connect(endpoint)
    tmp_path.chmod(0o500)
    with pytest.raises(VerbError, match=r"\(EACCES\): the folder .* is not yours to use"):
        await engine.listen(Endpoint("unix", path=str(tmp_path / "s")))
    tmp_path.chmod(0o700)


async def test_an_abstract_name_that_is_taken(engine: Engine, tmp_path: Path) -> None:
    """There is nothing to replace: such a name goes with its socket."""
    with ABSTRACT.server(tmp_path) as (_, endpoint):
        for tried in (endpoint, endpoint.with_option("replace", "yes")):
            with pytest.raises(VerbError, match=rf"\(pid {os.getpid()}\): a program has it open: take another name"):
                await engine.listen(tried)
    await engine.listen(endpoint)


@every_unix
async def test_the_calls_alone_tell_the_same(engine: Engine, family: Family, tmp_path: Path) -> None:
    """What the slots of the capture say can be told again from its calls."""
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.sendall(b"one")
        assert sock.recv(10) == b"one"
        number = await engine.connect(endpoint)
        await engine.send([number], b"two")
        await until(lambda: fresh(reader).socket(number).received == 3)
    with pytest.raises(VerbError):
        await engine.connect(Endpoint(family.scheme, path=str(tmp_path / "nothing")))
    await engine.end()

    def plain(socket: Socket) -> tuple[object, ...]:
        return socket.netid, socket.local, socket.peer, socket.role, socket.state, socket.end, socket.errno

    with Reader(engine.capture) as reader:
        told: dict[int, Socket] = {}
        for seq in range(reader.count):
            call = reader.call(seq)
            told.setdefault(call.socket, Socket(call.socket)).apply(call)
            if call.made:
                told[call.made] = Socket(call.made)
                told[call.made].accepted(call, told[call.socket])
        assert [plain(socket) for _, socket in sorted(told.items())] == [
            plain(reader.socket(n)) for n in range(1, reader.sockets + 1)
        ]
