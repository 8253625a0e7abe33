"""The door to the journal, and the forms of it that an engine uses."""

import errno as errnos
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socktui.core.call import TRANSFERS, Call, Function, Layer
from socktui.core.sockets import Role, Socket
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import DETAILS_ROOM, Clocks, Journal
from tests.journal.writing import RING, Told, called, moved

LAST_YEAR = Clocks(1_735_830_000_000_000_000, 5_000_000_000)


# The door


def test_a_call_is_recorded_as_it_is_told(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry(scheme="wss")
    told = Call(
        99, 1000, 2500, 77, Function.WS_RECV, 9, 0, 4096, ("text", 1), ["::1", 80], made=3, via=4,
        layer=Layer.WS, under=True, message=True, offset=8, at=7, length=6,
    )  # fmt: skip
    first = journal.append(entry, told, b"Hello")
    second = journal.append(entry, replace(told, answer=None), b"World!")
    journal.close()
    assert first == replace(told, seq=0, socket=1, offset=0, at=first.at, length=5)
    assert second == replace(told, seq=1, socket=1, offset=5, at=second.at, length=6, answer=None)
    with Reader(capture) as reader:
        assert [reader.call(0), reader.call(1)] == [first, second]
        assert [reader.data(first), reader.data(second)] == [b"Hello", b"World!"]
        assert reader.socket(1) == entry.socket


def test_an_importer_tells_of_a_capture_that_began_last_year(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0, clocks=LAST_YEAR)
    now = LAST_YEAR.monotonic_ns
    listener = journal.entry(service="echo")
    journal.append(listener, Call(0, now, 10, 0, Function.SOCKET, 5, args=("AF_INET", "SOCK_STREAM", 0)))
    answer: list[str | int] = ["127.0.0.1", 50000]
    accept = Call(0, now + 20, 10, 0, Function.ACCEPT, 6, answer=answer, made=journal.next_socket)
    connection = journal.entry(listener, journal.append(listener, accept))
    journal.append(connection, Call(0, now + 40, 10, 0, Function.RECV, 5, size=20), b"Hello")
    bound = journal.entry(scheme="udp")
    journal.append(bound, bound.classify(Call(0, now + 60, 10, 0, Function.SOCKET, 7, args=("AF_INET", "SOCK_DGRAM"))))
    peer = journal.peer(bound, "127.0.0.1:4000", now + 70, asked=False)
    datagram = Call(0, now + 70, 10, 0, Function.RECVFROM, 2, size=9, answer=["127.0.0.1", 4000], via=3)
    journal.append(peer, peer.classify(datagram), b"Hi")
    journal.close()
    with Reader(capture) as reader:
        assert (reader.start_wall, reader.start_monotonic) == (LAST_YEAR.wall_ns, LAST_YEAR.monotonic_ns)
        assert reader.meta["started"].startswith("2025-01-02T15:00:00")
        _, accepted, _, other = (reader.socket(number) for number in range(1, 5))
        assert (accepted.role, accepted.peer, accepted.born) == (Role.ACCEPTED, "127.0.0.1:50000", now + 20)
        assert (other.parent, other.peer, other.received, other.netid) == (3, "127.0.0.1:4000", 2, "udp")
        assert [reader.call(seq).time - now for seq in range(reader.count)] == [0, 20, 40, 60, 70]
        assert reader.call(4).message
        assert [reader.socket(number).pid for number in range(1, 5)] == [0] * 4


def test_it_waits_for_the_disk_without_asking_again_and_again(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    space = journal.heap.space
    asked, waited = [], []

    def behind(size: int, **reserve: int) -> tuple[int, memoryview] | None:
        asked.append(size)
        return None if len(asked) < 4 else space(size, **reserve)

    def when_room(tell: object) -> None:
        waited.append(tell)
        threading.Timer(0.01, tell).start()  # type: ignore[arg-type]

    monkeypatch.setattr(journal.heap, "space", behind)
    monkeypatch.setattr(journal.heap, "when_room", when_room)
    call = moved(journal, Told(), entry, Function.RECV, b"Hello")
    assert (asked, len(waited)) == ([5] * 4, 3)
    journal.close()
    with Reader(capture) as reader:
        assert reader.data(call) == b"Hello"


def test_a_disk_that_hangs_is_given_up(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socktui.journal.writer.APPEND_SECONDS", 0.01)
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    monkeypatch.setattr(journal.heap, "space", lambda size, **_: None)
    with pytest.raises(TimeoutError, match=r"the disk took nothing for 0\.01 s"):
        moved(journal, Told(), entry, Function.RECV, b"Hello")
    monkeypatch.undo()
    assert journal.count == 0
    journal.close()


def test_the_largest_call_fits_wherever_the_ring_is(capture: Path) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    for turn in range(12):
        moved(journal, told, entry, Function.RECV, bytes([turn]) * (1 + 5003 * turn))
        moved(journal, told, entry, Function.RECV, bytes([turn]) * journal.largest)
    with pytest.raises(ValueError, match="in one call: the ring of this capture takes"):
        moved(journal, told, entry, Function.RECV, bytes(journal.largest + 1))
    journal.close()
    with Reader(capture) as reader:
        assert reader.count == 24
        assert {seq: reader.data(reader.call(seq)) for seq in told.data} == told.data


def test_a_call_without_room_on_the_disk_is_counted_and_raised(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    called(journal, Told(), entry, Function.SOCKET, 5)
    monkeypatch.setattr(journal._calls, "size", 0)
    monkeypatch.setattr(journal._calls, "grow", lambda: (_ for _ in ()).throw(OSError(errnos.ENOSPC, "")))
    with pytest.raises(OSError, match="No space left on device"):
        moved(journal, Told(), entry, Function.RECV, b"Hello")
    monkeypatch.undo()
    call = moved(journal, Told(), entry, Function.RECV, b"World")
    journal.close()
    with Reader(capture) as reader:
        assert (reader.count, reader.health.lost_calls) == (2, 1)
        socket = reader.socket(1)
        assert (socket.calls, socket.last, socket.received, call.offset) == (2, 1, 10, 5)


# The forms of an engine do the same

SOME = st.lists(
    st.tuples(
        st.sampled_from(sorted(set(Function) - {Function.NOTE})),
        st.binary(min_size=1, max_size=40),
        st.sampled_from([0, 0, 0, errnos.EAGAIN, errnos.ECONNRESET]),
        st.booleans(),
    ),
    max_size=40,
)


def by_the_door(journal: Journal, entry: Entry, name: Function, data: bytes, errno: int, talks: bool) -> None:
    began = 10 * journal.count
    args = ("x",) if talks else ()
    if name in TRANSFERS and not errno:
        call = Call(0, began, 9, 0, name, len(data), size=50, args=args)
        journal.append(entry, entry.classify(call), data)
    else:
        call = Call(0, began, 9, 0, name, -1 if errno else 0, errno, 7, args, "y" if talks else None, 2, via=3)
        journal.append(entry, entry.classify(call))


def by_the_engine_s_forms(journal: Journal, entry: Entry, name: Function, data: bytes, errno: int, talks: bool) -> None:
    began = 10 * journal.count
    args = ("x",) if talks else ()
    if name not in TRANSFERS or errno:
        result, answer = -1 if errno else 0, "y" if talks else None
        journal.append_call(
            entry, name, began, began + 9, result, errno, size=7, args=args, answer=answer, made=2, via=3
        )
        return
    found = journal.heap.space(len(data) + DETAILS_ROOM)
    assert found is not None
    at, view = found
    view[: len(data)] = data
    if talks:
        journal.append_message(entry, name, began, began + 9, at, view, len(data), 50, args=args)
    else:
        journal.heap.commit(at + len(data))
        journal.append_transfer(entry, name, began, began + 9, at, len(data), 50)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some=SOME)
def test_all_forms_write_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[Function, bytes, int, bool]]
) -> None:
    written = []
    for way in (by_the_door, by_the_engine_s_forms):
        path = tmp_path_factory.mktemp("journal") / "c.socktui"
        journal = Journal(path, ring_size=RING, floor=0, clocks=LAST_YEAR)
        entry = journal.entry(scheme="wss")
        for each in some:
            way(journal, entry, *each)
        journal.close()
        written.append([(path / name).read_bytes() for name in ("calls", "sockets", "heap")])
    assert written[0] == written[1]


def test_the_hot_path_does_what_the_slow_one_does(tmp_path: Path) -> None:
    """append_transfer() is append() and Socket.apply() with nothing in between."""
    journal = Journal(tmp_path / "c.socktui", ring_size=RING, floor=0)
    hot = journal.entry()
    slow = Socket(1, scheme="tcp", pid=os.getpid())
    for turn in range(200):
        name = Function.RECV if turn % 3 else Function.SEND
        journal.append_transfer(hot, name, turn, turn + 5, 0, turn + 1, 300)
        slow.apply(Call(turn, turn, 5, 1, name, turn + 1, size=300, length=turn + 1))
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


def test_below_the_floor_calls_keep_their_arguments_and_sockets_their_names(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=1 << 62)
    entry = journal.entry(service="echo")
    for turn in range(200):
        called(journal, Told(), entry, Function.BIND, 0, args=(["127.0.0.1", turn],))
        moved(journal, Told(), entry, Function.RECV, bytes(2000))
    journal.close()
    with Reader(capture) as reader:
        assert [reader.call(2 * turn).args for turn in range(200)] == [(["127.0.0.1", turn],) for turn in range(200)]
        assert [reader.data(reader.call(2 * turn + 1)) for turn in range(200)] == [None] * 200
        assert reader.socket(1).local == "127.0.0.1:199"
        assert reader.socket(1).service == "echo"
        assert reader.health.lost_bytes >= 200 * 2000


def test_details_that_found_no_room_are_counted(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    monkeypatch.setattr(journal.heap, "keep", lambda data: None)
    journal.append_call(entry, Function.BIND, 1, 2, 0, args=(["127.0.0.1", 5005],))
    monkeypatch.undo()
    journal.close()
    with Reader(capture) as reader:
        assert reader.call(0).args == ()
        assert reader.health.lost_calls == 1
        assert not reader.health.whole


# Notes


def test_a_note_of_too_much_or_of_no_json_is_refused(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    for fields, why in (
        ({"text": "x" * 70_000}, "there is room for 65535"),
        ({"kind": "drop"}, "the kind of a note is no field of it: 'drop'"),
        ({"seconds": float("nan")}, "not JSON compliant"),
    ):
        with pytest.raises(ValueError, match=why):
            journal.note(None, "hold", fields)
    assert journal.count == 0
    journal.close()


def test_a_note_that_found_no_room_is_counted_and_kept_without_its_words(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    monkeypatch.setattr(journal.heap, "keep", lambda data: None)
    journal.note(entry, "hold", "held 2.1 s")
    monkeypatch.undo()
    journal.close()
    with Reader(capture) as reader:
        assert (reader.note(0).kind, reader.note(0).text, reader.socket(1).calls) == ("", "", 1)
        assert reader.health.lost_calls == 1
