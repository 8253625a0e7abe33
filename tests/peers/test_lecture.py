"""The lecture's own programs, in Python and in C, each against ours."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role, State
from tests.peers.conftest import Run
from tests.peers.programs import all_over, path_of, seen
from tests.running import Run as Program
from tests.support import listening, until

pytestmark = pytest.mark.peer

LECTURE = Path(__file__).parent.parent / "lecture"
HOST = "127.0.0.1"
HELLO = b"Hello, World!"
LONG = b"The quick brown fox jumps over the lazy dog.\n"
PIECES = (LONG[:20], LONG[20:40], LONG[40:])

Lecture = Callable[[str], tuple[object, ...]]
"""The command that runs one of the lecture's programs, by its name."""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the lecture's programs in C."""
    folder = tmp_path_factory.mktemp("lecture")
    for source in LECTURE.glob("*.c"):
        subprocess.run(
            [path_of("gcc"), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-o", folder / source.stem, source],
            check=True,
        )
    return folder


@pytest.fixture(params=["Python", "C"])
def lecture(request: pytest.FixtureRequest) -> Lecture:
    if request.param == "C":
        folder: Path = request.getfixturevalue("compiled")
        return lambda name: (folder / name,)
    return lambda name: (sys.executable, LECTURE / f"{name}.py")


def printed(out: bytes) -> list[str]:
    """The lines of a program, all as C prints them: Python writes bytes as b'...' and an address as a tuple."""
    text = re.sub(r"\('(.*)', (\d+)\)", r"\1:\2", out.decode())
    return [re.sub(r"^received: b(['\"])(.*)\1$", r"received: \2", line) for line in text.splitlines()]


async def test_the_lectures_client_and_our_server(engine: Engine, run: Run, lecture: Lecture) -> None:
    port = await listening(engine, buffer=20)
    client = run(*lecture("client"), HOST, port)
    assert await client.status() == 0
    assert printed(client.out) == ["received: Hello, World!"]
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == HELLO
    assert ours.calls[-4:] == (Function.RECV, Function.SEND, Function.RECV, Function.CLOSE)
    assert ours.lengths == (13, 0)
    assert (ours.socket.state, ours.socket.end) == (State.CLOSED, End.PEER_FIN)


async def test_our_client_and_the_lectures_server(engine: Engine, run: Run, lecture: Lecture) -> None:
    server = run(*lecture("server"), HOST, 0)
    number = await engine.connect(Endpoint("tcp", HOST, await server.port()))
    assert await engine.send([number], HELLO) == 13
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [HELLO])
    [ours] = seen(engine.capture)
    assert (ours.socket.role, ours.socket.state) == (Role.CLIENT, State.ESTAB)
    await engine.request(Shutdown(number))
    assert await server.status() == 0
    [ours] = await all_over(engine.capture)
    assert (ours.sent, ours.received) == (HELLO, HELLO)
    assert (ours.fin_received, ours.socket.end) == (True, End.PEER_FIN)
    port, address, received = printed(server.out)
    assert port == f"port: {ours.socket.peer.rpartition(':')[2]}"
    assert address == f"address: {ours.socket.local}"
    assert received == "received: Hello, World!"


async def test_a_buffer_of_20_cuts_a_message_of_45(engine: Engine, run: Run, lecture: Lecture) -> None:
    """TCP has no messages: what was sent at once is received as the buffer has it, by the lecture and by ours."""
    server = run(*lecture("server"), HOST, 0)
    theirs = Endpoint("tcp", HOST, await server.port())
    port = await listening(engine, buffer=20)
    numbers = [await engine.connect(endpoint) for endpoint in (theirs, Endpoint("tcp", HOST, port))]
    await engine.send(numbers, LONG)
    await until(lambda: [ours.received for ours in seen(engine.capture)] == [LONG] * 3)
    for number in numbers:
        await engine.request(Shutdown(number))
    assert await server.status() == 0
    found = await all_over(engine.capture, 3)
    for piece in PIECES:
        assert f"received: {piece!r}".encode() in server.out or b"received: " + piece in server.out
    [accepted] = [ours for ours in found if ours.socket.role is Role.ACCEPTED]
    assert accepted.lengths == (20, 20, 5, 0)


async def test_our_command_line_and_the_lectures_server(run: Run, lecture: Lecture, tmp_path: Path) -> None:
    server = run(*lecture("server"), HOST, 0)
    with Program(tmp_path, "connect", f"tcp://{HOST}:{await server.port()}", "--pipe", stdin=HELLO) as ours:
        assert ours.status() == 0
        assert ours.out == HELLO
    assert await server.status() == 0
    assert printed(server.out)[2:] == ["received: Hello, World!"]


def test_our_command_line_and_the_lectures_client(lecture: Lecture, tmp_path: Path) -> None:
    """`socktui echo`, as the lecture's server is: each call is a line, and the bytes are in it."""
    with Program(tmp_path, "echo", f"tcp://{HOST}:0", "--json") as ours:
        command = [*map(str, lecture("client")), HOST, str(ours.port())]
        assert printed(subprocess.run(command, check=True, capture_output=True).stdout) == ["received: Hello, World!"]
        ours.until_printed('"close"')
        assert ours.end() == 0
    moved = [(call["call"], call["result"]) for call in ours.calls if call["call"] in ("recv", "send")]
    assert moved == [("recv", 13), ("send", 13), ("recv", 0)]


async def test_the_lectures_http_client_and_our_server(engine: Engine, run: Run, lecture: Lecture) -> None:
    port = await listening(engine, service="http")
    client = run(*lecture("http_client"), HOST, port)
    assert await client.status() == 0
    head, _, body = client.out.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 200 ", head)
    assert json.loads(body) == {"origin": HOST}
    [ours] = await all_over(engine.capture)
    assert ours.received == b"GET /ip HTTP/1.0\n\n"
    assert ours.sent == client.out
    assert (ours.socket.role, ours.socket.state) == (Role.ACCEPTED, State.CLOSED)


CALLS = {
    "server": [
        "socket(AF_INET, SOCK_STREAM, 0)",
        'bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16)',
        "listen(3, 1)",
        "getsockname(3, PORT, [16])",
        "accept(3, PORT, [16])",
        'recv(4, "Hello, World!", 20, 0)',
        'send(4, "Hello, World!", 13, 0)',
        'recv(4, "", 20, 0)',
        "close(4)",
        "close(3)",
    ],
    "client": [
        "socket(AF_INET, SOCK_STREAM, 0)",
        "connect(3, PORT, 16)",
        'send(3, "Hello, World!", 13, 0)',
        'recv(3, "Hello, World!", 1024, 0)',
        "close(3)",
    ],
    "http_client": [
        "socket(AF_INET, SOCK_STREAM, 0)",
        "connect(3, PORT, 16)",
        'send(3, "GET /ip HTTP/1.0\\n\\n", 18, 0)',
        'recv(3, "GET /ip HTTP/1.0\\n\\n", 1024, 0)',
        'recv(3, "", 1024, 0)',
        "close(3)",
    ],
}
"""What the programs in C call, each with a peer that sends back what it got. PORT: an address whose port is any."""


def kernel_calls(log: str) -> list[str]:
    """The calls of strace's log from socket() on, as they are called: without a plain file's, and without the results.

    The library makes recv() and send() out of recvfrom(2) and sendto(2).
    """
    calls = re.findall(r"^(?:\d+ +)?(\w+\(.*\)) += \d+", log, re.MULTILINE)
    begin = next(i for i, call in enumerate(calls) if call.startswith("socket("))
    address = r'\{sa_family=AF_INET, sin_port=htons\([1-9]\d*\), sin_addr=inet_addr\("127\.0\.0\.1"\)\}'
    found = []
    for call in calls[begin:]:
        call = re.sub(r"IPPROTO_IP\b", "0", re.sub(address, "PORT", call)).replace("[16 => 16]", "[16]")
        found.append(re.sub(r"^(recv|send)(?:from|to)(.*), NULL, (?:NULL|0)\)", r"\1\2)", call))
    return found


@pytest.mark.parametrize("name", CALLS)
async def test_the_programs_in_c_call_what_the_lecture_calls(
    engine: Engine, run: Run, compiled: Path, tmp_path: Path, name: str
) -> None:
    assert shutil.which("strace"), "this test needs strace: apt-get install strace"
    log = tmp_path / "strace"
    trace = ("strace", "-o", log, "-e", "trace=%network,close", "-e", "signal=none")
    if name == "server":
        server = run(*trace, compiled / name, HOST, 0)
        await until(lambda: b"port: " in server.out)
        client = run(sys.executable, LECTURE / "client.py", HOST, re.findall(rb"port: (\d+)\n", server.out)[0].decode())
        assert (await server.status(), await client.status()) == (0, 0)
    elif name == "client":
        client = run(*trace, compiled / name, HOST, await listening(engine))
        assert await client.status() == 0
    else:
        port = await listening(engine, service="manual")
        client = run(*trace, compiled / name, HOST, port)
        [ours] = await until(lambda: [ours for ours in seen(engine.capture) if ours.received])
        await engine.send([ours.socket.number], ours.received)
        await engine.request(Close(ours.socket.number))
        assert await client.status() == 0
    assert kernel_calls(log.read_text()) == CALLS[name]
