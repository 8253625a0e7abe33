"""A server without a screen, run as a process of its own."""

import base64
import json
import os
import re
import signal
import socket as sockets
import threading
from datetime import datetime
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.headless.lines import NotKept, json_lines, received, text_lines
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.running import PROGRAM, Run, ran
from tests.support import carried, cpu_seconds, peer, read_all, read_exactly, wait_until

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
    "via",
]
HOSTILE = b'\x1b]0;x\x07\x1b[31m\x9b31m\x00\x7f\xc2\x9b\xe2\x80\xae"\\\r\n'


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
    with sockets.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
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


def test_bytes_that_were_not_kept_are_never_left_out_of_a_pipe(capture: Path) -> None:
    journal = Journal(capture, floor=1 << 60)
    entry = journal.entry()
    at = journal.heap.keep(HELLO)
    assert at is not None
    journal.append_transfer(entry, Function.RECV, 0, 1, at, len(HELLO), 20)
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
