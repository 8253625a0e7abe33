"""Lines of notes, and of calls that have no name here."""

import json
from pathlib import Path

import pytest

from socktui.core.call import Call, Function, Layer
from socktui.headless.lines import json_lines, received, text_lines
from socktui.journal.reader import Reader
from socktui.journal.writer import Clocks, Journal
from tests.journal.writing import RING


@pytest.fixture
def reader(capture: Path) -> Reader:
    """A socket, a note on it, a note on the capture, and a call of a function and a layer without names here."""
    journal = Journal(capture, ring_size=RING, floor=0, clocks=Clocks(1_767_358_800_000_000_000, 0))
    entry = journal.entry(service="echo")
    journal.append(entry, Call(0, 1000, 10, 0, Function.SOCKET, 7, args=("AF_INET", "SOCK_STREAM", 0)))
    journal.note(entry, "hold", {"text": "held 2.1 s", "seconds": 2.1}, at=2000)
    journal.note(None, "remark", "look\x1b[2J here", at=3000)
    journal.append(entry, Call(0, 4000, 10, 0, Function(24), 3, args=("x",), layer=Layer(9)), b"abc")
    journal.close()
    return Reader(capture)


def test_as_text(reader: Reader) -> None:
    line = text_lines()
    with reader:
        found = [line(reader, reader.call(seq)).decode() for seq in range(reader.count)]
    assert [each.partition("  ")[2] for each in found] == [
        "#1 socket(AF_INET, SOCK_STREAM, 0) = 7\n",
        "#1 note: held 2.1 s\n",
        "note: look␛[2J here\n",
        '#1 function 24(7, x) = 3  "abc"  layer 9\n',
    ]


def test_as_json(reader: Reader) -> None:
    line = json_lines()
    with reader:
        call, hold, remark, unknown = (json.loads(line(reader, reader.call(seq))) for seq in range(reader.count))
    assert list(hold) == [*call, "note"]
    assert (hold["call"], hold["socket"], hold["args"], hold["answer"]) == ("note", 1, ["hold"], "held 2.1 s")
    assert hold["note"] == {"kind": "hold", "text": "held 2.1 s", "seconds": 2.1}
    assert hold["time"] == "2026-01-02T13:00:00.000002Z"
    assert (remark["socket"], remark["fd"], remark["note"]["kind"]) == (None, None, "remark")
    assert (unknown["call"], unknown["layer"], unknown["args"], unknown["fd"]) == ("function 24", "layer 9", ["x"], 7)
    assert unknown["data"] == "YWJj"


def test_only_what_was_received_is_printed(reader: Reader) -> None:
    piece = received(1)
    with reader:
        assert b"".join(piece(reader, reader.call(seq)) for seq in range(reader.count)) == b""
