"""Reading while another process writes, after it was killed, and when the disk is slow or full."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.journal import heap as heaps
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal.flood import content
from tests.journal.writing import RING, Told, folded, moved
from tests.support import fresh, wait_until


@contextmanager
def pouring(capture: Path, *numbers: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writer of so many MiB, with a ring of so many bytes; and the write in which it is to get stuck."""
    command = [sys.executable, "-m", "tests.journal.flood", str(capture), *map(str, numbers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == b"writing\n"
            yield writer
        finally:
            writer.kill()


def check(reader: Reader, first: int, last: int) -> int:
    """Compare the bytes of the calls [first, last) with what they have to be; how many carry bytes."""
    found = 0
    for seq in range(first, last):
        call = reader.call(seq)
        if call.name is Function.RECV:
            assert reader.data(call) == content(call.size), seq
            found += 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("ring", [1 << 18, 1 << 22])
def test_reading_while_another_process_writes_flat_out(capture: Path, ring: int) -> None:
    """At the newest end bytes are read from the ring, a moment later from the disk: never a wrong one."""
    chance = random.Random(1)
    with pouring(capture, 64, ring) as writer, Reader(capture) as reader:
        checked = 0
        while writer.poll() is None:
            reader.refresh()
            checked += check(reader, max(0, reader.count - 20), reader.count)
            back = chance.randrange(reader.count) if reader.count else 0
            checked += check(reader, back, min(back + 5, reader.count))
            for number in range(1, reader.sockets + 1):
                socket = reader.socket(number)
                if socket.calls:
                    assert reader.rank(reader.nth(socket, socket.calls // 2)) == socket.calls // 2
        assert checked > 100
        assert writer.returncode == 0
        reader.refresh()
        assert check(reader, 0, reader.count) > 5000
    with Reader(capture) as again:
        assert again.closed_in_order
        assert again.count == reader.count


@pytest.mark.parametrize("calls", [50, 1000, 3000])
def test_a_killed_writer_loses_nothing_that_it_counted(capture: Path, calls: int) -> None:
    with pouring(capture, 1 << 20, 1 << 20) as writer, Reader(capture) as live:
        wait_until(lambda: fresh(live).count > calls)
        writer.kill()
        writer.wait()
        live.refresh()
        with Reader(capture) as reader:
            assert not reader.live
            assert not reader.closed_in_order
            assert reader.count == live.count
            assert reader.health.whole
            assert check(reader, 0, reader.count) >= calls * 0.9
            for by_fold in folded(reader):
                socket = reader.socket(by_fold.number)
                assert (socket.last, socket.calls, socket.received) == (
                    by_fold.last,
                    by_fold.calls,
                    by_fold.received,
                )
                assert socket.state == by_fold.state


@pytest.mark.parametrize("write", [1, 2, 20])
def test_a_writer_that_is_killed_within_a_write_to_the_disk_loses_nothing(capture: Path, write: int) -> None:
    with pouring(capture, 1 << 20, 1 << 20, write) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"stuck\n"
        with Reader(capture) as live:
            wait_until(lambda: fresh(live).count > 20)
            writer.kill()
            writer.wait()
            live.refresh()
            with Reader(capture) as reader:
                assert reader.count == live.count
                assert reader.health.whole
                assert check(reader, 0, reader.count) >= reader.count * 0.9


def test_a_slow_disk_makes_its_writer_wait_and_loses_nothing(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite

    def slow(fd: int, data: bytes, at: int) -> int:
        time.sleep(0.002)
        return write(fd, data[:4096], at)

    monkeypatch.setattr(os, "pwrite", slow)
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    stalled = 0
    for turn in range(100):
        if journal.heap.space(5000) is None:
            stalled += 1
        moved(journal, told, entry, Function.RECV, bytes([turn]) * 5000)
    journal.close()
    assert stalled
    with Reader(capture) as reader:
        assert reader.health.whole
        assert {seq: reader.data(reader.call(seq)) for seq in told.data} == told.data


def test_who_waits_for_room_is_told_even_if_there_is_room_already(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    wait_until(lambda: journal.heap.drained == journal.heap.head)
    told: list[int] = []
    journal.heap.when_room(lambda: told.append(1))
    wait_until(lambda: told, 5)
    journal.close()
    assert told == [1]


def test_a_full_disk_is_counted_to_the_byte_and_forgotten_when_there_is_room(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heaps, "RETRY_SECONDS", 0.01)
    full = False
    write = os.pwrite

    def sometimes(fd: int, data: bytes, at: int) -> int:
        if full:
            raise OSError(28, "No space left on device")
        return write(fd, data, at)

    monkeypatch.setattr(os, "pwrite", sometimes)
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()

    def settle() -> None:
        wait_until(lambda: journal.heap.drained == journal.heap.head)

    with Reader(capture) as reader:
        moved(journal, told, entry, Function.RECV, b"before")
        settle()
        full = True
        moved(journal, told, entry, Function.RECV, b"x" * 5000)
        moved(journal, told, entry, Function.SEND, b"y" * 3000)
        settle()
        reader.refresh()
        assert reader.health.lost_bytes == 8000
        assert reader.health.disk_errno == 28
        full = False
        wait_until(lambda: time.monotonic() > journal.heap._failing_until)
        moved(journal, told, entry, Function.RECV, b"after")
        settle()
        reader.refresh()
        assert reader.health.disk_errno == 0
        assert reader.health.lost_bytes == 8000
        assert [reader.data(reader.call(seq)) for seq in range(4)] == [b"before", None, None, b"after"]
        assert reader.socket(1).received == 6 + 5000 + 5
    journal.close()
    with Reader(capture) as reader:
        assert [reader.data(reader.call(seq)) for seq in range(4)] == [b"before", None, None, b"after"]
