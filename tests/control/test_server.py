"""The engine's process: verbs carried out beside each other, refusals, and how it ends."""

import asyncio
import os
import resource
import shutil
import signal
import socket as sockets
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.explain import explain
from socktui.control.messages import LINE_LIMIT, Failure, VerbError, pack, unpack
from socktui.control.server import Server
from socktui.control.verbs import Answer, Close, Listen, Send, SendFile, SetBuffer, Stop, Verb
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from tests.support import (
    all_calls,
    all_sockets,
    fresh,
    listening,
    peer,
    read_all,
    read_exactly,
    running_engine,
    until,
)


def log_of(capture: Path) -> Path:
    return capture.with_name(capture.name + ".log")


async def test_verbs_do_not_wait_for_each_other(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port), Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        number, stuck = engine.begin(Send((2,), b"\x00\x00\x00" * (8 << 20)))
        assert await listening(engine)
        assert not stuck.done()
        await engine.request(Stop(number))
        with pytest.raises(VerbError, match="stopped"):
            await stuck


async def test_a_send_that_repeats_is_stopped(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port) as sock:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        number, repeating = engine.begin(Send((2,), b"ping", count=1_000_000, interval=1))
        assert read_exactly(sock, 40) == b"ping" * 10
        await engine.request(Stop(number))
        with pytest.raises(VerbError) as caught:
            await repeating
        assert caught.value.errno == "ECANCELED"
        _, three = engine.begin(Send((2,), b"pong", count=3))
        assert (await three).size == 12
        await engine.request(Close(2))
        assert read_all(sock).endswith(b"pongpongpong")


async def test_one_message_to_many(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port) as one, peer(port) as two:
        await until(lambda: len(all_sockets(engine.capture)) == 3)
        assert await engine.send([2, 3], b"to all") == 12
        assert read_exactly(one, 6) == read_exactly(two, 6) == b"to all"


async def test_a_file_is_sent_as_it_is(engine: Engine, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "file").write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    port = await listening(engine, service="manual")
    with peer(port) as sock:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        sending = asyncio.create_task(engine.request(SendFile((2,), str(tmp_path / "file"))))
        assert await asyncio.to_thread(read_exactly, sock, len(content)) == content
        assert (await sending).size == len(content)
        for name, why in [
            ("none", r"none: No such file or directory \(ENOENT\): there is no such file"),
            (".", r"Is a directory \(EISDIR\): that is a folder"),
            ("pipe", "is no file but a device or a pipe"),
        ]:
            with pytest.raises(VerbError, match=why):
                await engine.request(SendFile((2,), str(tmp_path / name)))


REFUSED = [
    (Close(9), "socket 9 is no open connection"),
    (Send((9,), b"x"), "socket 9 is no open connection"),
    (Listen(Endpoint.parse(":0"), "ftp"), "no service 'ftp': one of echo, discard"),
    (Listen(Endpoint.parse(":0"), "http=1"), "http takes no argument"),
    (Listen(Endpoint.parse("udp://:0"), "http"), "http needs a stream, and udp carries messages"),
    (Listen(Endpoint.parse(":0"), backlog=1 << 40), "its backlog has to be a whole number from 1 to 65535, not 1099"),
    (SetBuffer(9, 0), "its size has to be a whole number from 1 to 1048576, not 0"),
    (SetBuffer(9, 20), "socket 9 is no open connection"),
    (Send((9,), b"x", count=0), "its count has to be a whole number from 1 to"),
]


@pytest.mark.parametrize(("verb", "why"), REFUSED)
async def test_what_cannot_be_done_is_one_sentence(engine: Engine, verb: Verb[Answer], why: str) -> None:
    with pytest.raises(VerbError, match=why) as caught:
        await engine.request(verb)
    assert "\n" not in caught.value.text
    assert await listening(engine)  # and the engine goes on


GARBAGE = [
    (b"hello", None, "Expecting value"),
    (b"[]", None, "a message is an object"),
    (b"[" * 100_000, None, "nested too deep"),
    (b"\xff", None, "decode"),
    (b"{}", None, "a request has a number, its id"),
    (pack({"id": "x", "verb": "close"}), None, "a request has a number, its id"),
    (pack({"id": 0, "verb": "close"}), None, "a request has a number, its id"),
    (pack({"id": 7, "verb": []}), 7, "there is no such verb: one of listen, connect"),
    (pack({"id": 7, "verb": "close"}), 7, "its socket is missing"),
    (pack({"id": 7, "verb": "close", "args": []}), 7, "its arguments have to be an object"),
    (pack({"id": 7, "verb": "listen", "args": {"endpoint": "nonsense"}}), 7, "the port is missing"),
]


@pytest.mark.parametrize(("line", "number", "why"), GARBAGE)
async def test_garbage_has_one_answer_and_no_traceback(
    engine: Engine, line: bytes, number: int | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(engine, "_settle", answers.append)
    engine._writer.write(line.rstrip(b"\n") + b"\n")
    await until(lambda: answers)
    monkeypatch.undo()
    assert await listening(engine)
    await engine.end()
    [answer] = answers
    assert answer["id"] == number
    assert (answer["error"]["code"], answer["error"]["errno"]) == ("bad-request", "EINVAL")
    assert why in answer["error"]["fields"]["reason"]
    log = log_of(engine.capture).read_text()
    assert log.count("makes no sense") == log.count("\n") == 1


async def test_a_line_that_is_too_long_is_passed_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(engine, "_settle", answers.append)
    engine._writer.write(b"x" * (LINE_LIMIT + 1) + b"\n")
    await engine._writer.drain()
    await until(lambda: answers)
    monkeypatch.undo()
    assert answers[0]["error"]["code"] == "request-too-long"
    assert await listening(engine)


async def test_a_fault_of_the_engines_own_is_told_and_logged_with_its_traceback(capture: Path) -> None:
    """What no verb may run into ends nothing, and names the verb."""

    class Faulty(SocketTable):
        def __init__(self) -> None:
            pass

        async def close(self, number: int) -> None:
            raise KeyError(number)

    ours, theirs = sockets.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    answers, requests = await asyncio.open_connection(sock=theirs)
    serving = asyncio.create_task(Server(Faulty(), writer).serve(reader))
    requests.write(pack({"id": 3, "verb": "close", "args": {"socket": 1}}))
    answer = unpack(await answers.readline())
    assert answer["id"] == 3
    failure = Failure.unpack(answer["error"])
    assert failure == Failure(ErrorCode.ENGINE_FAULT, "", {"verb": "close", "reason": "KeyError(1)"})
    assert explain(failure) == "close could not be carried out: KeyError(1)"
    requests.close()
    await serving
    writer.close()
    await asyncio.gather(writer.wait_closed(), requests.wait_closed())


async def test_sigterm_ends_it_in_order(engine: Engine) -> None:
    port = await listening(engine)
    with peer(port) as sock:
        sock.sendall(b"x")
        assert read_exactly(sock, 1) == b"x"
        os.kill(engine.pid, signal.SIGTERM)
        assert sock.recv(1) == b""
        await asyncio.wait_for(engine.gone.wait(), 10)
    await engine.end()
    with Reader(engine.capture) as reader:
        assert reader.closed_in_order


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_the_signals_of_a_terminal_are_not_for_it(engine: Engine, number: signal.Signals) -> None:
    port = await listening(engine)
    os.kill(engine.pid, number)
    with peer(port) as sock:
        sock.sendall(b"x")
        assert read_exactly(sock, 1) == b"x"


def test_no_right_to_the_port(tmp_path: Path) -> None:
    """Run as nobody where the tests are root's."""
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from socktui.control.client import Engine
        from socktui.control.messages import VerbError
        from socktui.core.endpoint import Endpoint

        async def main():
            engine = Engine(Path(sys.argv[1]))
            await engine.ready()
            try:
                await engine.listen(Endpoint.parse(":1"))
            except VerbError as error:
                print(error.errno, error.text, sep="|")
            await engine.end()

        asyncio.run(main())
        """
    )
    # A folder that nobody may write to, and a copy of the program that nobody may read.
    root = Path(f"/tmp/socktui-{os.getpid()}-{time.monotonic_ns()}")
    root.mkdir()
    os.chmod(root, 0o777)
    source = Path(__file__).parents[2] / "socktui"
    shutil.copytree(source, root / "socktui", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        done = subprocess.run(
            [shutil.which("python3", path="/usr/bin") or sys.executable, "-c", program, str(root / "c.socktui")],
            user=65534 if os.geteuid() == 0 else None,
            cwd=root,
            env={"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        shutil.rmtree(root)
    assert done.stdout == (
        "EACCES|tcp://127.0.0.1:1: Permission denied (EACCES): "
        "ports below 1024 need the right CAP_NET_BIND_SERVICE: take a higher one\n"
    ), done.stderr


async def test_a_disk_that_is_full_stops_no_traffic(capture: Path) -> None:
    """A floor above the free disk: no byte is kept, every call is, and the peers notice nothing."""
    async with running_engine(capture, floor=1 << 62) as engine:
        port = await listening(engine)
        data = os.urandom(3_000_000)
        with peer(port) as sock, Reader(capture) as reader:
            for at in range(0, len(data), 30_000):
                sock.sendall(data[at : at + 30_000])
                assert read_exactly(sock, 30_000) == data[at : at + 30_000]
            await until(lambda: fresh(reader).health.lost_bytes >= len(data))
            assert reader.health.disk_errno == 28  # ENOSPC
            assert (reader.socket(2).received, reader.socket(2).sent) == (len(data), len(data))
    with Reader(capture) as reader:
        for seq in range(reader.count):
            assert not reader.call(seq).length or reader.data(reader.call(seq)) is None
        assert reader.health.lost_calls == 0


async def test_a_file_that_may_not_grow(engine: Engine) -> None:
    """RLIMIT_FSIZE: what was written before stays, what comes after the limit was lifted is kept again."""
    port = await listening(engine)
    with peer(port) as sock, Reader(engine.capture) as reader:

        def talk(data: bytes) -> None:
            sock.sendall(data)
            assert read_exactly(sock, len(data)) == data

        talk(b"before")
        limits = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
        for _ in range(20):
            talk(b"x" * 30_000)
        await until(lambda: fresh(reader).health.lost_bytes > 590_000)
        assert reader.health.disk_errno == 27  # EFBIG
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, limits)

        def kept_again() -> bool:
            talk(b"after")
            return fresh(reader).health.disk_errno == 0

        await until(kept_again)
        talk(b"the end")
    await engine.end()
    with Reader(engine.capture) as reader:
        calls = [call for call in all_calls(engine.capture) if call.length]
        assert reader.data(calls[0]) == b"before"
        assert reader.data(calls[-1]) == b"the end"
        # The echo sends from the memory that it received into: those bytes are one, and are lost once.
        lost = sum(call.length for call in calls if call.receives and reader.data(call) is None)
        assert reader.health.lost_bytes <= lost <= reader.health.lost_bytes + 30_000
        assert reader.health.lost_calls == 0
        assert reader.closed_in_order


async def test_the_same_endpoint_twice(engine: Engine) -> None:
    port = await listening(engine)
    with pytest.raises(VerbError, match="by this workbench: take another port, or 0 for any"):
        await engine.listen(Endpoint("tcp", "127.0.0.1", port))
    with peer(port) as sock:
        sock.sendall(b"x")
        assert read_exactly(sock, 1) == b"x"


async def test_no_descriptor_is_left_open(engine: Engine) -> None:
    def count() -> int:
        return len(os.listdir(f"/proc/{engine.pid}/fd"))

    port = await listening(engine)
    before = count()
    with sockets.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = closed.getsockname()[1]
    for _ in range(20):
        with peer(port) as sock:
            sock.sendall(b"x")
            read_exactly(sock, 1)
        with pytest.raises(VerbError):
            await engine.connect(Endpoint("tcp", "127.0.0.1", refused))
    await until(lambda: count() == before)
