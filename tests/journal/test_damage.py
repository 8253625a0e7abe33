"""Captures that are cut off, damaged, of another version or not ours: one line says so, or what is left is read."""

import os
import resource
import shutil
import struct
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socktui.journal import format
from socktui.journal.matching import Pattern
from socktui.journal.reader import CaptureError, Reader
from socktui.journal.search import Scope, Search

MOST = 2000
"""Steps of a search, for damage can make a call very long."""


def look_at_everything(reader: Reader) -> None:
    """Whatever a screen may ask for."""
    reader.refresh()
    assert reader.health.lost_bytes >= 0
    for seq in range(reader.count):
        call = reader.call(seq)
        data = reader.data(call)
        assert data is None or len(data) == call.length
        assert reader.rank(seq) >= 0
        before = reader.before(seq)
        assert before is None or before < seq
    for number in range(1, reader.sockets + 1):
        socket = reader.socket(number)
        assert isinstance(socket.why, str)
        assert isinstance(str(socket.state), str)
        if socket.calls and reader.count:
            for n in range(min(socket.calls, 20)):
                assert 0 <= reader.nth(socket, n) < reader.count
    for number in (None, *range(1, min(reader.sockets, 3) + 1)):
        one = Search(reader, Pattern(b"o"), Scope(number, "all"))
        forward, backward = (list(islice(hits, MOST)) for hits in (one.forward(), one.backward()))
        if max(len(forward), len(backward)) < MOST:
            assert [hit for hit in forward if hit] == [hit for hit in reversed(backward) if hit]


def open_and_look(path: Path) -> None:
    """No exception but CaptureError, which is one line."""
    why = None
    try:
        with Reader(path) as reader:
            look_at_everything(reader)
    except CaptureError as error:
        why = str(error)
    assert why is None or (why.startswith(str(path)) and "\n" not in why)


@pytest.mark.parametrize("file", ["calls", "sockets", "heap"])
def test_cut_off_at_every_byte(whole: Path, tmp_path: Path, file: str) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    with Reader(whole) as reader:
        all_calls = [reader.call(seq) for seq in range(reader.count)]
    size = (whole / file).stat().st_size
    for length in reversed(range(size)):
        os.truncate(path / file, length)
        open_and_look(path)
        if file == "calls" and length >= format.HEADER_SIZE:
            with Reader(path) as reader:
                left = (length - format.HEADER_SIZE) // format.RECORD_SIZE
                assert reader.count == left
                assert reader.health.cut == len(all_calls) - left
                assert [reader.call(seq) for seq in range(left)] == all_calls[:left]


def test_sockets_are_told_by_the_calls_that_are_left(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    os.truncate(path / "calls", format.HEADER_SIZE + 5 * format.RECORD_SIZE + 17)
    with Reader(path) as reader:
        connection = reader.socket(2)
        assert (connection.received, connection.sent, connection.open) == (13, 0, True)
        assert connection.service == "echo"
        assert reader.nth(connection, 0) == 4


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), in_order=st.booleans())
def test_random_damage(
    whole: Path, killed: Path, tmp_path_factory: pytest.TempPathFactory, in_order: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged" / "c.socktui"
    shutil.rmtree(path.parent, ignore_errors=True)
    shutil.copytree(whole if in_order else killed, path)
    for _ in range(data.draw(st.integers(1, 4))):
        file = path / data.draw(st.sampled_from(sorted(each.name for each in path.iterdir())))
        content = bytearray(file.read_bytes())
        # The padding of the header is not read: aim at what is.
        at = data.draw(st.integers(0, 127) | st.integers(4096, 8191) if file.name == "calls" else st.integers(0, 8191))
        at = min(at, len(content))
        new = data.draw(st.binary(min_size=1, max_size=9) | st.sampled_from([b"\xff" * 8, b"\xff" * 4, bytes(8)]))
        content[at : at + len(new)] = new
        file.write_bytes(content)
    open_and_look(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20, "KiB"


def test_numbers_beyond_all_bounds_cost_no_memory(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    with (path / "calls").open("r+b") as file:
        file.seek(format.COUNT_AT)
        file.write(struct.pack("<QQQ", 1 << 63, 1 << 63, 1 << 63))
        file.seek(format.SOCKETS_AT)
        file.write(struct.pack("<I", 0xFFFFFFFF))
        file.seek(format.HEADER_SIZE + 4 * format.RECORD_SIZE + 48)
        file.write(struct.pack("<I", 0xFFFFFFFF))
    with Reader(path) as reader:
        assert reader.count == 8
        assert reader.sockets <= 9
        assert reader.data(reader.call(4)) is None
        look_at_everything(reader)
