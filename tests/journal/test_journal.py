"""What is written comes back: calls, bytes, sockets, and any socket's n-th call."""

import errno as errnos
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socktui.core.call import Call, Function
from socktui.core.sockets import Role, Socket, State
from socktui.journal import format
from socktui.journal.reader import Reader
from socktui.journal.writer import CaptureExists, Journal
from tests.journal.writing import RING, Told, accepted, called, moved, random_capture, small

ONCE_PER_EXAMPLE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def folded(reader: Reader) -> list[Socket]:
    """The sockets, as their calls alone tell."""
    sockets = {number: Socket(number) for number in range(1, reader.sockets + 1)}
    for seq in range(reader.count):
        call = reader.call(seq)
        sockets[call.socket].apply(call)
        if call.made:
            sockets[call.made].accepted(call, sockets[call.socket])
    return list(sockets.values())


def as_told(call: Call) -> Call:
    """The bytes of a call that carries none may be said to be anywhere."""
    return Call(**{**{name: getattr(call, name) for name in Call.__slots__}, "at": call.at if call.length else 0})


def check(reader: Reader, told: Told) -> None:
    assert [as_told(reader.call(seq)) for seq in range(reader.count)] == [as_told(call) for call in told.calls]
    assert {seq: reader.data(reader.call(seq)) for seq in told.data} == told.data
    for number, by_fold in enumerate(folded(reader), 1):
        by_slot = reader.socket(number)
        for name in Socket.__slots__:
            if name not in ("service", "scheme", "again", "linger_zero", "above", "pid"):
                assert getattr(by_slot, name) == getattr(by_fold, name), (number, name)
        mine = [call.seq for call in told.calls if call.socket == number]
        assert [reader.nth(by_slot, n) for n in range(len(mine))] == mine
        assert [reader.rank(seq) for seq in mine] == list(range(len(mine)))
        assert [reader.before(seq) for seq in mine] == ([None, *mine[:-1]] if mine else [])


@ONCE_PER_EXAMPLE
@given(seed=st.integers(0, 1 << 30), calls=st.integers(0, 300))
def test_whatever_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, seed: int, calls: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "c.socktui"
    told = random_capture(path, seed, calls)
    with Reader(path) as reader:
        assert reader.closed_in_order
        assert reader.health.whole
        check(reader, told)


def test_the_ring_wraps_around_many_times(capture: Path) -> None:
    told = random_capture(capture, 1, 3000)
    assert sum(map(len, told.data.values())) > 4 * RING
    with Reader(capture) as reader:
        check(reader, told)


def test_the_same_while_it_is_written(capture: Path) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    with Reader(capture) as reader:
        live = [reader.live]
        listener = journal.entry(service="echo")
        called(journal, told, listener, Function.LISTEN, 0, args=(128,))
        connection = accepted(journal, told, listener, 6)
        assert [reader.refresh(), reader.refresh()] == [True, False]
        check(reader, told)
        moved(journal, told, connection, Function.RECV, b"ping")
        # The socket tells of a call that this reader has not counted yet: it can be looked at all the same.
        assert reader.nth(reader.socket(2), 0) == 2
        for _ in range(50):
            moved(journal, told, connection, Function.SEND, os.urandom(5000))
        reader.refresh()
        check(reader, told)
        journal.close()
        assert [*live, reader.live] == [True, False]
        check(reader, told)
        assert reader.closed_in_order


def test_the_hot_path_does_what_the_slow_one_does(tmp_path: Path) -> None:
    """moved() is call() and Socket.apply() with nothing in between."""
    told = Told()
    journal = Journal(tmp_path / "c.socktui", ring_size=RING, floor=0)
    hot = journal.entry()
    slow = Socket(1, scheme="tcp", pid=os.getpid())
    for turn in range(200):
        name = Function.RECV if turn % 3 else Function.SEND
        moved(journal, told, hot, name, bytes(turn + 1))
        slow.apply(told.calls[-1])
        assert hot.socket == slow
    journal.close()
    with Reader(tmp_path / "c.socktui") as reader:
        assert reader.socket(1) == slow


def test_eagain_is_counted(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    journal.again(entry)
    journal.again(entry)
    journal.close()
    with Reader(capture) as reader:
        assert reader.socket(1).again == 2
        assert reader.count == 0


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


def test_the_numbers_of_the_format_stay(capture: Path) -> None:
    """A capture of today is read by the versions to come: its format is pinned byte by byte."""
    small(capture)
    calls, slots = (capture / "calls").read_bytes(), (capture / "sockets").read_bytes()
    assert calls[:16] == b"socktui\0" + (2).to_bytes(4, "little") + (64).to_bytes(4, "little")
    assert int.from_bytes(calls[16:24], "little") == 8
    assert len(calls) == 4096 + 8 * 64
    assert len(slots) == 2 * 128
    received = calls[4096 + 4 * 64 :][:64]
    assert (received[60], received[61]) == (Function.RECV, 0) == (7, 0)
    assert int.from_bytes(received[36:40], "little") == 2
    assert int.from_bytes(received[48:52], "little") == 13
    at = int.from_bytes(received[8:16], "little")
    assert (capture / "heap").read_bytes()[at : at + 13] == b"Hello, World!"
    assert (slots[128 + 56], slots[128 + 57]) == (Role.ACCEPTED, State.CLOSED) == (3, 8)
    assert format.VERSION == 2


def test_below_the_floor_calls_keep_their_arguments_and_sockets_their_names(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=1 << 62)
    entry = journal.entry(service="echo")
    for turn in range(200):
        journal.append_call(entry, Function.BIND, turn, turn, 0, args=(["127.0.0.1", turn],))
        found = journal.heap.space(2000, reserve=0)
        while found is None:
            found = journal.heap.space(2000, reserve=0)
        at, view = found
        view[:] = bytes(2000)
        journal.heap.commit(at + 2000)
        journal.append_transfer(entry, Function.RECV, turn, turn, at, 2000, 2000)
    journal.close()
    with Reader(capture) as reader:
        assert [reader.call(2 * turn).args for turn in range(200)] == [(["127.0.0.1", turn],) for turn in range(200)]
        assert [reader.data(reader.call(2 * turn + 1)) for turn in range(200)] == [None] * 200
        assert reader.socket(1).local == "127.0.0.1:199"
        assert reader.socket(1).service == "echo"
        assert reader.health.lost_bytes >= 200 * 2000
