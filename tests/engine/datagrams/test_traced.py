"""The calls of a bound datagram socket, recorded as those of its peers; strace(1) tells the same."""

import contextlib
import errno as errnos
import re
import socket as sockets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic_ns as now

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Shutdown
from socktui.core.call import Call, Function, address_text, errno_name
from socktui.core.connection import ClosedHereError
from socktui.core.endpoint import Endpoint
from socktui.engine.context import EngineContext
from socktui.engine.datagrams.traced import TracedDatagrams, TracedPortless
from socktui.journal.reader import Reader
from socktui.journal.writer import DETAILS_ROOM
from tests.engine.datagrams import KINDS
from tests.engine.in_process import with_context
from tests.engine.strace import LINE, watched
from tests.support import all_calls, all_sockets, fresh, until

UDP4, UDP6, UNIX = KINDS

Seen = tuple[str, int, int, str, str]
"""A call: its name, descriptor, result, errno, and the address that it was given or gave."""

ADDRESSES = (
    re.compile(r'sin6?_port=htons\((\d+)\), .*?inet_(?:addr\(|pton\(AF_INET6, )"([^"]*)"'),
    re.compile(r'sun_path=(@?)"([^"]*)"'),
)


def traced(log: Path) -> list[Seen]:
    """The calls of strace's log on datagram sockets, without those that only said EAGAIN."""
    found: list[Seen] = []
    opened: set[int] = set()
    for line in log.read_text().splitlines():
        match = LINE.match(line)
        if match is None:
            continue  # signals and ends of threads
        name, first, rest, result, errno = match.groups()
        if errno == "EAGAIN":
            continue
        if name == "socket":
            if "SOCK_DGRAM" not in rest:
                continue
            opened.add(int(result))
        fd = int(result) if name == "socket" else int(first) if first.isdigit() else -1
        if fd not in opened:
            continue
        if name in ("sendto", "recvfrom") and rest.endswith((", NULL, 0", ", NULL, NULL")):
            name = {"sendto": "send", "recvfrom": "recv"}[name]
        if name == "close":
            opened.discard(fd)
        found.append((name, fd, int(result), errno or "", "" if name == "setsockopt" else address_of(rest)))
    return found


def address_of(rest: str) -> str:
    inet, unix = (pattern.search(rest) for pattern in ADDRESSES)
    if inet:
        return address_text([inet[2], int(inet[1])])
    return unix[1] + unix[2] if unix else ""


def recorded(capture: Path) -> list[Seen]:
    with Reader(capture) as reader:
        descriptors = {number: reader.socket(number).fd for number in range(1, reader.sockets + 1)}

    def seen(call: Call) -> Seen:
        told = (
            call.answer if call.receives or call.name is Function.GETSOCKNAME else call.args[0] if call.args else None
        )
        has = call.name in (Function.BIND, Function.CONNECT, Function.SENDTO, Function.RECVFROM, Function.GETSOCKNAME)
        return (
            str(call.name),
            descriptors[call.socket],
            call.result,
            errno_name(call.errno) if call.failed else "",
            address_text(told) if has else "",
        )

    return [seen(call) for call in all_calls(capture)]


async def scenario(engine: Engine) -> None:
    for kind in KINDS:
        where = await kind.listen(engine, buffer=2000)
        with kind.peer(where) as sock, Reader(engine.capture) as reader:
            for data in (b"one", b"", b"x" * 2500):
                sock.send(data)
                assert sock.recv(3000) == data[:2000]
            number = await engine.connect(where)
            for data in (b"typed", b"", b"x" * 1000):
                await engine.send([number], data)
            await until(lambda number=number: fresh(reader).socket(number).received == 1005)  # type: ignore[misc]
            with pytest.raises(VerbError, match="EMSGSIZE"):
                await engine.send([number], bytes(300_000))
            await engine.request(Shutdown(number))
            with pytest.raises(VerbError, match="EPIPE"):
                await engine.send([number], b"late")
            await engine.request(Close(number))
    nobody = await engine.connect(Endpoint("udp", "127.0.0.1", 1))
    await engine.send([nobody], b"anybody?")
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).socket(nobody).errno)
    with pytest.raises(VerbError, match="EADDRINUSE"):
        await engine.listen(where)
    with tempfile.TemporaryDirectory() as folder:
        await engine.listen(Endpoint("unix-dgram", path=f"{folder}/s"))
        await engine.end()


async def test_every_call_is_recorded_as_it_was_made(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    async with watched(engine, log):
        await scenario(engine)
    told = recorded(engine.capture)
    connecting = {"socket", "bind", "connect", "getsockname", "setsockopt", "shutdown", "close"}
    assert {name for name, *_ in told} == {"recvfrom", "sendto", "recv", "send"} | connecting
    assert len(told) > 60
    assert traced(log) == told


# One call at a time


@contextlib.contextmanager
def bound(context: EngineContext, make: type[TracedDatagrams] = TracedDatagrams) -> Iterator[TracedDatagrams]:
    traced = make.open(context.journal, sockets.AF_INET, sockets.SOCK_DGRAM, scheme="udp")
    traced.bind(("127.0.0.1", 0))
    traced.getsockname()
    yield traced
    traced.close()


def test_whose_call_it_was_is_known_from_its_answer(capture: Path) -> None:
    """A recvfrom(2) is recorded as its peer's; as the socket's own where nobody has a row for the peer."""

    async def main(context: EngineContext) -> None:
        with bound(context) as traced, UDP4.socket() as sock:
            at, view = await context.space(10 + DETAILS_ROOM)
            assert traced.recvfrom(view) is None
            for peer in (traced.peer(sock.getsockname(), now(), asked=False), None):
                sock.sendto(b"longer than ten", traced.sock.getsockname())
                at, view = await context.space(10 + DETAILS_ROOM)
                arrival = traced.recvfrom(view)
                assert arrival is not None
                assert (arrival.address, arrival.result, arrival.size, arrival.length) == (
                    sock.getsockname(), 15, 10, 10
                )  # fmt: skip
                traced.arrived(arrival, peer.entry if peer else None, view, at)
            assert traced.entry.socket.again == 1

    with_context(capture, main)
    received = [call for call in all_calls(capture) if call.name is Function.RECVFROM]
    assert [(call.socket, call.via, call.result, call.length, call.args) for call in received] == [
        (2, 1, 15, 10, ("MSG_TRUNC",)),
        (1, 0, 15, 10, ("MSG_TRUNC",)),
    ]
    assert {address_text(call.answer) for call in received} == {all_sockets(capture)[1].peer}


def test_a_peer_has_calls_of_its_own_on_the_same_descriptor(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with bound(context) as traced, UDP4.socket() as sock:
            peer = traced.peer(sock.getsockname(), now(), asked=True)
            assert (peer.fd, peer.number) == (traced.fd, 2)
            at, view = await context.space(5 + DETAILS_ROOM)
            assert peer.sendto(b"Hello", view, at)
            assert sock.recv(100) == b"Hello"
            at, view = await context.space(70_000 + DETAILS_ROOM)
            with pytest.raises(OSError, match="Message too long"):
                peer.sendto(bytes(70_000), view, at)
            peer.describe("a reason")
            assert peer.entry.socket.reason == "a reason"
            peer.close()
            peer.close()
            assert (peer.fd, traced.fd >= 0) == (-1, True)
            assert peer.entry.socket.ended
            last = traced.peer(sock.getsockname(), now(), asked=False)
            traced.close()
            with pytest.raises(ClosedHereError):
                traced.recvfrom(view)
            last.fd = -1
            with pytest.raises(ClosedHereError):
                last.sendto(b"late", view, at)

    with_context(capture, main)
    calls = [call for call in all_calls(capture) if call.name is Function.SENDTO]
    assert [(call.socket, call.via, call.result, call.size, call.errno) for call in calls] == [
        (2, 1, 5, 5, 0),
        (2, 1, -1, 70_000, errnos.EMSGSIZE),
    ]
    assert Function.CLOSE in {call.name for call in all_calls(capture) if call.socket == 1}


def test_where_peers_have_no_ports_none_is_written(capture: Path) -> None:
    """But of the socket itself: there the kernel tells a number in its place."""

    async def main(context: EngineContext) -> None:
        with bound(context, TracedPortless) as traced:
            assert traced.plain(("127.0.0.1", 0)) == ["127.0.0.1"]
            assert traced.plain(("127.0.0.1", 253)) == ["127.0.0.1", 253]
            assert traced.address_text(("127.0.0.1", 0)) == "127.0.0.1"
            assert traced.plain(None) == ""
        with bound(context) as traced:
            assert traced.address_text(("127.0.0.1", 0)) == "127.0.0.1:0"

    with_context(capture, main)
