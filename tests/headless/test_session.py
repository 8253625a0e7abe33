"""A server without a screen, run as a process of its own."""

import os
import re
import signal
import socket as sockets
from pathlib import Path

import pytest

from tests.running import PROGRAM, Run, ran
from tests.support import carried, cpu_seconds, peer, read_all, read_exactly, wait_until

HELLO = b"Hello, World!"


def say_and_hear(port: int, data: bytes) -> bytes:
    with peer(port) as client:
        client.sendall(data)
        client.shutdown(sockets.SHUT_WR)
        return read_all(client)


# A server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_echo_server_from_its_start_to_a_signal(tmp_path: Path, number: int) -> None:
    with Run(tmp_path, "echo", ":0", "--headless") as run:
        port = run.port()
        assert run.first() == f"listening on tcp://127.0.0.1:{port} (echo)"
        with peer(port) as client:
            client.sendall(HELLO)
            assert read_exactly(client, len(HELLO)) == HELLO
            run.until_printed("send(")
            assert run.end(number) == 0
            assert client.recv(1) == b""  # a FIN, not a RST
    calls = [re.sub(r"^\d\d:\d\d:\d\d\.\d{6}  ", "", line) for line in run.lines]
    assert re.fullmatch(r'#2 recv\(\d+, 65536\) = 13  "Hello, World!"', calls[7])
    assert re.fullmatch(r'#2 send\(\d+, 13 bytes\) = 13  "Hello, World!"', calls[8])
    assert [re.split(r"[# (]+", line)[1:3] for line in calls] == [
        *(["1", name] for name in ("socket", "setsockopt", "bind", "listen", "getsockname", "accept")),
        *(["2", name] for name in ("setsockopt", "recv", "send")),
        ["2", "close"],
        ["1", "close"],
    ]
    assert run.err[1:] == [f"capture: {run.capture()}", "11 calls, 13 bytes received, 13 bytes sent"]
    assert run.capture().parent == tmp_path / "state" / "socktui" / "captures"


def test_quiet_prints_nothing_and_the_capture_has_it_all(tmp_path: Path) -> None:
    place = tmp_path / "given.socktui"
    with Run(tmp_path, "echo", ":0", "--quiet", "--capture", place) as run:
        assert say_and_hear(run.port(), HELLO) == HELLO
        assert run.end() == 0
    assert run.out == b""
    assert run.capture() == place
    assert carried(place, 2, "recv") == carried(place, 2, "send") == HELLO


def test_it_ends_after_the_time_that_was_given(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo", ":0", "--headless", "--for", "0.1")
    assert run.status() == 0
    assert "listen(" in run.out.decode()
    assert run.err[1].startswith("capture: ")


def test_every_service_is_at_hand(tmp_path: Path) -> None:
    with Run(tmp_path, "listen", ":0", "--service", "daytime", "--quiet") as run:
        assert run.first().endswith(" (daytime)")
        with peer(run.port()) as client:
            assert read_all(client).endswith(b"\r\n")


def test_a_listener_that_others_can_reach_is_pointed_out(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", "0.0.0.0:0", "--quiet") as run:
        assert run.port()
        wait_until(lambda: len(run.err) > 1)
        assert run.err[1] == "listening on 0.0.0.0: every machine that can reach this one can connect"


def test_a_port_that_is_taken_is_named_with_its_errno(tmp_path: Path) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = ran(tmp_path, "echo", f":{port}", "--headless")
    assert run.status() == 1
    assert len(run.err) == 1
    assert f"tcp://127.0.0.1:{port}" in run.err[0]
    assert "EADDRINUSE" in run.err[0]


# What goes wrong


def test_an_engine_that_dies_is_one_line_and_its_capture_is_kept(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--headless") as run:
        assert say_and_hear(run.port(), HELLO) == HELLO
        os.kill(run.engine(), signal.SIGKILL)
        assert run.status() == 1
    assert run.err[1].startswith("the engine has ended; what it captured is kept in ")
    assert run.err[2] == f"capture: {run.capture()}"
    assert '"Hello, World!"' in run.out.decode()


def test_an_engine_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--quiet") as run:
        run.port()
        engine = run.engine()
        run.process.kill()
        wait_until(lambda: not Path(f"/proc/{engine}/fd").exists() or not _alive(engine))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_capture_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.write_text("precious")
    run = ran(tmp_path, "echo", ":0", "--quiet", "--capture", place)
    assert run.status() == 1
    assert len(run.err) == 1
    assert "EEXIST" in run.err[0]
    assert place.read_text() == "precious"


def test_a_capture_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    run = ran(tmp_path, "echo", ":0", "--quiet", "--capture", tmp_path / "no" / "such.socktui")
    assert run.status() == 1
    assert len(run.err) == 1
    assert "No such file or directory" in run.err[0]


def test_two_that_start_at_once_have_two_captures(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--quiet") as one, Run(tmp_path, "echo", ":0", "--quiet") as two:
        assert one.port() != two.port()
        assert one.end() == two.end() == 0
    assert one.capture() != two.capture()


def test_it_is_idle_when_nothing_happens(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--headless") as run:
        run.until_printed("getsockname(")
        before = cpu_seconds(run.process.pid)
        with pytest.raises(AssertionError):
            wait_until(lambda: run.process.poll() is not None, 1.0)
        assert cpu_seconds(run.process.pid) - before < 0.1


def test_no_screen_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from socktui.cli import main\n"
        "status = main(['echo', ':0', '--headless', '--for', '0.01'])\n"
        "print(status, [name for name in ('textual', 'rich', 'socktui.tui', 'socktui.engine') if name in sys.modules])"
    )
    run = ran(tmp_path, program=(PROGRAM[0], "-c", code))
    assert run.lines[-1] == "0 []"
