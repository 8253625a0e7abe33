"""The ring and the thread that moves it to the disk: no byte is lost or changed on the way, and none waits for ever."""

import errno
import mmap
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socktui.core.call import Function
from socktui.journal import format
from socktui.journal import heap as heaps
from socktui.journal.heap import BLOCKS, RESERVE, Heap
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal import disks
from tests.journal.writing import Told, called, moved
from tests.support import wait_until

RING = 1 << 18
BLOCK = RING // BLOCKS


@contextmanager
def opened(folder: Path) -> Iterator[Heap]:
    with mmap.mmap(-1, format.HEADER_SIZE) as header:
        heap = Heap(folder, header, ring_size=RING, floor=0)
        try:
            yield heap
        finally:
            heap.close()


def put(heap: Heap, data: bytes) -> int:
    """Append some bytes, as soon as there is room; where."""
    while (found := heap.space(len(data))) is None:
        pass
    at, view = found
    view[:] = data
    heap.commit(at + len(data))
    return at


def released(heap: Heap) -> int:
    return int(format.U64.unpack_from(heap._header, format.DRAINED_AT)[0])


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 9000) | st.sampled_from([4096, BLOCK, 4 * BLOCK]), max_size=60),
    seed=st.integers(0, 1 << 30),
)
def test_all_disks_hold_the_same_heap_to_the_byte(sizes: list[int], seed: int) -> None:
    found = []
    for kind in disks.KINDS:
        chance = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
            disks.make(kind, monkeypatch)
            parts = [chance.randbytes(size) for size in sizes]
            with opened(Path(folder)) as heap:
                places = [put(heap, part) for part in parts]
                assert [heap.read(at, len(part)) for at, part in zip(places, parts, strict=True)] == parts
            data = (Path(folder) / format.HEAP).read_bytes()
            assert not (Path(folder) / format.RING).exists()
            assert len(data) == heap.head
            assert [data[at : at + len(part)] for at, part in zip(places, parts, strict=True)] == parts
            found.append(data)
    assert found[0] == found[1] == found[2]


def test_while_bytes_come_fast_whole_blocks_are_written_past_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.need_direct(tmp_path)
    monkeypatch.setattr(heaps, "BATCH_SECONDS", 1000)
    seen = disks.writes(monkeypatch)
    with opened(tmp_path) as heap:
        put(heap, bytes(2 * BLOCK + 100))
        wait_until(lambda: heap.drained == 2 * BLOCK)
    assert seen == [(True, 0, BLOCK), (True, BLOCK, BLOCK), (False, 2 * BLOCK, 100)]


def test_few_bytes_cost_no_write_each_and_go_through_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heaps, "BATCH_SECONDS", 1000)
    seen = disks.writes(monkeypatch)
    with opened(tmp_path) as heap:
        for _ in range(50):
            put(heap, b"a few bytes")
        assert seen == []
    assert seen == [(False, 0, 50 * 11)]


def test_a_few_bytes_are_on_the_disk_a_moment_later(tmp_path: Path) -> None:
    with opened(tmp_path) as heap:
        for number in range(3):
            put(heap, b"a few bytes")
            wait_until(lambda: heap.drained == heap.head)
            assert (tmp_path / format.HEAP).read_bytes() == b"a few bytes" * (number + 1)


def test_the_newest_half_of_the_ring_stays_there_for_readers(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    told = Told()
    entry = journal.entry()
    for number in range(40):
        moved(journal, told, entry, Function.RECV, bytes([number]) * 10000)
    wait_until(lambda: journal.heap.drained == journal.heap.head)
    newest = [call for call in told.calls if call.at >= journal.heap.head - RING // 2]
    assert len(newest) > 10
    with Reader(capture) as reader, monkeypatch.context() as patched:
        patched.setattr(os, "pread", None)
        assert [reader.data(call) for call in newest] == [told.data[call.seq] for call in newest]
    with Reader(capture) as reader:
        assert [reader.data(call) for call in told.calls] == list(told.data.values())
    journal.close()


def test_the_writer_does_not_wait_for_what_only_readers_want(tmp_path: Path) -> None:
    with opened(tmp_path) as heap:
        put(heap, bytes(BLOCK))
        wait_until(lambda: heap.drained == heap.head)
        assert released(heap) == 0
        assert heap.space(RING - RESERVE - BLOCK, reserve=RESERVE)
        assert released(heap) == 0
        assert heap.space(RING - RESERVE)
        assert released(heap) == BLOCK


def test_a_disk_that_fills_up_within_a_write_loses_the_rest_of_it_and_no_details(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so much of a block fits; what little is written afterwards, the disk still takes."""
    monkeypatch.setattr(heaps, "BATCH_SECONDS", 1000)
    write = os.pwrite
    fits = BLOCK + mmap.PAGESIZE

    def pwrite(fd: int, data: memoryview, at: int) -> int:
        if len(data) > 100 and at >= fits:
            raise OSError(errno.ENOSPC, "")
        return write(fd, data[: fits - at] if len(data) > 100 else data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry(service="echo")
    for number in range(60):
        moved(journal, told, entry, Function.RECV, bytes([number]) * 2000)
        called(journal, told, entry, Function.BIND, 0, args=(["127.0.0.1", number],))
    end = journal.heap.head
    journal.close()
    with Reader(capture) as reader:
        assert reader.lost == [(fits, end)]
        for call in told.calls:
            again = reader.call(call.seq)
            assert again.args == call.args
            if call.length:
                whole = told.data[call.seq] if call.at + call.length <= fits else None
                assert reader.data(again) == whole
        assert reader.socket(1).service == "echo"
