"""Printing calls on standard output, in batches."""

import os
from pathlib import Path

import pytest

from socktui.core.call import Call
from socktui.headless import printing
from socktui.headless.printing import BATCH_CALLS, Printer, say_what_is_missing
from socktui.journal.reader import Health, Reader
from tests.journal.writing import random_capture, small


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was written to standard output, a batch each."""
    batches: list[bytes] = []
    monkeypatch.setattr(printing, "write", lambda fd, data: batches.append(data))
    return batches


def line(reader: Reader, call: Call) -> bytes:
    return b"%d\n" % call.seq


def test_all_calls_are_printed_in_their_order(capture: Path, written: list[bytes]) -> None:
    random_capture(capture, 1, 2 * BATCH_CALLS + 5)
    with Reader(capture) as reader:
        printer = Printer(reader, line)
        turns = 0
        while printer.advance():
            turns += 1
        assert printer.position == reader.count
        assert b"".join(written) == b"".join(b"%d\n" % seq for seq in range(reader.count))
    assert turns == 3


def test_a_batch_has_a_bound(capture: Path, written: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "BATCH", 4)
    small(capture)
    with Reader(capture) as reader:
        printer = Printer(reader, line)
        assert printer.advance()
    assert written == [b"0\n1\n"]


def test_where_nothing_is_to_be_printed_the_position_goes_on(capture: Path, written: list[bytes]) -> None:
    small(capture)
    with Reader(capture) as reader:
        printer = Printer(reader, None)
        assert not printer.advance()
        assert printer.position == reader.count
    assert written == []


def test_what_was_printed_before_a_failure_is_written(capture: Path, written: list[bytes]) -> None:
    def failing(reader: Reader, call: Call) -> bytes:
        if call.seq == 2:
            raise OSError(os.strerror(5))
        return line(reader, call)

    small(capture)
    with Reader(capture) as reader, pytest.raises(OSError, match="error"):
        Printer(reader, failing).advance()
    assert written == [b"0\n1\n"]


def test_what_is_missing_is_said(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small(capture)
    with Reader(capture) as reader:
        health: Health = reader.health
    assert say_what_is_missing(health)
    assert capfd.readouterr().err == ""
