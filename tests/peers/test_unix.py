"""socat, ncat and curl over UNIX sockets, both ways."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Shutdown
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role
from socktui.host.diag import Diag
from tests.peers.conftest import Run
from tests.peers.programs import Program, all_over, seen
from tests.support import until

pytestmark = pytest.mark.peer

LINES = "одна строка\r\nand another\n".encode()
NAMES = {"path": "{}/s", "abstract": "@{}/s"}
every_name = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def diag() -> Iterator[Diag]:
    opened = Diag()
    yield opened
    opened.close()


async def echo(engine: Engine, scheme: str, where: str, service: str = "echo") -> Endpoint:
    endpoint = Endpoint(scheme, path=where)
    await engine.listen(endpoint, service)
    return endpoint


def socat(verb: str, where: str, *options: str) -> str:
    """An address of socat: its LISTEN or CONNECT of a path or an abstract name."""
    kind, name = ("ABSTRACT", where[1:]) if where.startswith("@") else ("UNIX", where)
    return ",".join((f"{kind}-{verb}:{name}", *options))


async def listens(diag: Diag, where: str) -> None:
    await until(lambda: any(row.local[0] == where and row.state == "LISTEN" for row in diag.unix_sockets()))


def whose(program: Program, name: str) -> str:
    return f"{name} (pid {program.pid}, "


@every_name
async def test_what_socat_sends_comes_back(engine: Engine, run: Run, tmp_path: Path, name: str) -> None:
    where = NAMES[name].format(tmp_path)
    await echo(engine, "unix", where)
    program = run("socat", "-t", 10, "-", socat("CONNECT", where), feed=LINES)
    assert await program.status() == 0
    assert program.out == LINES
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (LINES, LINES)
    assert (ours.socket.local, ours.socket.peer, ours.socket.end) == (where, "", End.PEER_FIN)
    assert ours.socket.who.startswith(whose(program, "socat"))


@every_name
async def test_our_client_talks_to_socat(engine: Engine, run: Run, diag: Diag, tmp_path: Path, name: str) -> None:
    where = NAMES[name].format(tmp_path)
    program = run("socat", "-t", 10, socat("LISTEN", where), "-")
    await listens(diag, where)
    number = await engine.connect(Endpoint("unix", path=where))
    await engine.send([number], LINES)
    await program.writes(LINES)
    program.type(b"from socat")
    program.end_of_input()
    await until(lambda: seen(engine.capture)[0].fin_received)
    await engine.send([number], b"after your FIN")
    await program.writes(LINES + b"after your FIN")
    await engine.request(Shutdown(number))
    assert await program.status() == 0
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (b"from socat", LINES + b"after your FIN")
    assert (ours.socket.role, ours.socket.peer) == (Role.CLIENT, where)
    assert ours.socket.who.startswith(whose(program, "socat"))


async def test_a_few_mib_come_back_to_socat(engine: Engine, run: Run, tmp_path: Path) -> None:
    data = random.Random(862).randbytes(5_000_001)
    await echo(engine, "unix", f"{tmp_path}/s")
    program = run("socat", "-t", 10, "-b", 65536, "-", f"UNIX-CONNECT:{tmp_path}/s", feed=data)
    assert await program.status() == 0
    assert program.out == data
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (data, data)


@every_name
async def test_packets_of_socat(engine: Engine, run: Run, tmp_path: Path, name: str) -> None:
    where = NAMES[name].format(tmp_path)
    await echo(engine, "unix-seqpacket", where)
    program = run("socat", "-t", 10, "-", socat("CONNECT", where, "type=5"))
    for line in (b"one\n", b"two\n"):
        before = program.out
        program.type(line)
        await program.writes(before + line)
    program.end_of_input()
    assert await program.status() == 0
    [ours] = await all_over(engine.capture)
    assert ours.lengths == (4, 4, 0)
    assert (ours.socket.netid, ours.socket.end) == ("u_seq", End.PEER_FIN)


@every_name
async def test_our_packets_to_socat(engine: Engine, run: Run, diag: Diag, tmp_path: Path, name: str) -> None:
    where = NAMES[name].format(tmp_path)
    program = run("socat", "-t", 10, socat("LISTEN", where, "type=5"), "-")
    await listens(diag, where)
    number = await engine.connect(Endpoint("unix-seqpacket", path=where))
    for packet in (b"one", b"two"):
        await engine.send([number], packet)
    await program.writes(b"onetwo")
    program.type(b"back")
    await until(lambda: [ours.lengths for ours in seen(engine.capture)] == [(4,)])
    await engine.request(Shutdown(number))
    program.end_of_input()
    assert await program.status() == 0
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (b"back", b"onetwo")


async def test_ncat_talks_to_our_server(engine: Engine, run: Run, tmp_path: Path) -> None:
    await echo(engine, "unix", f"{tmp_path}/s")
    program = run("ncat", "-U", f"{tmp_path}/s", feed=LINES)
    assert await program.status() == 0
    assert program.out == LINES
    [ours] = await all_over(engine.capture)
    assert (ours.received, ours.sent) == (LINES, LINES)
    assert ours.socket.who.startswith(whose(program, "ncat"))


async def test_our_client_talks_to_ncat(engine: Engine, run: Run, diag: Diag, tmp_path: Path) -> None:
    program = run("ncat", "-lU", f"{tmp_path}/s")
    await listens(diag, f"{tmp_path}/s")
    number = await engine.connect(Endpoint("unix", path=f"{tmp_path}/s"))
    await engine.send([number], LINES)
    await program.writes(LINES)
    program.type(b"from ncat")
    await until(lambda: seen(engine.capture)[0].received == b"from ncat")
    await engine.request(Close(number))
    assert await program.status() == 0


async def test_ncat_that_listens_is_left_alone(engine: Engine, run: Run, diag: Diag, tmp_path: Path) -> None:
    """Its file is not taken; what it leaves behind is, where that is asked for."""
    program = run("ncat", "-lU", f"{tmp_path}/s")
    await listens(diag, f"{tmp_path}/s")
    endpoint = Endpoint("unix", path=f"{tmp_path}/s")
    replacing = endpoint.with_option("replace", "yes")
    for tried in (endpoint, replacing):
        with pytest.raises(VerbError, match=rf"\(EADDRINUSE\) by ncat \(pid {program.pid}\): a program has it open"):
            await engine.listen(tried)
    number = await engine.connect(endpoint)
    await engine.send([number], b"still there")
    await program.writes(b"still there")
    program.kill()
    await program.status()
    if os.path.lexists(endpoint.path):
        with pytest.raises(VerbError, match=r"add \?replace=yes"):
            await engine.listen(endpoint)
    await engine.listen(replacing)


async def test_curl_over_a_unix_socket(engine: Engine, run: Run, tmp_path: Path) -> None:
    await echo(engine, "unix", f"{tmp_path}/s", "http")
    argv = ["curl", "-sS", "-m", "20", "--unix-socket", f"{tmp_path}/s"]
    program = run(*argv, "-d", "a=1", "http://localhost/post")
    assert await program.status() == 0, program.err
    assert json.loads(program.out)["form"] == {"a": "1"}
    [ours] = await all_over(engine.capture)
    assert ours.received.startswith(b"POST /post HTTP/1.1\r\nHost: localhost\r\n")
    assert ours.socket.who.startswith(whose(program, "curl"))
