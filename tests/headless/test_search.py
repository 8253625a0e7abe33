"""`socktui search`: a line for each match, and an exit status as grep has it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.journal.writing import small
from tests.running import PROGRAM, ran
from tests.tui.canned import Canned

HOSTILE = b"\x1b]0;x\x07\x9b31m needle \xe2\x80\xae\r\n"


@pytest.fixture
def talk(capture: Path) -> Path:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.echo(client, accepted, b"Hello, World! A Needle")
    canned.send(client, b"nee")
    canned.send(client, b"dle")
    canned.recv(accepted, b"needle")
    canned.recv(accepted, HOSTILE)
    return canned.close()


def found(talk: Path, tmp_path: Path, *words: str) -> tuple[int, list[str]]:
    run = ran(tmp_path, "search", talk, *words)
    assert run.err == []
    return run.status(), run.lines


def test_a_line_for_each_match(talk: Path, tmp_path: Path) -> None:
    status, lines = found(talk, tmp_path, "needle")
    assert status == 0
    assert [re.sub(r"^\d\d:\d\d:\d\d\.\d{6}  ", "", line) for line in lines] == [
        '#2 send, call 13, byte 0 to call 14  "nee"',
        '#3 recv, call 15, byte 0  "needle"',
        '#3 recv, call 16, byte 11  "\\e]0;x\\a\\x9b31m needle \\u202e\\r\\n"',
    ]


def test_as_json(talk: Path, tmp_path: Path) -> None:
    status, lines = found(talk, tmp_path, "needle", "--json")
    assert status == 0
    first = json.loads(lines[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.pop("time"))
    assert first == {
        "seq": 13,
        "socket": 2,
        "call": "send",
        "layer": "wire",
        "byte": 0,
        "offset": 22,
        "length": 6,
        "end_seq": 14,
        "end_byte": 2,
    }
    assert len(lines) == 3
    told = subprocess.run([*PROGRAM, "search", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf"\b{key}\b", told) for key in json.loads(lines[0]))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["needle"], 3),
        (["NEEDLE", "--ignore-case"], 7),
        (["needle", "--socket", "3"], 2),
        (["--hex", "48 65 6c 6c 6f"], 4),
        ([r"\x9b31m"], 1),
        (["l"], 3 * 4 + 2 * 4 - 2 * 4 + 4 + 1 + 1 + 1),
        (["nothing"], 0),
    ],
)
def test_how_many_and_the_exit_status(talk: Path, tmp_path: Path, words: list[str], count: int) -> None:
    assert found(talk, tmp_path, *words, "--count") == (0 if count else 1, [str(count)])


def test_nothing_found_says_nothing(talk: Path, tmp_path: Path) -> None:
    assert found(talk, tmp_path, "nothing") == (1, [])


def test_a_socket_that_is_not_there(tmp_path: Path, capture: Path) -> None:
    small(capture)
    run = ran(tmp_path, "search", capture, "x", "--socket", "9")
    assert (run.status(), run.out) == (2, b"")
    assert run.err == [f"{capture} has no socket 9: they are numbered from 1 to 2"]


def test_whoever_reads_it_may_have_seen_enough(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"a" * 200_000)
    canned.close()
    reading, writing = os.pipe()
    with subprocess.Popen([*PROGRAM, "search", str(capture), "a"], stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert b"call 9, byte 0" in os.read(reading, 100)
        os.close(reading)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0
