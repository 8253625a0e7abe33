"""A session from start to quit, in a real terminal of the sizes that people have."""

import base64
import json
import re
import socket as sockets
import subprocess
from pathlib import Path

import pytest

from tests.e2e.program import Program, headless
from tests.peers.programs import path_of
from tests.support import SECONDS, all_calls, peer, read_all, read_exactly
from tests.terminal import Terminal

SIZES = [(24, 80), (40, 120), (60, 200)]
HELLO = "Hello, World!"


@pytest.mark.parametrize(("rows", "cols"), SIZES)
def test_from_start_to_quit(home: Path, rows: int, cols: int) -> None:
    with Program(home, rows=rows, cols=cols) as program:
        program.wait_for("e  start an echo server")
        program.wait_for("c  connect a client")
        program.wait_for("^q Quit")

        program.press("e")
        port = program.listens()
        program.press("c")
        program.wait_for("Send to #2 client")
        program.message(HELLO)
        program.wait(lambda _: both_ends_are_seen(program), what="13 bytes on their four ways")
        seen = log(program)

        with peer(port) as python:
            python.sendall(b"from Python")
            assert read_exactly(python, 11) == b"from Python"
            program.wait_for("← received 11")
            program.wait_for(str(python.getsockname()[1]))
            assert ncat(port, b"from ncat") == b"from ncat"
            program.wait_for("← received 9")

            program.press("escape")
            program.wait_for("┏━ 2 Connections")
            program.press("g", "j", "j", "enter")
            program.wait_for("Send to #4 echo")
            program.message("typed by the server")
            assert read_exactly(python, 19) == b"typed by the server"
            program.press("escape", "x")
            assert read_all(python) == b""
            program.wait_for("2 open of 4")

        program.press("ctrl+q")
        program.wait_for("2 connections are open")
        program.press("n")
        program.wait_gone("2 connections are open")
        assert program.quit() == 0
        assert program.restored
        calls = len(all_calls(program.capture))
        assert program.said == [f"capture: {program.capture} ({calls} calls)"]
    the_capture_shows(program.capture, seen, rows, cols)


def both_ends_are_seen(program: Program) -> bool:
    bytes_log, calls = log(program), program.text
    return (
        len(re.findall(r"→ sent 13\b", "\n".join(bytes_log))) == 2
        and len(re.findall(r"← received 13\b", "\n".join(bytes_log))) == 2
        and sum("48 65 6c 6c 6f 2c 20 57" in row and "Hello, W" in row for row in bytes_log) == 4
        and len(re.findall(r"send\(\d+, 13 bytes\) = 13", calls)) == 2
        and len(re.findall(r"recv\(\d+, 65536\) = 13", calls)) == 2
    )


def log(program: Program) -> list[str]:
    """The rows of the log that tell of bytes. Without the last cells, where a scroll bar comes and goes."""
    found = program.find("3 Bytes")
    assert found
    left = found[1] - 2
    rows = [line[left:-2].rstrip() for line in program.lines]
    return [row for row in rows if re.search(r"[←→] (sent|received|[0-9a-f]{4} )", row)]


def ncat(port: int, data: bytes) -> bytes:
    argv = [path_of("ncat"), "127.0.0.1", str(port)]
    return subprocess.run(argv, input=data, stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout


def the_capture_shows(capture: Path, seen: list[str], rows: int, cols: int) -> None:
    """What was seen when it happened is what the capture shows afterwards, on the screen and as JSON."""
    home = capture.parents[3]
    with Program(home, "open", capture, rows=rows, cols=cols) as opened:
        opened.wait_for("┏━ 3 Bytes")
        opened.press("g")
        opened.wait_for("─ listen")
        opened.wait(lambda _: set(seen) <= set(log(opened)), what=f"{seen} in the capture")
        assert not opened.engines
        assert not opened.find("Send to")
        opened.press("ctrl+q")
        assert opened.exit_status() == 0
        assert opened.restored
        assert opened.said == []

    printed = headless(home, "open", capture, "--json")
    assert (printed.returncode, printed.stderr) == (0, "")
    shown = [json.loads(line) for line in printed.stdout.splitlines()]
    calls = all_calls(capture)
    assert [(each["seq"], each["socket"], each["call"], each["result"]) for each in shown] == [
        (call.seq, call.socket, str(call.name), call.result) for call in calls
    ]
    data = [(each["call"], base64.b64decode(each["data"])) for each in shown if each["data"] and each["result"] == 13]
    assert sorted(data) == [("recv", HELLO.encode())] * 2 + [("send", HELLO.encode())] * 2


def test_the_echo_server_is_there_at_once(home: Path) -> None:
    with Program(home, "echo", ":0") as program, peer(program.listens()) as python:
        python.sendall(b"at once")
        assert read_exactly(python, 7) == b"at once"
        program.wait_for("at once")
        program.press("ctrl+q")
        program.wait_for("One connection is open")
        program.press("y")
        assert read_all(python) == b""
        assert program.exit_status() == 0


def test_a_server_of_another_service_is_there_at_once(home: Path) -> None:
    with Program(home, "listen", "127.0.0.1:0", "--service", "chargen", cols=120) as program:
        with peer(program.listens()) as python:
            program.wait_for("chargen")
            assert read_exactly(python, 40) == bytes(range(32, 72))
        assert program.quit() == 0


def test_a_client_is_there_at_once_and_typed_into(home: Path) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SECONDS)
        port = server.getsockname()[1]
        with Program(home, "connect", f"127.0.0.1:{port}") as program, server.accept()[0] as python:
            python.settimeout(SECONDS)
            program.wait_for("Send to #1 client")
            program.message("Hi!")
            assert python.recv(100) == b"Hi!"
            python.sendall(b"Hi yourself")
            program.wait_for("Hi yours")
            assert program.quit() == 0
            assert read_all(python) == b""


def message(terminal: Terminal) -> str:
    """The sentence below the panes."""
    return " ".join(line.strip() for line in terminal.lines[-3:])


def test_a_port_that_is_taken_is_named_where_the_user_looks(home: Path) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Program(home, "echo", f":{port}", cols=120) as program:
            program.wait(lambda t: "EADDRINUSE" in message(t) and f"127.0.0.1:{port}" in message(t))
            program.press("e")  # the next free one then
            assert program.listens() not in (0, port)
            assert program.quit() == 0


def test_a_peer_that_refuses_is_named_where_the_user_looks(home: Path) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Program(home, "connect", f":{port}", cols=120) as program:
        program.wait(lambda t: "ECONNREFUSED" in message(t) and f"127.0.0.1:{port}" in message(t))
        assert program.quit() == 0


def test_a_session_without_a_call_leaves_no_capture(home: Path) -> None:
    with Program(home) as program:
        program.wait_for("start an echo server")
        assert program.quit() == 0
        assert program.restored
        assert program.said == []
    assert list(program.kept.iterdir()) == []
