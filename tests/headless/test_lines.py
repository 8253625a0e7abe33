"""A call as a line of text, as a line of JSON, and as the bytes that it received."""

import base64
import json
import re
import socket as sockets
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.headless.lines import Descriptors, NotKept, json_lines, received, text_lines, utc, wall
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal.writing import small
from tests.running import Run
from tests.support import peer, read_all

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


def test_a_time_is_told_as_rfc_3339_has_it() -> None:
    assert utc(0) == "1970-01-01T00:00:00.000000Z"
    assert utc(1_738_324_800_123_456_789) == "2025-01-31T12:00:00.123456Z"


def test_a_time_that_damage_has_made_is_one_of_this_calendar(capture: Path) -> None:
    small(capture)
    with Reader(capture) as reader:
        call = reader.call(0)
        assert utc(wall(reader, replace(call, time=1 << 68))).startswith("9999-12-31")
        assert utc(wall(reader, replace(call, time=-(1 << 68)))).startswith("1970-01-01")


def test_descriptors_are_those_of_their_time(capture: Path) -> None:
    """A descriptor is used again: a line has the one that the socket had then, by its calls."""
    small(capture)
    with Reader(capture) as reader:
        calls = [reader.call(seq) for seq in range(reader.count)]
        descriptors = Descriptors()
        assert [descriptors.of(reader, call) for call in calls] == [5, 5, 5, 5, 6, 6, 6, 6]
        assert descriptors.of(reader, replace(calls[0], name=Function.RECV, socket=99)) == -1
        assert descriptors.scheme(reader, calls[0]) == reader.socket(1).scheme
