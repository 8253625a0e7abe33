"""The rows of a call: what is shown of which, in pages that each can be made alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from socktui.core.call import Function
from socktui.core.rows import plain
from socktui.journal.reader import Reader
from socktui.tui.bytelog.log_rows import (
    COPY_LIMIT,
    LAYER_FILTERS,
    PAGE,
    Heading,
    HexRows,
    Lens,
    copied,
    heading,
    pages,
    rows,
    shown,
    split_character,
    text_of,
)
from socktui.tui.call_sequence import CallSequence
from tests.tui.canned import Canned


def test_what_the_log_shows_at_each_layer(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.send(client, b"\x17wire")
    canned.carry(client, Function.SSL_WRITE, b"clear")
    canned.call(client, Function.RECV, -1, 11, size=10)
    canned.call(client, Function.SETSOCKOPT, args=("SOL_SOCKET", "SO_LINGER", [1, 0]))
    canned.close_socket(client)
    canned.close()
    with Reader(capture) as reader:
        calls = [reader.call(seq) for seq in range(reader.count)]
        found = {layers: [str(call.name) for call in calls if shown(call, layers)] for layers in LAYER_FILTERS}
        assert found == {
            "clear": ["connect", "SSL_write", "recv", "setsockopt", "close"],
            "wire": ["connect", "send", "recv", "setsockopt", "close"],
            "all": ["connect", "send", "SSL_write", "recv", "setsockopt", "close"],
        }
        assert [pages(call, "clear") for call in calls] == [int(shown(call, "clear")) for call in calls]


def test_a_page_is_made_without_the_others(capture: Path) -> None:
    data = bytes(i % 251 for i in range(3 * PAGE + 10))
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"before")
    canned.send(client, data)
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        call = sequence.call(10)
        assert pages(call, "clear") == 4
        offsets, sizes = [], set()
        for page in (3, 0, 2, 1):
            laid_out = rows(sequence, call, page, Lens(), 80, str)
            assert isinstance(laid_out, HexRows)
            assert laid_out.head == int(page == 0)
            assert isinstance(laid_out[0], Heading) == (page == 0)
            assert laid_out[len(laid_out) - 1] == laid_out[laid_out.head :][-1]
            offsets += [int(text_of(row).split()[0], 16) for row in laid_out[laid_out.head :]]
            sizes.add(laid_out.geometry.size)
            with pytest.raises(IndexError):
                laid_out[len(laid_out)]
        assert sizes == {16}
        assert sorted(offsets) == list(range(6, 6 + len(data), 16))


@pytest.mark.parametrize("cells", [9, 20, 33, 60, 78, 200])
@pytest.mark.parametrize("view", ["both", "hex", "text"])
def test_rows_fit_and_are_as_wide_as_their_geometry_says(capture: Path, view: str, cells: int) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, bytes(70_000))
    canned.send(client, bytes(range(256)) + "Привет, 日本".encode())
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        laid_out = rows(sequence, sequence.call(10), 0, Lens(view), cells, str)  # type: ignore[arg-type]
        widths = {cell_len(plain(row)) for row in laid_out if isinstance(row, list)}
        if isinstance(laid_out, HexRows):
            assert widths == {laid_out.geometry.width}
            assert laid_out.geometry.width <= cells or laid_out.geometry.size == 1
        else:
            assert max(widths) <= cells


def test_a_split_character_is_shown_where_it_ends(capture: Path) -> None:
    data = "€".encode()
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for part in (b"a" + data[:1], data[1:2], data[2:] + b"b"):
        canned.send(client, part)
        canned.recv(accepted, b"\xff")
        canned.recv(client, b"\xfe")
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        sent = [call for call in map(reader.call, range(reader.count)) if call.sends and call.length]
        found = [copied([rows(sequence, call, 0, Lens("text"), 40, str)[1:]]) for call in sent]
        assert found == ["a", "", "€b"]
        assert [split_character(reader, call, 0, "utf-8") for call in sent] == [b"", data[:1], data[:2]]
        assert [split_character(reader, call, 0, "latin-1") for call in sent] == [b"", b"", b""]
        assert split_character(reader, sent[0], 2, "utf-8") == data[:1]


def test_a_split_character_does_not_go_on_over_lost_bytes(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"\xe2\x82")
    at = canned.journal.heap.head
    canned.send(client, b"-")
    canned.send(client, b"\xac")
    canned.journal.heap._lose(at, at + 1)
    canned.close()
    with Reader(capture) as reader:
        assert split_character(reader, reader.call(11), 0, "utf-8") == b""


@pytest.mark.parametrize("view", ["both", "hex", "text"])
def test_lost_bytes_are_said_once_a_call(capture: Path, view: str) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    at = canned.journal.heap.head
    canned.send(client, bytes(3 * PAGE))
    canned.journal.heap._lose(at, at + 2 * PAGE)
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        call = sequence.call(9)
        by_page = [rows(sequence, call, page, Lens(view), 80, str) for page in range(3)]  # type: ignore[arg-type]
        assert [list(page).count(None) for page in by_page] == [1, 0, 0]
        assert len(by_page[1]) == 0
        assert len(by_page[2]) > 0


def test_headings_tell_the_time_as_the_lens_says(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"one")
    canned.wait(500)
    canned.send(client, b"two")
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        call = sequence.call(10)
        lenses = (Lens(stamp="start"), Lens(stamp="previous"))
        stamps = [heading(sequence, call, lens, 80, str).stamp for lens in lenses]
        assert stamps == ["    0.760000", "   +0.501000"]
        wide, narrow = (heading(sequence, call, Lens(), cells, str) for cells in (80, 40))
        assert len(wide.stamp) == len("13:00:00.123456")
        assert narrow.stamp == wide.stamp[:-3]
        assert (wide.way, wide.text, wide.label) == ("sent", "sent 3 at 3", "2")


def test_a_copy_is_cut_where_it_is_long(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"x" * 2_000_000)
    canned.close()
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        call = sequence.call(9)
        text = copied(rows(sequence, call, page, Lens("text"), 80, str) for page in range(pages(call, "clear")))
        assert text.endswith("\n… cut here")
        assert COPY_LIMIT <= text.count("x") <= COPY_LIMIT + PAGE
