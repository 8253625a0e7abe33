"""What is recorded of datagrams is what was called: strace(1) watches, and both must tell the same."""

import re
import tempfile
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Shutdown
from socktui.core.call import Call, Function, address_text, errno_name
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.engine.datagrams import KINDS
from tests.engine.strace import LINE, watched
from tests.support import all_calls, fresh, until

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
