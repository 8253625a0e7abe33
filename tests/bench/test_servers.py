"""Servers that are started, and those that cannot be."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import servers
from tests.bench.native import built
from tests.bench.peers import REFERENCE, peers, uvloop
from tests.bench.room import NoRoom, room
from tests.bench.servers import OURS, PURE, ended, other
from tests.support import peer, read_exactly, wait_until

THREADS = (sys.executable, str(REFERENCE), "threads", "{port}")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_is_passed_over(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        free = closing.getsockname()[1]
    ports = iter([taken, free])
    with other(THREADS, lambda: next(ports)) as server, peer(server.port) as client:
        assert server.port == free
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
    assert ended(server.pid)


def test_where_every_port_is_taken_one_line_says_so(taken: int) -> None:
    said = rf"threads {taken}: it ended, and listened on none of 3 ports$"
    with pytest.raises(RuntimeError, match=said), other(THREADS, lambda: taken):
        pytest.fail("it has a port")


def test_what_is_not_installed_is_said_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cc", "as", "ld"):
        tool = shutil.which(name)
        assert tool
        (tools / name).symlink_to(os.path.realpath(tool))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setitem(sys.modules, "uvloop", None)  # as if it were not installed
    found = peers(tmp_path)
    assert list(found) == ["asyncio streams", "one thread each", "C epoll", "C epoll, to a file"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said] == ["uvloop", "socat", "ncat"]
    assert uvloop() is None


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"needs a C compiler: apt-get install gcc libc6-dev$"):
        built("load", tmp_path)


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'a.c:1: fatal error: stdio.h: No such file' >&2\necho more >&2\nexit 1\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"does not compile load\.c: .*stdio\.h: No such file$"):
        built("load", tmp_path)


def test_too_little_disk(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match=r"set TMPDIR$"):
        room(tmp_path, 1 << 60)


@pytest.mark.parametrize(("pure", "told"), [(True, "1"), (False, None)])
def test_ours_can_be_asked_to_be_pure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pure: bool, told: str | None
) -> None:
    monkeypatch.setenv("SOCKTUI_PURE", "0")  # what the run itself is told does not count
    with servers.ours(tmp_path / "capture", pure) as server:
        for pid in server.pids:  # the engine too
            env = dict(row.partition("=")[::2] for row in Path(f"/proc/{pid}/environ").read_text().split("\0"))
            assert env.get("SOCKTUI_PURE") == told


def test_the_pure_one_is_measured_beside_a_compiled_one() -> None:
    assert list(servers.each_of_ours()) == ([OURS, PURE] if servers.compiled() else [OURS])


def test_processor_time_is_told_while_it_is_used() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=-1, stdout=-1) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        server = servers.Server(0, process.pid)
        assert server.cpu >= 0.2
        resident, private = server.memory()
        assert 0 < private < resident
        process.stdin.close()
        wait_until(lambda: ended(process.pid))  # nobody has asked how: it is a zombie still
