"""Where bytes stand: a byte is found in the cells that show it, and a row at the byte with which it begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from socktui.core.rows import plain
from socktui.core.safe import safe
from socktui.journal.reader import Reader
from socktui.tui.bytelog.log_rows import GUTTER, Lens, LogRow, View, rows
from socktui.tui.bytelog.page_layout import page_layout
from socktui.tui.call_sequence import CallSequence
from tests.tui.canned import Canned


def text_at(row: LogRow, cells: tuple[int, int]) -> str:
    """What stands in some cells of a row behind its gutter; characters of two cells whole."""
    assert isinstance(row, list)
    found, at = "", GUTTER
    for char in plain(row):
        if cells[0] < at + cell_len(char) and at < cells[1]:
            found += char
        at += cell_len(char)
    return found


def capture_of(path: Path, *parts: bytes) -> Path:
    """The bytes, which one call sends after the other; the first is call 9."""
    canned = Canned(path)
    client, _ = canned.pair(canned.listener())
    for part in parts:
        canned.send(client, part)
    return canned.close()


@pytest.mark.parametrize("cells", [30, 60, 78, 160])
@pytest.mark.parametrize("view", ["both", "hex"])
def test_every_byte_of_a_hex_dump(capture: Path, view: View, cells: int) -> None:
    data = bytes(range(33, 127)) + b"\xd0\x96 "
    with Reader(capture_of(capture, data)) as reader:
        sequence, lens = CallSequence(reader), Lens(view, encoding="latin-1")
        laid_out = rows(sequence, sequence.call(9), 0, lens, cells, str)
        layout = page_layout(reader, sequence.call(9), 0, lens, laid_out)
        assert layout
        for i, byte in enumerate(data):
            shown = [(row, text_at(laid_out[row], span)) for row, span in layout.cells([(i, i + 1)])]
            assert shown[0] == (layout.row_of(i), f"{byte:02x}")
            if view == "both":
                sign = bytes([byte]).decode("latin-1")
                assert shown[1:] == [(layout.row_of(i), sign if sign.isprintable() else ".")]
        for row in range(1, len(laid_out)):
            assert layout.row_of(layout.byte_of(row)) == row
        assert layout.byte_of(0) == 0


def test_a_span_over_rows_of_a_hex_dump(capture: Path) -> None:
    with Reader(capture_of(capture, bytes(64))) as reader:
        sequence, lens = CallSequence(reader), Lens("hex")
        laid_out = rows(sequence, sequence.call(9), 0, lens, 56, str)
        layout = page_layout(reader, sequence.call(9), 0, lens, laid_out)
        assert layout
        found = [(row, text_at(laid_out[row], span)) for row, span in layout.cells([(14, 50)])]
        assert found == [(1, "00 00"), (2, "00 " * 7 + "00  " + "00 " * 7 + "00"), (3, found[1][1]), (4, "00 00")]


@pytest.mark.parametrize("cells", [4, 11, 40])
def test_every_byte_of_text(capture: Path, cells: int) -> None:
    text = "ab\nЖ日本é \x00" * 3
    with Reader(capture_of(capture, text.encode())) as reader:
        sequence, lens = CallSequence(reader), Lens("text")
        laid_out = rows(sequence, sequence.call(9), 0, lens, cells, str)
        layout = page_layout(reader, sequence.call(9), 0, lens, laid_out)
        assert layout
        byte = 0
        for char in text:
            for each in range(byte, byte + len(char.encode())):
                [(row, span)] = layout.cells([(each, each + 1)])
                assert text_at(laid_out[row], span) == safe(char)
                assert layout.row_of(each) == row
            byte += len(char.encode())
        for row in range(1, len(laid_out)):
            assert layout.row_of(layout.byte_of(row)) == row


def test_a_split_character_stands_where_it_ends(capture: Path) -> None:
    data = "日".encode()
    with Reader(capture_of(capture, b"a" + data[:1], data[1:] + b"b")) as reader:
        sequence, lens = CallSequence(reader), Lens("text")
        for position, byte, shown in ((9, 0, "a"), (9, 1, None), (10, 0, "日"), (10, 1, "日"), (10, 2, "b")):
            laid_out = rows(sequence, sequence.call(position), 0, lens, 40, str)
            layout = page_layout(reader, sequence.call(position), 0, lens, laid_out)
            assert layout
            found = [text_at(laid_out[row], span) for row, span in layout.cells([(byte, byte + 1)])]
            assert found == ([shown] if shown else [])


def test_a_page_without_bytes_has_no_layout(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.fin(client)
    at = canned.journal.heap.head
    canned.send(client, b"lost")
    canned.journal.heap._lose(at, at + 4)
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        for position in (9, len(sequence) - 1):
            for lens in (Lens("both"), Lens("text")):
                laid_out = rows(sequence, sequence.call(position), 0, lens, 80, str)
                assert page_layout(reader, sequence.call(position), 0, lens, laid_out) is None
