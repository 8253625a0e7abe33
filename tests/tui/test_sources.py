"""Rows of the panes, without a screen: notes, and calls that have no name here."""

from pathlib import Path

import pytest

from socktui.core.call import Call, Function, Layer
from socktui.journal.reader import Reader
from socktui.tui.bytelog.log_rows import LAYER_FILTERS, pages
from socktui.tui.call_sequence import CallSequence
from socktui.tui.sources import Calls
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
