"""A socket whose calls are recorded: each as it was made, with the answer that it got; strace(1) tells the same."""

import asyncio
import contextlib
import errno as errnos
import os
import re
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Reset, Shutdown
from socktui.core.call import Function
from socktui.core.connection import ClosedHereError
from socktui.core.endpoint import Endpoint
from socktui.engine.context import EngineContext
from socktui.engine.traced import END, TracedSocket
from socktui.journal.reader import Reader
from tests.engine.in_process import with_context
from tests.engine.plain_ends import traced as as_traced
from tests.engine.strace import AS_RECORDED, LINE, Seen, ours, recorded, watched
from tests.loops import each_loop
from tests.support import MAKING, all_calls, all_sockets, fresh, full, listening, peer, read_all, read_exactly, until


def traced(log: Path) -> list[Seen]:
    """The calls of strace's log."""
    found = []
    for line in log.read_text().splitlines():
        match = LINE.match(line)
        if match is None:
            assert re.match(r"\d+ +(---|\+\+\+|strace:)", line), f"cannot be read: {line}"
            continue
        name, first, rest, result, errno = match.groups()
        if name == "socket" and not (first.startswith("AF_INET") and "SOCK_STREAM" in rest):
            continue  # who holds a port is asked of the kernel by netlink(7)
        fd = int(result) if name == "socket" else int(first)
        found.append((AS_RECORDED.get(name, name), fd, int(result), errno or ""))
    return found


@each_loop
async def test_every_call_is_recorded_as_it_was_made(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    async with watched(engine, log):
        await scenario(engine)
    told = recorded(engine.capture)
    assert len(told) > 40
    calls = ours(traced(log), engine.capture)
    assert [call for call in calls if call[-1] != "EAGAIN"] == told
    again = [call for call in calls if call[-1] == "EAGAIN"]  # those are counted and not recorded
    assert len(again) == sum(socket.again for socket in all_sockets(engine.capture)) > 0
    assert {name for name, *_ in told} == {str(name) for name in Function if name <= Function.GETSOCKNAME}


async def scenario(engine: Engine) -> None:
    """Every function of the vocabulary, well and ill."""
    port = await listening(engine, buffer=20)
    with Reader(engine.capture) as reader:
        with peer(port) as sock:
            sock.sendall(b"x" * 100)
            assert read_exactly(sock, 100) == b"x" * 100
            sock.shutdown(1)
            assert read_all(sock) == b""
        with peer(await listening(engine)) as sock, full(sock) as said:
            assert await asyncio.to_thread(read_exactly, sock, len(said)) == said
        number = await engine.connect(Endpoint("tcp", "127.0.0.1", port))
        await engine.send([number], b"Hello, World!")
        await until(lambda: fresh(reader).socket(number).received == 13)
        await engine.request(Shutdown(number))
        await until(lambda: fresh(reader).socket(number).ended)
        six = await listening(engine, "tcp://[::1]:0", "manual")
        number = await engine.connect(Endpoint("tcp", "::1", six))
        await engine.request(Reset(number))
        await until(lambda: all(fresh(reader).socket(n).ended for n in range(number, fresh(reader).sockets + 1)))
        for verb, endpoint, errno in [
            ("listen", f":{port}", "EADDRINUSE"),
            ("connect", ":1", "ECONNREFUSED"),
            ("listen", "192.0.2.1:80", "EADDRNOTAVAIL"),
        ]:
            with pytest.raises(VerbError, match=errno):
                await engine.request(MAKING[verb](Endpoint.parse(endpoint)))


# One call at a time


@contextlib.contextmanager
def pair(context: EngineContext, kind: int = sockets.SOCK_STREAM) -> Iterator[tuple[TracedSocket, sockets.socket]]:
    """A recorded socket of the UNIX domain and the plain one at its other end."""
    ours, theirs = sockets.socketpair(sockets.AF_UNIX, kind)
    end = as_traced(context, ours)
    with theirs:
        yield end, theirs
    end.close()


def seen(capture: Path) -> list[tuple[Function, int, int]]:
    """What was recorded: functions, results and errnos."""
    return [(call.name, call.result, call.errno) for call in all_calls(capture)]


def test_the_end_of_a_stream_is_a_call_and_nothing_there_is_counted(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pair(context) as (ours, theirs):
            at, view = await context.space(10)
            assert ours.recv_into(view, at) is None
            theirs.sendall(b"Hello")
            assert ours.recv_into(view, at) == 5
            theirs.shutdown(sockets.SHUT_WR)
            assert ours.recv_into(view, at) == 0
            assert ours.entry.socket.again == 1

    with_context(capture, main)
    assert seen(capture) == [(Function.RECV, 5, 0), (Function.RECV, 0, 0), (Function.CLOSE, 0, 0)]
    assert [call.size for call in all_calls(capture)[:2]] == [10, 10]


def test_as_much_is_sent_as_the_kernel_takes(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pair(context) as (ours, theirs):
            at, view = await context.space(1 << 20)
            taken = ours.send(view, at, fresh=True)
            assert 0 < taken < 1 << 20
            assert ours.send(view, at, fresh=False) == 0
            assert (ours.entry.socket.sent, ours.entry.socket.again) == (taken, 1)
            theirs.close()
            with pytest.raises(BrokenPipeError):
                ours.send(b"x", at, fresh=False)

    with_context(capture, main)
    sent, failed, _ = all_calls(capture)
    assert (sent.length, sent.size) == (sent.result, 1 << 20)
    assert (failed.result, failed.errno, failed.size) == (-1, errnos.EPIPE, 1)


def test_an_empty_message_is_not_the_end(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pair(context, sockets.SOCK_SEQPACKET) as (ours, theirs):
            at, view = await context.space(1000)
            assert ours.recv_message(view[:10], at) is None
            for data, kept in ((b"", 0), (b"Hello", 5), (b"x" * 50, 10)):
                theirs.send(data)
                assert ours.recv_message(view[:10], at) == kept
                assert ours.send_message(data, at, fresh=False)
            theirs.close()
            with pytest.raises(ConnectionResetError):  # of what it had not received
                ours.recv_message(view[:10], at)
            assert ours.recv_message(view[:10], at) == END

    with_context(capture, main)
    received = [call for call in all_calls(capture) if call.receives]
    assert [(call.result, call.length) for call in received] == [(0, 0), (5, 5), (50, 10), (-1, 0), (0, 0)]


def test_who_accepts_nothing_is_counted_and_a_quiet_failure_too(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        listener = TracedSocket.open(context.journal, sockets.AF_INET, sockets.SOCK_STREAM, service="echo")
        for quiet in (False, True):
            with pytest.raises(OSError, match="Invalid argument"):  # it does not listen
                listener.accept(quiet=quiet)
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        assert listener.accept() is None
        assert listener.entry.socket.again == 2
        with sockets.create_connection(listener.sock.getsockname()) as client:
            accepted = listener.accept()
            assert accepted is not None
            assert (accepted.number, accepted.entry.socket.parent) == (2, 1)
            assert accepted.entry.socket.peer == "{}:{}".format(*client.getsockname())
            accepted.close()
        listener.close()

    with_context(capture, main)
    accepts = [call for call in all_calls(capture) if call.name is Function.ACCEPT]
    assert [(call.errno, call.made) for call in accepts] == [(errnos.EINVAL, 0), (0, 2)]


def test_it_is_closed_where_the_body_fails(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pair(context) as (ours, _):
            with ours.closed_on_failure():
                pass
            assert ours.fd >= 0
            with pytest.raises(ZeroDivisionError), ours.closed_on_failure():
                raise ZeroDivisionError
            assert ours.fd < 0

    with_context(capture, main)


def test_what_has_been_closed_records_no_more(capture: Path) -> None:
    """No call is made: a descriptor of that number may be another's by now."""

    async def main(context: EngineContext) -> None:
        with pair(context) as (ours, _):
            ours.close()
            at, view = await context.space(10)
            for call in (
                lambda: ours.recv_into(view, at),
                lambda: ours.recv_message(view, at),
                lambda: ours.send(b"x", at, fresh=False),
                lambda: ours.send_message(b"x", at, fresh=False),
                lambda: ours.shutdown(sockets.SHUT_WR),
                lambda: ours.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR),
                lambda: ours.set_linger(1, 0),
                ours.getsockname,
                ours.get_peer_credentials,
            ):
                with pytest.raises(ClosedHereError):
                    call()

    with_context(capture, main)
    assert seen(capture) == [(Function.CLOSE, 0, 0)]


def test_options_and_names_are_recorded_as_the_man_pages_write_them(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pair(context) as (ours, _):
            assert ours.get_peer_credentials() == (os.getpid(), os.getuid(), os.getgid())
            ours.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 5000)
            assert ours.getsockopt(sockets.SOL_SOCKET, sockets.SO_ERROR) == 0
            ours.set_linger(1, 0)
            ours.shutdown(sockets.SHUT_RDWR)
            loopback = sockets.if_nametoindex("lo")
            assert ours.plain(("fe80::1", 80, 0, loopback)) == ["fe80::1%lo", 80]
            assert ours.plain(("fe80::1", 80, 0, 12345)) == ["fe80::1%12345", 80]
            assert ours.plain(("::1", 80, 0, 0)) == ["::1", 80]
            assert [ours.plain(name) for name in (None, "", "/run/s", b"\0name")] == ["", "", "/run/s", "@name"]

    with_context(capture, main)
    assert [(call.args, call.answer) for call in all_calls(capture)[:-1]] == [
        (("SOL_SOCKET", "SO_PEERCRED"), [os.getpid(), os.getuid(), os.getgid()]),
        (("SOL_SOCKET", "SO_RCVBUF", 5000), None),
        (("SOL_SOCKET", "SO_ERROR"), 0),
        (("SOL_SOCKET", "SO_LINGER", [1, 0]), None),
        (("SHUT_RDWR",), None),
    ]


def test_a_socket_that_cannot_be_made_is_a_row_that_says_why(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pytest.raises(OSError, match="not supported"):
            TracedSocket.open(context.journal, sockets.AF_INET, sockets.SOCK_SEQPACKET)

    with_context(capture, main)
    [call] = all_calls(capture)
    assert (call.name, call.result, call.errno) == (Function.SOCKET, -1, errnos.ESOCKTNOSUPPORT)
    assert call.args == ("AF_INET", "SOCK_SEQPACKET|SOCK_NONBLOCK|SOCK_CLOEXEC", 0)
    [socket] = all_sockets(capture)
    assert (socket.open, socket.why) == (False, "ESOCKTNOSUPPORT")
