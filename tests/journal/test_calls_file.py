"""Any call of a long capture is found in a few steps, and memory does not grow with what was looked at."""

from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal.writing import RING, Told, called


def test_any_call_of_a_long_capture_is_a_few_steps_away(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entries = [journal.entry(), journal.entry()]
    for turn in range(20000):
        called(journal, told, entries[turn % 7 == 0], Function.RECV, -1, 104)
    journal.close()
    with Reader(capture) as reader:
        mine = [call.seq for call in told.calls if call.socket == 1]
        socket = reader.socket(1)
        looked: list[int] = []
        look = reader._records.links

        def counted(seq: int) -> object:
            looked.append(seq)
            return look(seq)

        monkeypatch.setattr(reader._records, "links", counted)
        for n in range(0, len(mine), 97):
            looked.clear()
            assert reader.nth(socket, n) == mine[n]
            assert len(looked) < 100  # some 3 log2 of 17,000, and the calls that are found along with it
        looked.clear()
        assert [reader.nth(socket, n) for n in range(8000, 8200)] == mine[8000:8200]
        assert len(looked) < 3 * 200
        assert [reader.nth(socket, n) for n in (-1, len(mine), 10**9)] == [mine[0], mine[-1], mine[-1]]


def test_calls_of_sockets_in_turn_are_not_taken_for_each_other(capture: Path) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entries = [journal.entry() for _ in range(3)]
    for turn in range(300):
        called(journal, told, entries[turn % 3], Function.RECV, -1, 104)
    with Reader(capture) as reader:
        for n in range(100):
            for number in (1, 2, 3):
                assert reader.nth(reader.socket(number), n) == 3 * n + number - 1
        for _ in range(6):
            called(journal, told, entries[0], Function.RECV, -1, 104)
        reader.refresh()
        assert [reader.nth(reader.socket(1), n) for n in range(98, 106)] == [294, 297, *range(300, 306)]
    journal.close()


def test_memory_does_not_grow_with_what_was_looked_at(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    for _ in range(300_000):
        journal.append_transfer(entry, Function.RECV, 1, 2, 0, 1, 1)
    journal.close()
    with Reader(capture) as reader:
        for seq in range(0, reader.count, 1000):
            reader.call(seq)
            reader.call(seq + 1)
        assert len(reader._records._maps) <= 16
