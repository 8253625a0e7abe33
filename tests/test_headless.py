"""The program without its screen, run as a process of its own."""

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import socket as sockets
import struct
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from socktui.core.call import Name
from socktui.headless.lines import NotKept, json_lines, received, text_lines
from socktui.headless.printing import BATCH
from socktui.journal.reader import CaptureError, Reader
from socktui.journal.writer import Journal
from tests.running import PROGRAM, Run, ran
from tests.support import all_calls, carried, cpu_seconds, peer, read_all, read_exactly, resident_mib, wait_until

HELLO = b"Hello, World!"
KEYS = [
    "seq",
    "time",
    "duration_us",
    "socket",
    "fd",
    "call",
    "args",
    "result",
    "errno",
    "layer",
    "data",
    "answer",
    "made",
]
HOSTILE = b'\x1b]0;x\x07\x1b[31m\x9b31m\x00\x7f\xc2\x9b\xe2\x80\xae"\\\r\n'


@contextlib.contextmanager
def server() -> Iterator[tuple[sockets.socket, int]]:
    """A listening socket of the tests' own, and its port."""
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener, listener.getsockname()[1]


def say_and_hear(port: int, data: bytes) -> bytes:
    with peer(port) as client:
        client.sendall(data)
        client.shutdown(sockets.SHUT_WR)
        return read_all(client)


def as_shell(redirections: str) -> tuple[str, ...]:
    return ("sh", "-c", f'exec "$@" {redirections}', "sh", *PROGRAM)


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
        ["1", "close"],
        ["2", "close"],
    ]
    assert run.err[1:] == [f"capture: {run.capture()}", "11 calls, 13 bytes received, 13 bytes sent"]
    assert run.capture().parent == tmp_path / "state" / "socktui" / "captures"


def test_json_has_every_field_of_every_call(tmp_path: Path) -> None:
    with Run(tmp_path, "listen", "127.0.0.1:0", "--json", "--buffer", 20) as run:
        port = run.port()
        assert say_and_hear(port, HELLO) == HELLO
        run.until_printed('"call":"close"')
        run.end()
    calls = run.calls
    assert all(list(call) == KEYS for call in calls)
    assert [call["seq"] for call in calls] == list(range(len(calls)))
    times = [datetime.fromisoformat(call["time"]) for call in calls]
    assert times == sorted(times)
    assert abs(datetime.now().timestamp() - times[0].timestamp()) < 60
    assert all(call["duration_us"] >= 0 and call["layer"] == "wire" for call in calls)
    socket, _, bind, listen, name, accept, _, recv, send, fin = calls[:10]
    assert socket["args"] == ["AF_INET", "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC", 0]
    assert socket["fd"] == socket["result"] == bind["fd"] == accept["fd"]
    assert (bind["args"], listen["args"], name["answer"]) == ([["127.0.0.1", 0]], [1024], ["127.0.0.1", port])
    assert (accept["args"], accept["made"], accept["answer"][0]) == ([], 2, "127.0.0.1")
    assert (recv["socket"], recv["fd"], recv["args"], recv["result"]) == (2, accept["result"], [20], 13)
    assert (send["args"], send["result"], send["errno"]) == ([13], 13, None)
    assert recv["data"] == send["data"] == base64.b64encode(HELLO).decode()
    assert (fin["call"], fin["result"], fin["data"]) == ("recv", 0, None)


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
    with server() as (_, port):
        run = ran(tmp_path, "echo", f":{port}", "--headless")
    assert run.status() == 1
    assert len(run.err) == 1
    assert f"tcp://127.0.0.1:{port}" in run.err[0]
    assert "EADDRINUSE" in run.err[0]


def test_what_peers_send_never_reaches_the_terminal(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--headless") as run:
        assert say_and_hear(run.port(), HOSTILE) == HOSTILE
        run.until_printed("#2 close(")
        run.end()
    text = run.out.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert r'"\e]0;x\a\e[31m\x9b31m\0\x7f\u009b\u202e\"\\\r\n"' in text


def test_long_data_is_cut_between_characters(tmp_path: Path) -> None:
    data = "Привет, мир! ".encode() * 100
    with Run(tmp_path, "echo", ":0", "--headless") as run:
        say_and_hear(run.port(), data)
        say_and_hear(run.port(), b"\x1b\x01\xff" * 50)
        run.until_printed("#3 close(")
        run.end()
    assert f'"Привет, мир! Привет, мир! Привет, м…" ({len(data)} bytes)' in run.out.decode()
    assert '"' + r"\e\x01\xff" * 6 + r'…" (150 bytes)' in run.out.decode()


# Standard output


def test_a_reader_who_has_seen_enough_ends_it_in_order(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    with Run(tmp_path, "echo", ":0", "--json", stdout=theirs) as run:
        port = run.port()
        assert os.read(ours, 1)
        os.close(ours)
        say_and_hear(port, HELLO)
        assert run.status() == 0
    assert len(run.err) == 3
    assert run.err[1].startswith("capture: ")


def test_a_reader_who_never_reads_holds_up_neither_the_peers_nor_the_end(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    ours, theirs = os.pipe()
    try:
        with Run(tmp_path, "echo", ":0", "--json", stdout=theirs) as run:
            with peer(run.port()) as client:
                sending = threading.Thread(target=client.sendall, args=(data,))
                sending.start()
                assert read_exactly(client, len(data)) == data
                sending.join()
            assert run.end() == 0
    finally:
        os.close(ours)
    assert run.err[1] == "standard output was not read to its end: the capture has it all"
    assert carried(run.capture(), 2, "recv") == data


def test_a_full_standard_output_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--headless", stdout=os.open("/dev/full", os.O_WRONLY)) as run:
        assert run.status() == 1
    assert run.err[1] == "standard output: No space left on device (ENOSPC)"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_standard_files_that_were_closed_at_the_start(tmp_path: Path, closed: str) -> None:
    """Their numbers must not go to sockets of ours."""
    shell = as_shell(closed)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", program=shell) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            assert read_all(accepted) == b""
            accepted.sendall(HELLO)
        assert run.status() == 0
    assert not any("Traceback" in line for line in run.err)
    assert ("#1 recv(" in run.out.decode()) is (">&-" not in closed)
    assert bool(run.err) is ("2>&-" not in closed)


# A client


def test_a_client_sends_its_input_half_closes_and_hears_the_rest(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", stdin=HELLO) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            assert read_all(accepted) == HELLO
            accepted.sendall(b"after your FIN")
        assert run.status() == 0
    assert run.err[0] == f"connected to tcp://127.0.0.1:{port}"
    assert '"after your FIN"' in run.out.decode()
    assert [line.split("(")[0].split()[-1] for line in run.lines] == (
        [
            "socket",
            "setsockopt",
            "connect",
            "getsockopt",
            "getsockname",
            "send",
            "shutdown",
            "recv",
            "recv",
            "recv",
            "close",
        ]
    )


def test_what_is_typed_is_sent_at_once_and_after_the_peers_fin(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--quiet", stdin=None) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            run.type(b"one")
            assert accepted.recv(10) == b"one"
            accepted.shutdown(sockets.SHUT_WR)
            run.type(b"two")
            assert accepted.recv(10) == b"two"
            run.end_of_input()
            assert accepted.recv(10) == b""
            assert run.status() == 0


def test_a_client_at_a_terminal_ends_with_its_peer(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe", stdin=theirs) as run:
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(HELLO)
            assert run.status() == 0
        assert run.out == HELLO
    finally:
        os.close(ours)


def test_a_pipe_is_exact_at_any_size_in_bounded_memory(tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 50
    with Run(tmp_path, "echo", ":0", "--quiet", "--keep-free", 0) as echo:
        port = echo.port()
        with Run(tmp_path, "connect", f":{port}", "--pipe", "--keep-free", 0, stdin=data) as run:
            most = 0.0
            run.first()
            engine = run.engine()
            while run.process.poll() is None:
                with contextlib.suppress(OSError, AssertionError):
                    most = max(most, resident_mib(run.process.pid, "VmHWM"), resident_mib(engine, "VmHWM"))
            assert run.status() == 0
        assert max(most, resident_mib(echo.process.pid, "VmHWM"), resident_mib(echo.engine(), "VmHWM")) < 100
        echo.end()
    assert hashlib.sha256(run.out).digest() == hashlib.sha256(data).digest()
    assert run.err[2].endswith(f"{len(data)} bytes received, {len(data)} bytes sent")


def test_more_than_a_batch_in_one_go(tmp_path: Path) -> None:
    data = os.urandom(3 * BATCH)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe") as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            accepted.sendall(data)
        assert run.status() == 0
    assert run.out == data


def test_nobody_listens_there(tmp_path: Path) -> None:
    with server() as (_, port):
        pass
    run = ran(tmp_path, "connect", f":{port}", "--pipe")
    assert run.status() == 1
    assert len(run.err) == 1
    assert f"tcp://127.0.0.1:{port}: Connection refused (ECONNREFUSED)" in run.err[0]


def test_a_peer_that_resets_is_told_from_one_that_ends(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", stdin=None) as run:
        accepted, _ = listener.accept()
        run.type(HELLO)
        accepted.settimeout(20)
        assert read_exactly(accepted, len(HELLO)) == HELLO
        accepted.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        assert run.status() == 1
    assert "ECONNRESET" in run.err[1]
    assert run.err[2].startswith("capture: ")
    assert "= -1 ECONNRESET" in run.out.decode()


def test_connecting_has_a_time_out(tmp_path: Path) -> None:
    with deaf() as port:
        run = ran(tmp_path, "connect", f":{port}", "--quiet", "--timeout", "0.2")
    assert run.status() == 1
    assert "ETIMEDOUT" in run.err[0]


def test_a_signal_ends_it_while_it_connects(tmp_path: Path) -> None:
    place = tmp_path / "c.socktui"
    with deaf() as port, Run(tmp_path, "connect", f":{port}", "--quiet", "--capture", place) as run:
        wait_until(lambda: _count(place) >= 3)
        assert run.end(signal.SIGINT) == 0
    assert run.err == []


def _count(capture: Path) -> int:
    """The calls in a capture that may not be there yet."""
    try:
        return len(all_calls(capture))
    except CaptureError:
        return 0


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port where nothing answers: the accept queue is full, and nobody accepts."""
    with sockets.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            filler = fillers.enter_context(sockets.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()[1]


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


def test_a_disk_without_room_loses_bytes_loudly_and_serves_on(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--quiet", "--keep-free", 1 << 30) as run:
        port = run.port()
        assert say_and_hear(port, HELLO) == HELLO
        wait_until(lambda: len(run.err) > 1)
        assert run.err[1].startswith("the capture is incomplete from here on")
        assert say_and_hear(port, HELLO) == HELLO
        assert run.end() == 1
    assert re.fullmatch(r"capture incomplete: \d+ bytes, 0 calls not kept", run.err[-1])


def test_a_pipe_on_a_disk_without_room_is_a_failure_though_nothing_false_is_printed(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe", "--keep-free", 1 << 30) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(data)
            accepted.shutdown(sockets.SHUT_WR)
            assert run.status() == 1
    assert data.startswith(run.out)


def test_bytes_that_were_not_kept_are_never_left_out_of_a_pipe(capture: Path) -> None:
    journal = Journal(capture, floor=1 << 60)
    entry = journal.entry()
    at = journal.heap.keep(HELLO)
    assert at is not None
    journal.moved(entry, Name.RECV, 0, 1, at, len(HELLO), 20)
    journal.close()
    with Reader(capture) as reader:
        assert b"(not kept)" in text_lines()(reader, reader.call(0))
        assert json.loads(json_lines()(reader, reader.call(0)))["data"] is None
        with pytest.raises(NotKept, match="bytes from 0 on were not kept"):
            received(1)(reader, reader.call(0))


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
