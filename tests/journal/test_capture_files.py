"""The files of a new capture: whose they are, and what happens where there is no room for them."""

import errno as errnos
import os
import stat
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.journal.reader import Reader
from socktui.journal.writer import CaptureExists, Journal
from tests.journal.writing import RING, Told, called


def test_only_its_owner_may_look(capture: Path) -> None:
    old = os.umask(0)
    try:
        journal = Journal(capture, ring_size=RING, floor=0)
    finally:
        os.umask(old)
    assert stat.S_IMODE(capture.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in capture.iterdir()}
    assert modes == dict.fromkeys(["calls", "sockets", "heap", "ring", "meta.json"], 0o600)
    journal.close()
    assert sorted(file.name for file in capture.iterdir()) == ["calls", "heap", "meta.json", "sockets"]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling"])
def test_what_is_there_is_not_touched(capture: Path, kind: str) -> None:
    victim = capture.with_name("victim")
    match kind:
        case "folder":
            capture.mkdir()
        case "file":
            capture.write_text("mine")
        case "link":
            victim.mkdir()
            capture.symlink_to(victim)
        case _:
            capture.symlink_to(victim)
    with pytest.raises(CaptureExists, match="exists already"):
        Journal(capture, ring_size=RING)
    assert not victim.exists() or not list(victim.iterdir())
    assert kind != "file" or capture.read_text() == "mine"


def test_a_capture_that_finds_no_room_leaves_nothing_behind(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, at: int, size: int) -> None:
        raise OSError(errnos.ENOSPC, os.strerror(errnos.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        Journal(capture, ring_size=RING)
    assert not capture.exists()


def test_a_call_that_its_socket_was_not_told_of_any_more(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the record of a call and the slot of its socket."""
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    called(journal, told, entry, Function.CONNECT, 0, args=(["127.0.0.1", 5005],))
    monkeypatch.setattr(journal, "_write_slot", lambda entry: None)
    called(journal, told, entry, Function.CLOSE, 0)
    journal.heap.close()
    journal._slots.close(128)
    journal._header.close()
    journal._calls.close(4096 + 2 * 64)
    with Reader(capture) as reader:
        assert reader.socket(1).ended
        assert reader.nth(reader.socket(1), 1) == 1


def test_calls_without_room_are_counted_and_leave_the_rest_whole(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socktui.journal.capture_files.RETRY_SECONDS", 0)
    journal = Journal(capture, ring_size=RING, floor=0)
    entries = [journal.entry(), journal.entry()]
    while 4096 + journal.count * 64 < journal._calls.size:
        journal.append_transfer(entries[journal.count % 2], Function.RECV, 1, 2, 0, 1, 1)
    fits = journal.count
    full = True
    grow = journal._calls.grow

    def maybe() -> None:
        if full:
            raise OSError(28, "No space left on device")
        grow()

    monkeypatch.setattr(journal._calls, "grow", maybe)
    journal.append_transfer(entries[0], Function.RECV, 1, 2, 0, 1, 1)
    journal.append_call(entries[1], Function.SHUTDOWN, 1, 2, 0, args=("SHUT_WR",))
    full = False
    journal.append_transfer(entries[0], Function.RECV, 1, 2, 0, 1, 1)
    journal.append_call(entries[1], Function.CLOSE, 9, 10, 0)
    journal.close()
    with Reader(capture) as reader:
        assert reader.count == fits + 2
        assert reader.health.lost_calls == 2
        for number in (1, 2):
            socket = reader.socket(number)
            mine = [seq for seq in range(reader.count) if reader.call(seq).socket == number]
            assert socket.calls == len(mine)
            assert [reader.nth(socket, n) for n in range(len(mine) - 50, len(mine))] == mine[-50:]
        assert reader.socket(1).received == fits // 2 + 2
        assert reader.socket(2).ended == 9
