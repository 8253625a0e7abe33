"""The kernel's rows of chosen sockets, read in a thread: for every kind of socket, and what goes wrong with that."""

import errno as errnos
import socket as sockets
import threading
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.host import watch as module
from socktui.host.diag import Diag
from socktui.host.rows import Row
from socktui.host.watch import SocketId, Watch
from socktui.journal.reader import Reader
from tests.engine.families import CONNECTED, UDP4, UDP6, WITHOUT_CONNECTION, Family
from tests.support import fresh, until, wait_until

every_connection = pytest.mark.parametrize("family", CONNECTED, ids=lambda family: family.name)
every_datagram = pytest.mark.parametrize("family", WITHOUT_CONNECTION, ids=lambda family: family.name)
OFTEN = 0.01
SECONDS_TO_END = 20.0


def started(pid: int = 0, seconds: float = OFTEN) -> Watch:
    watch = Watch(pid, seconds)
    watch.start()
    return watch


@pytest.fixture
def watch(engine: Engine) -> Iterator[Watch]:
    """A watch of the engine's sockets, which reads often."""
    watch = started(engine.pid)
    yield watch
    watch.close(SECONDS_TO_END)


@pytest.fixture
def loose() -> Iterator[Watch]:
    """A watch of nobody's descriptors."""
    watch = started()
    yield watch
    watch.close(SECONDS_TO_END)


@pytest.fixture
def listener() -> Iterator[sockets.socket]:
    with sockets.create_server(("127.0.0.1", 0), backlog=7) as server:
        yield server


def id_of(socket: Socket) -> SocketId:
    return SocketId(socket.netid, socket.local, socket.peer, socket.fd)


def name_of(server: sockets.socket) -> SocketId:
    host, port = server.getsockname()
    return SocketId("tcp", f"{host}:{port}")


async def row_of(watch: Watch, socket: Socket) -> Row:
    row = await until(lambda: watch.row(id_of(socket)))
    assert row is not None
    return row


# Every kind of socket


@every_connection
async def test_a_connection_and_its_listener(engine: Engine, watch: Watch, family: Family, tmp_path: Path) -> None:
    endpoint = await family.listen(engine, "clogged", backlog=7)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.sendall(b"x" * 321)
        await until(lambda: fresh(reader).sockets == 2)
        listener, accepted = reader.socket(1), reader.socket(2)
        row = await row_of(watch, listener)
        assert (row.state, row.send_q) == ("LISTEN", 7)
        await until(lambda: (row := watch.row(id_of(listener))) and row.recv_q == 0)
        await until(lambda: (row := watch.row(id_of(accepted))) and (row.state, row.recv_q) == ("ESTAB", 321))
        with family.server(tmp_path) as (server, other):
            number = await engine.connect(other)
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"x")
                await until(lambda: fresh(reader).socket(number).received == 1)
                client = id_of(reader.socket(number))
                await until(lambda: (row := watch.row(client)) and (row.recv_q, row.send_q) == (0, 0))
                assert await until(lambda: (row := watch.row(client)) and row.state == "ESTAB")


@every_datagram
async def test_a_bound_datagram_socket_and_a_connected_one(
    engine: Engine, watch: Watch, family: Family, tmp_path: Path
) -> None:
    endpoint = await family.listen(engine)
    with family.peer(endpoint) as sock, Reader(engine.capture) as reader:
        sock.send(b"x")
        assert sock.recv(10) == b"x"
        row = await row_of(watch, fresh(reader).socket(1))
        assert (row.recv_q, row.send_q) == (0, 0)
        with family.server(tmp_path) as (_, other):
            number = await engine.connect(other)
            row = await row_of(watch, fresh(reader).socket(number))
            assert (row.state, row.recv_q, row.send_q) == ("ESTAB", 0, 0)


async def test_a_raw_socket(engine: Engine, watch: Watch) -> None:
    try:
        number = await engine.listen(Endpoint.parse("raw://127.0.0.1:253"), "manual")
    except VerbError as error:
        pytest.skip(error.text)
    with Reader(engine.capture) as reader:
        row = await row_of(watch, reader.socket(number))
        assert (row.netid, row.state, row.local) == ("raw", "UNCONN", ("127.0.0.1", 253))


@pytest.mark.parametrize("family", [UDP4, UDP6], ids=lambda family: family.name)
async def test_without_a_process_they_are_found_by_address(engine: Engine, loose: Watch, family: Family) -> None:
    await family.listen(engine)
    with Reader(engine.capture) as reader:
        row = await row_of(loose, reader.socket(1))
        assert row.local[0] == family.host


def test_the_ports_on_which_anybody_listens(loose: Watch, listener: sockets.socket) -> None:
    """Nobody has to ask for one of them."""
    port = listener.getsockname()[1]
    wait_until(lambda: port in loose.snapshot.listening)
    listener.close()
    wait_until(lambda: port not in loose.snapshot.listening)


# Snapshots


def test_what_the_kernel_does_not_have_is_in_the_snapshot_as_none(loose: Watch) -> None:
    gone = SocketId("tcp", "127.0.0.1:1", "127.0.0.1:2")
    assert loose.row(gone) is None
    wait_until(lambda: gone in loose.snapshot.rows)
    assert loose.row(gone) is None
    assert loose.snapshot.reason == ""


def test_an_address_that_is_none_yet_is_found_nowhere(loose: Watch) -> None:
    """As of a client that is connecting: it has a peer, and no address of its own."""
    connecting = SocketId("tcp", "", "127.0.0.1:2")
    loose.row(connecting)
    wait_until(lambda: connecting in loose.snapshot.rows)
    assert loose.snapshot.rows[connecting] is None


def test_a_snapshot_does_not_change_and_another_comes_only_with_news(loose: Watch, listener: sockets.socket) -> None:
    wanted = name_of(listener)
    wait_until(lambda: loose.row(wanted))
    snapshot = loose.snapshot
    with pytest.raises(FrozenInstanceError):
        snapshot.reason = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        snapshot.rows[wanted] = None  # type: ignore[index]
    with sockets.create_connection(listener.getsockname()):
        wait_until(lambda: (row := loose.row(wanted)) and row.recv_q == 1)
        assert loose.snapshot is not snapshot
        row = snapshot.rows[wanted]
        assert row is not None
        assert row.recv_q == 0


def test_a_row_is_not_read_again_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for, and others are read."""
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(Diag, "connection", lambda *ends: asked.append(ends))
    watch = started(seconds=3600.0)
    first, *others = (SocketId("tcp", f"127.0.0.1:{port}", "127.0.0.1:9") for port in range(1, 20))
    for each in (first, *others):
        watch.row(first)
        watch.row(each)
        wait_until(lambda each=each: each in watch.snapshot.rows)  # type: ignore[misc]
    watch.close(SECONDS_TO_END)
    assert [ends[1] for ends in asked].count(("127.0.0.1", 1)) == 1
    assert len(asked) == 1 + len(others)


def test_a_row_that_nobody_asks_for_is_not_read_again(monkeypatch: pytest.MonkeyPatch, loose: Watch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(Diag, "connection", lambda *ends: asked.append(ends))
    wanted, other = (SocketId("tcp", f"127.0.0.1:{port}", "127.0.0.1:9") for port in (1, 2))
    loose.row(wanted)
    wait_until(lambda: wanted in loose.snapshot.rows)
    for _ in range(20):
        before = len(asked)
        loose.row(other)
        wait_until(lambda before=before: len(asked) > before)  # type: ignore[misc]
    assert [ends[1] for ends in asked].count(("127.0.0.1", 1)) == 1


def test_only_so_many_rows_are_remembered(monkeypatch: pytest.MonkeyPatch, loose: Watch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 10)
    many = [SocketId("tcp", f"127.0.0.1:{port}", "127.0.0.1:9") for port in range(1, 100)]
    for each in many:
        loose.row(each)
    last = SocketId("tcp", "127.0.0.1:100", "127.0.0.1:9")
    wait_until(lambda: loose.row(last) is None and last in loose.snapshot.rows)
    wait_until(lambda: len(loose.snapshot.rows) <= 10)


def test_a_fresh_snapshot_knows_what_came_a_moment_ago(listener: sockets.socket) -> None:
    """However old what was read before may be; and whoever wants one starts the watch."""
    watch = Watch(seconds=3600.0)
    known = {listener.getsockname()[1]}
    assert known <= watch.fresh(SECONDS_TO_END).listening
    for _ in range(5):
        with sockets.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert known | {port} <= watch.fresh(SECONDS_TO_END).listening
        assert port not in watch.fresh(SECONDS_TO_END).listening
    wanted = name_of(listener)
    watch.row(wanted)
    with sockets.create_connection(listener.getsockname()):
        row = watch.fresh(SECONDS_TO_END).rows[wanted]
        assert row is not None
        assert row.recv_q == 1
    watch.close(SECONDS_TO_END)
    assert watch.fresh() is watch.snapshot


# Beginning, end, and what goes wrong


def test_what_was_asked_for_before_the_start_is_read_then(listener: sockets.socket) -> None:
    watch = Watch(seconds=OFTEN)
    assert watch.row(name_of(listener)) is None
    assert "watch" not in [thread.name for thread in threading.enumerate()]
    watch.start()
    watch.start()
    wait_until(lambda: name_of(listener) in watch.snapshot.rows)
    assert [thread.name for thread in threading.enumerate()].count("watch") == 1
    watch.close(SECONDS_TO_END)
    assert "watch" not in [thread.name for thread in threading.enumerate()]


def test_what_is_closed_does_not_start() -> None:
    watch = Watch()
    watch.close()
    watch.start()
    assert "watch" not in [thread.name for thread in threading.enumerate()]


def test_without_netlink_there_is_nothing_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is tried again."""

    def none(*_: object) -> None:
        raise OSError(errnos.EPROTONOSUPPORT, "Protocol not supported")

    with monkeypatch.context() as patch:
        patch.setattr("socktui.host.diag.Netlink", none)
        watch = started()
        wanted = SocketId("tcp", "127.0.0.1:1")
        assert watch.row(wanted) is None
        wait_until(lambda: watch.snapshot.reason == "the kernel tells nothing of sockets: Protocol not supported")
        assert not watch.snapshot.rows
        assert not watch.snapshot.listening
    wait_until(lambda: not watch.snapshot.reason)
    watch.close(SECONDS_TO_END)


def test_a_question_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch, listener: sockets.socket) -> None:
    def late(*_: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(Diag, "connection", late)
    watch = started()
    asked = SocketId("tcp", "127.0.0.1:1", "127.0.0.1:2")
    wait_until(lambda: watch.row(asked) is None and "timed out" in watch.snapshot.reason)
    wait_until(lambda: watch.row(name_of(listener)))
    watch.close(SECONDS_TO_END)


def test_a_kernel_that_keeps_it_waiting_keeps_nobody_else(
    monkeypatch: pytest.MonkeyPatch, listener: sockets.socket
) -> None:
    """A row is answered from the snapshot there is, and the end does not wait for long."""
    held, reached = threading.Event(), threading.Event()
    listeners = Diag.listeners

    def slow(diag: Diag) -> Iterator[Row]:
        reached.set()
        held.wait()
        return listeners(diag)

    monkeypatch.setattr(Diag, "listeners", slow)
    watch = started()
    assert reached.wait(SECONDS_TO_END)
    assert watch.row(name_of(listener)) is None
    watch.close(0)
    assert watch._thread is not None
    assert watch._thread.is_alive()
    held.set()
    watch._thread.join(SECONDS_TO_END)
    assert not watch._thread.is_alive()
