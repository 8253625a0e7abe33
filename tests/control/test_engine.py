"""The engine's process: verbs, answers, and how it ends."""

import asyncio
import os
import resource
import shutil
import signal
import socket as sockets
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from socktui.control.client import Engine, EngineGone
from socktui.control.messages import LINE_LIMIT, VerbError, pack, unpack
from socktui.core.endpoint import Endpoint
from socktui.journal.reader import Reader
from tests.support import (
    all_calls,
    all_sockets,
    carried,
    fresh,
    listening,
    peer,
    read_all,
    read_exactly,
    running_engine,
    until,
    wait_until,
)


def log_of(capture: Path) -> Path:
    return capture.with_name(capture.name + ".log")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_verbs_do_not_wait_for_each_other(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port), Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 2)
        number, stuck = engine.begin("send", sockets=[2], data="AAAA" * (8 << 20))
        assert await listening(engine)
        assert not stuck.done()
        await engine.request("stop", id=number)
        with pytest.raises(VerbError, match="stopped"):
            await stuck


async def test_a_send_that_repeats_is_stopped(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port) as sock:
        await until(lambda: len(all_sockets(engine.capture)) == 2)
        number, repeating = engine.begin("send", sockets=[2], data="cGluZw==", count=1_000_000, interval=1)
        assert read_exactly(sock, 40) == b"ping" * 10
        await engine.request("stop", id=number)
        with pytest.raises(VerbError) as caught:
            await repeating
        assert caught.value.errno == "ECANCELED"
        _, three = engine.begin("send", sockets=[2], data="cG9uZw==", count=3)
        assert (await three)["sent"] == 12
        await engine.request("close", socket=2)
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
        sending = asyncio.create_task(engine.request("send", sockets=[2], file=str(tmp_path / "file")))
        assert await asyncio.to_thread(read_exactly, sock, len(content)) == content
        assert (await sending)["sent"] == len(content)
        for name, why in [
            ("none", r"none: No such file or directory \(ENOENT\): there is no such file"),
            (".", r"Is a directory \(EISDIR\): that is a folder"),
            ("pipe", "is no file but a device or a pipe"),
        ]:
            with pytest.raises(VerbError, match=why):
                await engine.request("send", sockets=[2], file=str(tmp_path / name))


@pytest.mark.parametrize(
    ("verb", "args", "why"),
    [
        ("close", {"socket": 9}, "socket 9 is no open connection"),
        ("send", {"sockets": [9], "data": "AA=="}, "socket 9 is no open connection"),
        ("listen", {"endpoint": "nonsense"}, "the port is missing: write 'nonsense':port"),
        ("listen", {"endpoint": ":0", "service": "ftp"}, "no service 'ftp': one of echo, discard"),
        ("connect", {"endpoint": ":99999"}, "the port is wrong"),
        ("send", {}, "could not be carried out"),
        ("listen", {"endpoint": ":0", "backlog": "many"}, "could not be carried out"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    engine: Engine, verb: str, args: dict[str, object], why: str
) -> None:
    with pytest.raises(VerbError, match=why) as caught:
        await engine.request(verb, **args)
    assert "\n" not in caught.value.text
    assert await listening(engine)  # and the engine goes on
    await engine.end()
    log_of(engine.capture).unlink(missing_ok=True)


async def test_a_backlog_beyond_all_bounds(engine: Engine) -> None:
    assert await listening(engine, backlog=1 << 40)


async def test_a_capture_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken.log").write_text("mine")
    for path, why in [("taken", "exists already"), ("no/where", "No such file or directory")]:
        engine = Engine(tmp_path / path)
        with pytest.raises(VerbError, match=f"cannot be made: .*{why}"):
            await engine.ready()
        await engine.end()
    assert (tmp_path / "taken.log").read_text() == "mine"


async def test_the_log_is_for_its_owner(capture: Path) -> None:
    async with running_engine(capture):
        assert stat.S_IMODE(log_of(capture).stat().st_mode) == 0o600
    assert not log_of(capture).exists()


async def test_ended_before_it_was_ready(capture: Path) -> None:
    engine = Engine(capture)
    await engine.end()
    assert not alive(engine.pid)


async def test_ended_twice(engine: Engine) -> None:
    await engine.end()
    await engine.end()
    with pytest.raises(EngineGone):
        await engine.request("listen", endpoint=":0")


async def test_an_engine_that_was_killed(engine: Engine) -> None:
    """Whoever waits for it is told, in a sentence, and the capture has all that was counted."""
    port = await listening(engine)
    with peer(port) as sock:
        sock.sendall(b"Hello")
        assert read_exactly(sock, 5) == b"Hello"
        _, pending = engine.begin("connect", endpoint=":1", seconds=60)
        _, stuck = engine.begin("send", sockets=[2], data="AAAA" * (8 << 20))
        os.kill(engine.pid, signal.SIGKILL)
        await asyncio.wait_for(engine.gone.wait(), 10)
        with pytest.raises(EngineGone, match="the engine has ended; what it captured is kept in"):
            await stuck
        with pytest.raises(VerbError):
            await pending
        with pytest.raises(EngineGone):
            await engine.request("listen", endpoint=":0")
    with Reader(engine.capture) as reader:
        assert not reader.closed_in_order
    assert carried(engine.capture, 2, "recv") == b"Hello"


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


@pytest.mark.parametrize("busy", [False, True])
def test_a_killed_parent_leaves_no_engine_behind(capture: Path, busy: bool) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from socktui.control.client import Engine
        from socktui.core.endpoint import Endpoint
        from socktui.journal.reader import Reader

        async def main():
            engine = Engine(Path(sys.argv[1]))
            await engine.ready()
            number = await engine.listen(Endpoint.parse(":0"))
            print(engine.pid, Reader(engine.capture).socket(number).local.rpartition(":")[2], flush=True)
            while True:
                if sys.argv[2] == "True":
                    engine.begin("buffer", socket=number, size=65536)  # its answers are not waited for
                await asyncio.sleep(0)

        asyncio.run(main())
        """
    )
    command = [sys.executable, "-c", program, str(capture), str(busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, port = map(int, parent.stdout.readline().split())
        with peer(port) as sock:
            sock.sendall(b"Hello")
            assert read_exactly(sock, 5) == b"Hello"
            parent.kill()
            parent.wait()
            wait_until(lambda: not alive(pid), 5)
            assert sock.recv(1) == b""  # it said goodbye
    with Reader(capture) as reader:
        assert reader.closed_in_order
    assert carried(capture, 2, "recv") == carried(capture, 2, "send") == b"Hello"


def test_no_right_to_the_port(tmp_path: Path) -> None:
    """Run as nobody where the tests are root's."""
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from socktui.control.client import Engine, VerbError
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


async def test_a_message_that_is_too_long_is_refused_here(engine: Engine) -> None:
    with pytest.raises(VerbError, match="too much to be sent at once"):
        await engine.request("send", sockets=[1], data="A" * LINE_LIMIT)
    assert await listening(engine)


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


def test_messages() -> None:
    message = {"id": 1, "verb": "send", "args": {"data": "x\ny"}}
    assert pack(message).count(b"\n") == 1
    assert unpack(pack(message)) == message
    for line in (b"", b"[]", b"{", b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011
            unpack(line)


async def test_garbage_on_the_control_socket(engine: Engine) -> None:
    engine._writer.write(b"hello\n[]\n{}\n" + pack({"id": 1, "verb": []}) + pack({"id": "x", "verb": "close"}))
    assert await listening(engine)
    await engine.end()
    log = log_of(engine.capture)
    assert log.read_text().count("makes no sense") == 5


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
