"""Rows of the panes, without a screen: notes, and calls that have no name here."""

from pathlib import Path

import pytest

from socktui.core.call import Call, Function, Layer
from socktui.core.sockets import End, Role, State
from socktui.journal.reader import Reader
from socktui.tui.bytelog.log_rows import LAYER_FILTERS, pages
from socktui.tui.call_sequence import CallSequence
from socktui.tui.format import ended, label
from socktui.tui.lists import Calls, Clock, Connections
from tests.tui.canned import Canned


@pytest.fixture
def reader(capture: Path) -> Reader:
    canned = Canned(capture)
    client = canned.client()
    canned.journal.note(client, "hold", "held 2.1 s", at=canned.now)
    canned.journal.note(None, "remark", {"about": "all"}, at=canned.now)
    unknown = Call(0, canned.now, 10, 0, Function(24), 3, args=("x",), layer=Layer(9))
    canned.journal.append(client, unknown, b"abc")
    return Reader(canned.close())


def test_the_calls_pane_has_a_line_for_each(reader: Reader) -> None:
    with reader:
        calls = Calls(CallSequence(reader))
        assert [calls.cells(i)[1:] for i in range(len(calls) - 3, len(calls))] == [
            [("1", "dim"), ("note: held 2.1 s", "warn"), ("", "dim")],
            [("", "dim"), ("note: remark about=all", "warn"), ("", "dim")],
            [("1", "dim"), "function 24(7, x) = 3", ("0.0 µs", "dim")],
        ]
        assert len(Calls(CallSequence(reader, 1))) == len(calls) - 1


def test_the_byte_log_passes_over_them(reader: Reader) -> None:
    with reader:
        for seen in LAYER_FILTERS:
            assert [pages(reader.call(seq), seen) for seq in range(reader.count - 3, reader.count)] == [0, 0, 0]


def test_a_socket_of_a_newer_version_is_shown_by_its_numbers(capture: Path) -> None:
    canned = Canned(capture)
    entry = canned.client()
    socket = entry.socket
    socket.role, socket.state = Role(77), State(88)
    canned.journal.describe(entry, who="somebody")
    with Reader(canned.close()) as reader:
        connections = Connections(reader, None, Clock(reader))
        connections.refresh()
        assert connections.cells(0)[2] == ("state 88", "warn")
        assert label(reader.socket(1)) == "#1 role 77 127.0.0.1:5005 somebody"
        socket.end = End(99)
        assert (ended(socket), socket.why) == ("end 99", "end 99")
