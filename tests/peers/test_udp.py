"""Datagrams with socat and ncat, both ways, over UDP and UNIX sockets."""

import os
import tempfile
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from tests.engine.datagrams import KINDS, Kind, calls_of
from tests.peers.conftest import Run
from tests.peers.programs import Program
from tests.support import all_sockets, fresh, until

pytestmark = pytest.mark.peer

UDP4, UDP6, UNIX = KINDS
EVERY_BYTE = bytes(range(256))


def of_peer(reader: Reader, number: int) -> tuple[list[bytes | None], list[bytes | None]]:
    """The datagrams that a socket received, and those that it sent."""
    calls = [call for call in calls_of(reader, number) if not call.failed]
    return [reader.data(call) for call in calls if call.receives], [reader.data(call) for call in calls if call.sends]


async def port_of_program(program: Program) -> int:
    """The port of its UDP socket, as the kernel tells (proc(5): /proc/net/udp)."""

    def found() -> int:
        folder = Path(f"/proc/{program.pid}/fd")
        inodes = {os.readlink(fd)[8:-1] for fd in folder.iterdir() if os.readlink(fd).startswith("socket:[")}
        for table in ("udp", "udp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[9] in inodes:
                    return int(fields[1].rpartition(":")[2], 16)
        return 0

    return await until(found)


@pytest.mark.parametrize("kind", [UDP4, UDP6], ids=lambda kind: kind.name)
@pytest.mark.parametrize("size", [1, 1472, 8000])
async def test_what_socat_sends_comes_back(engine: Engine, run: Run, kind: Kind, size: int) -> None:
    where = await kind.listen(engine)
    data = os.urandom(size)
    socat = run("socat", "-t", 0.5, "-b", 65536, "-", f"{kind.name.upper()}:{where.authority}", feed=data)
    assert await socat.status() == 0
    assert socat.out == data
    with Reader(engine.capture) as reader:
        await until(lambda: of_peer(reader, 2) == ([data], [data]))


async def test_what_ncat_sends_comes_back(engine: Engine, run: Run) -> None:
    where = await UDP4.listen(engine)
    one, two = (run("ncat", "-u", where.host, where.port) for _ in range(2))
    one.type(b"I am one\n")
    await one.writes(b"I am one\n")
    two.type(EVERY_BYTE)
    await two.writes(EVERY_BYTE)
    one.type(b"and again\n")
    await one.writes(b"I am one\nand again\n")
    with Reader(engine.capture) as reader:
        assert of_peer(reader, 2)[0] == [b"I am one\n", b"and again\n"]
        assert of_peer(reader, 3)[0] == [EVERY_BYTE]


async def test_we_type_into_the_row_of_an_ncat(engine: Engine, run: Run) -> None:
    where = await UDP4.listen(engine, "manual")
    ncat = run("ncat", "-u", where.host, where.port)
    ncat.type(b"hello\n")
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).received)
        await engine.send([2], b"typed\n")
        await ncat.writes(b"typed\n")


async def test_our_client_talks_to_ncat(engine: Engine, run: Run) -> None:
    ncat = run("ncat", "-u", "-l", "127.0.0.1", "0")
    number = await engine.connect(Endpoint("udp", "127.0.0.1", await port_of_program(ncat)))
    await engine.send([number], b"first\n")
    await ncat.writes(b"first\n")
    ncat.type(b"answer\n")
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).socket(number).received == 7)
        ncat.close()
        await engine.send([number], b"nobody\n")
        await until(lambda: fresh(reader).socket(number).why == "ECONNREFUSED")
        assert reader.socket(number).open


async def test_our_client_against_a_cat_behind_socat(engine: Engine, run: Run) -> None:
    socat = run("socat", "UDP4-RECVFROM:0,bind=127.0.0.1,fork", "EXEC:cat")
    number = await engine.connect(Endpoint("udp", "127.0.0.1", await port_of_program(socat)))
    with Reader(engine.capture) as reader:
        for count, text in enumerate((b"one", b"two"), 1):
            await engine.send([number], text)
            await until(lambda count=count: fresh(reader).socket(number).received == 3 * count)  # type: ignore[misc]
        assert of_peer(reader, number) == ([b"one", b"two"], [b"one", b"two"])


async def test_unix_datagrams_of_socat(engine: Engine, run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Endpoint("unix-dgram", path=f"{folder}/ours")
        await engine.listen(where)
        named = run("socat", "-t", 0.5, "-", f"UNIX-SENDTO:{where.path},bind={folder}/theirs", feed=b"named")
        assert await named.status() == 0
        assert named.out == b"named"
        [peer] = of_server(engine, 1)
        assert (peer.peer, peer.received, peer.sent) == (f"{folder}/theirs", 5, 5)


async def test_an_unnamed_socat_is_heard_and_cannot_be_answered(engine: Engine, run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Endpoint("unix-dgram", path=f"{folder}/ours")
        await engine.listen(where, "discard")
        for text in (b"unnamed", b"again"):
            assert await run("socat", "-u", "-", f"UNIX-SENDTO:{where.path}", feed=text).status() == 0
        with Reader(engine.capture) as reader:
            await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).received == 12)
        [peer] = of_server(engine, 1)
        assert peer.peer == ""


async def test_our_client_of_a_unix_datagram_socat(engine: Engine, run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        socat = run("socat", f"UNIX-RECVFROM:{folder}/theirs,fork", "EXEC:cat")
        await until(Path(folder, "theirs").exists)
        number = await engine.connect(Endpoint("unix-dgram", path=f"{folder}/theirs"))
        await engine.send([number], b"meow")
        with Reader(engine.capture) as reader:
            await until(lambda: fresh(reader).socket(number).received == 4)
            assert of_peer(reader, number) == ([b"meow"], [b"meow"])
        assert socat.err == ""


def of_server(engine: Engine, number: int) -> list[Socket]:
    return [socket for socket in all_sockets(engine.capture) if socket.parent == number]
