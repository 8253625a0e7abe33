"""The file of a UNIX socket: its mode, whose place it takes, and when it goes."""

import os
import signal
import socket as sockets
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close
from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.socketfile import bind_path
from socktui.engine.traced import Address, TracedSocket
from socktui.journal.writer import Journal
from tests.support import running_engine, until

STALE = r"\(EADDRINUSE\): nothing accepts there any more: add \?replace=yes to take its place"

KINDS = {"unix": sockets.SOCK_STREAM, "unix-seqpacket": sockets.SOCK_SEQPACKET, "unix-dgram": sockets.SOCK_DGRAM}
every_kind = pytest.mark.parametrize("scheme", KINDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def journal(capture: Path) -> Iterator[Journal]:
    journal = Journal(capture, ring_size=1 << 20, floor=0)
    yield journal
    journal.close()


def leave_stale(path: Path, kind: int = sockets.SOCK_STREAM) -> None:
    with sockets.socket(sockets.AF_UNIX, kind) as sock:
        sock.bind(str(path))


def inode(path: Path) -> int:
    return path.lstat().st_ino


async def listen(engine: Engine, path: Path, *, scheme: str = "unix", replace: bool = False) -> int:
    endpoint = Endpoint(scheme, path=str(path))
    return await engine.listen(endpoint.with_option("replace", "yes") if replace else endpoint)


def test_only_its_owner_may_use_it_from_the_first_moment(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    bind = TracedSocket.bind

    def spy(self: TracedSocket, address: Address) -> None:
        bind(self, address)
        modes.append(stat.S_IMODE(path.lstat().st_mode))

    monkeypatch.setattr(TracedSocket, "bind", spy)
    traced = TracedSocket.open(journal, sockets.AF_UNIX, sockets.SOCK_STREAM, scheme="unix")
    before = os.umask(0)
    try:
        file = bind_path(traced, str(path), replace=False)
    finally:
        os.umask(before)
    assert modes == [0o600]
    file.remove()
    traced.close()
    assert not path.exists()


@every_kind
async def test_it_goes_with_its_socket(engine: Engine, path: Path, scheme: str) -> None:
    number = await listen(engine, path, scheme=scheme)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    await engine.request(Close(number))
    assert not path.exists()
    await listen(engine, path, scheme=scheme)
    await engine.end()
    assert not path.exists()


async def test_it_goes_when_the_engine_is_told_to_end(capture: Path, path: Path) -> None:
    async with running_engine(capture) as engine:
        await listen(engine, path)
        os.kill(engine.pid, signal.SIGTERM)
        await until(engine.gone.is_set)
        assert not path.exists()


async def test_what_another_has_put_there_stays(engine: Engine, path: Path) -> None:
    number = await listen(engine, path)
    path.unlink()
    path.write_text("precious")
    await engine.request(Close(number))
    assert path.read_text() == "precious"


@every_kind
async def test_a_killed_engine_leaves_one_that_can_be_taken(capture: Path, path: Path, scheme: str) -> None:
    async with running_engine(capture) as engine:
        await listen(engine, path, scheme=scheme)
        os.kill(engine.pid, signal.SIGKILL)
        await until(engine.gone.is_set)
    left = inode(path)
    async with running_engine(capture.with_name("second.socktui")) as engine:
        with pytest.raises(VerbError, match=STALE) as caught:
            await listen(engine, path, scheme=scheme)
        assert caught.value.errno == "EADDRINUSE"
        assert inode(path) == left
        await listen(engine, path, scheme=scheme, replace=True)
        with sockets.socket(sockets.AF_UNIX, KINDS[scheme]) as sock:
            sock.connect(str(path))
    assert list(path.parent.glob("s*")) == [path.parent / "second.socktui"]


@pytest.mark.parametrize("listens", [True, False], ids=["listening", "bound"])
@every_kind
async def test_a_live_one_is_never_taken(engine: Engine, path: Path, scheme: str, listens: bool) -> None:
    """Nor one whose program has not come to listen(2) yet; and it is not disturbed by being asked."""
    with sockets.socket(sockets.AF_UNIX, KINDS[scheme]) as other:
        other.bind(str(path))
        if listens and scheme != "unix-dgram":
            other.listen()
        other.setblocking(False)
        for replace in (False, True):
            with pytest.raises(VerbError, match=rf"by .*\(pid {os.getpid()}\): a program has it open"):
                await listen(engine, path, replace=replace)
        assert path.is_socket()
        with pytest.raises(BlockingIOError):
            other.recv(1) if scheme == "unix-dgram" else _accept(other, listens)


def _accept(sock: sockets.socket, listens: bool) -> None:
    if not listens:
        sock.listen()
    sock.accept()


@pytest.mark.parametrize("replace", [False, True])
async def test_what_is_no_socket_stays(engine: Engine, path: Path, replace: bool) -> None:
    stale = path.with_name("stale")
    leave_stale(stale)
    path.write_text("precious")
    with pytest.raises(VerbError, match=r"\(EADDRINUSE\): a file has that name: take another path"):
        await listen(engine, path, replace=replace)
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(stale)
    with pytest.raises(VerbError, match="a symbolic link has that name"):
        await listen(engine, path, replace=replace)
    assert path.is_symlink()
    assert stale.is_socket()
    path.unlink()
    path.mkdir()
    with pytest.raises(VerbError, match="a folder has that name"):
        await listen(engine, path, replace=replace)
    assert path.is_dir()


@pytest.mark.parametrize("replace", [False, True])
async def test_another_users_stays(engine: Engine, path: Path, replace: bool) -> None:
    leave_stale(path)
    try:
        os.chown(path, 12345, 12345)
    except PermissionError:
        pytest.skip("only root can give a file to another user")
    with pytest.raises(VerbError, match="it is another user's: take another path"):
        await listen(engine, path, replace=replace)
    assert path.is_socket()


async def test_where_nothing_is_nothing_is_replaced(engine: Engine, path: Path) -> None:
    await listen(engine, path, replace=True)
    assert path.is_socket()


def test_who_takes_the_place_at_the_same_moment_gets_it_back(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program replaces the stale file between our look at it and its removal."""
    leave_stale(path)
    rename = os.rename
    other = sockets.socket(sockets.AF_UNIX)

    def late(source: str, target: str) -> None:
        path.unlink()
        other.bind(str(path))
        other.listen()
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    traced = TracedSocket.open(journal, sockets.AF_UNIX, sockets.SOCK_STREAM, scheme="unix")
    with other, pytest.raises(SocketError) as told:
        bind_path(traced, str(path), replace=True)
    monkeypatch.undo()
    assert told.value.code is ErrorCode.SOCKET_FILE_LIVE
    traced.close()
    assert [each.name for each in path.parent.iterdir() if each.name.startswith("s")] == ["s"]


@pytest.mark.parametrize("name", ["with space", "%41?&", "\udcff\udcfe", "Ж" * 9, "'\"\\", "-", "\x1b[31m\n"])
async def test_names_of_every_kind(engine: Engine, tmp_path: Path, name: str) -> None:
    """Written into an endpoint and read from it, a path is the same bytes; so is an abstract name."""
    for where in (str(tmp_path / name), f"@{tmp_path}/{name}"):
        endpoint = Endpoint("unix", path=where)
        number = await engine.listen(endpoint)
        with sockets.socket(sockets.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(os.fsencode(where).replace(b"@", b"\0", 1) if where.startswith("@") else where)
            sock.sendall(b"hello")
            assert sock.recv(5) == b"hello"
        await engine.request(Close(number))


async def test_the_longest_path(engine: Engine, tmp_path: Path) -> None:
    longest = f"{tmp_path}/".ljust(107, "x")
    await engine.listen(Endpoint.parse(f"unix://{longest}"))
    with sockets.socket(sockets.AF_UNIX) as sock:
        sock.connect(longest)
    await engine.listen(Endpoint.parse(f"unix://@{longest}"))
    with pytest.raises(EndpointError, match="the path is too long: 108 bytes"):
        Endpoint.parse(f"unix://{longest}x")
