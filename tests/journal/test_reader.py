"""What is written comes back: calls, bytes, sockets, notes, and what this version does not know."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socktui.core.call import Call, Function, Layer
from socktui.core.note import Note
from socktui.core.sockets import End, Role, Socket, State
from socktui.journal import format
from socktui.journal.matching import Pattern
from socktui.journal.reader import Reader
from socktui.journal.search import Scope, Search
from socktui.journal.writer import Clocks, Journal
from tests.journal.writing import RING, Told, accepted, called, folded, left_behind, moved, random_capture, small

VERSION_1 = Path(__file__).parent / "data/version1"
"""A capture that version 1 of the format wrote: a listener, a client and its other end, a WebSocket, a UDP server."""

ONCE_PER_EXAMPLE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
NO_CALL_TELLS = {"service", "scheme", "again", "linger_zero", "above", "pid"}


def as_told(call: Call) -> Call:
    """The bytes of a call that carries none may be said to be anywhere."""
    return Call(**{**{name: getattr(call, name) for name in Call.__slots__}, "at": call.at if call.length else 0})


def check(reader: Reader, told: Told) -> None:
    assert [as_told(reader.call(seq)) for seq in range(reader.count)] == [as_told(call) for call in told.calls]
    assert {seq: reader.data(reader.call(seq)) for seq in told.data} == told.data
    for number, by_fold in enumerate(folded(reader), 1):
        by_slot = reader.socket(number)
        for name in Socket.__slots__:
            if name not in NO_CALL_TELLS:
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


# What this version does not know


def without_slots(capture: Path) -> None:
    """Damage all slots: sockets are made again from the calls."""
    slots = capture / "sockets"
    slots.write_bytes(bytes(slots.stat().st_size))


def newer_capture(path: Path) -> None:
    """A capture with a function and a layer that have no name here."""
    told = Told()
    journal = Journal(path, ring_size=RING, floor=0, clocks=Clocks(0, 0))
    entry = journal.entry()
    called(journal, told, entry, Function.SOCKET, 5, args=("AF_INET", "SOCK_STREAM", 0))
    called(journal, told, entry, Function.CONNECT, 0, args=(["127.0.0.1", 5005],))
    moved(journal, told, entry, Function.SEND, b"before")
    journal.append(entry, Call(0, 3, 4, 0, Function(24), 3, size=9, args=("x", 1), answer="y", layer=Layer(9)), b"abc")
    journal.append(entry, Call(0, 4, 4, 0, Function(99), -1, 104, layer=Layer.TLS))
    journal.append(entry, Call(0, 5, 4, 0, Function.RECV, 2, size=9, layer=Layer(9)), b"de")
    moved(journal, told, entry, Function.SEND, b"after")
    journal.close()


@pytest.mark.parametrize("rebuilt", [False, True])
def test_what_has_no_name_here_keeps_its_number_and_does_nothing(capture: Path, rebuilt: bool) -> None:
    newer_capture(capture)
    if rebuilt:
        without_slots(capture)
    with Reader(capture) as reader:
        unknown = reader.call(3)
        assert (int(unknown.name), str(unknown.name)) == (24, "function 24")
        assert (int(unknown.layer), str(unknown.layer)) == (9, "layer 9")
        assert (unknown.result, unknown.size, unknown.args, unknown.answer) == (3, 9, ("x", 1), "y")
        assert (unknown.sends, unknown.receives, unknown.eof, unknown.empty) == (False,) * 4
        assert reader.data(unknown) == b"abc"
        assert str(reader.call(4).name) == "function 99"
        socket = reader.socket(1)
        assert (socket.fd, socket.netid, socket.peer) == (5, "tcp", "127.0.0.1:5005")
        assert (socket.role, socket.state, socket.end) == (Role.CLIENT, State.ESTAB, End.OPEN)
        assert (socket.sent, socket.received, socket.calls, socket.last) == (11, 0, 7, 6)
        assert [reader.nth(socket, n) for n in range(7)] == list(range(7))
        assert reader.call(6).offset == 6


def test_bytes_of_what_is_not_known_belong_to_no_stream(capture: Path) -> None:
    newer_capture(capture)
    with Reader(capture) as reader:

        def found(pattern: bytes) -> list[tuple[int, int]]:
            hits = Search(reader, Pattern(pattern), Scope(None, "all")).forward()
            return [(hit.seq, hit.end.seq) for hit in hits if hit]

        assert found(b"abc") == []
        assert found(b"eaft") == [(2, 6)]  # a match goes on over it


def test_roles_states_and_ends_that_have_no_name_here_are_told_by_their_number(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(whole, path)
    places = format.offsets(format.SLOT_FIELDS)
    slots = bytearray((path / "sockets").read_bytes())
    for name, number in (("role", 77), ("state", 88), ("end", 99)):
        slots[format.SLOT_SIZE + places[name]] = number
    (path / "sockets").write_bytes(slots)
    with Reader(path) as reader:
        socket = reader.socket(2)
        assert [str(each) for each in (socket.role, socket.state, socket.end)] == ["role 77", "state 88", "end 99"]
        assert (socket.why, socket.received) == ("end 99", 13)


def test_a_capture_of_version_1_is_read_as_it_was_written() -> None:
    with Reader(VERSION_1) as reader:
        assert format.U32.unpack_from(reader._header, format.VERSION_AT) == (1,)
        assert (reader.count, reader.sockets, reader.closed_in_order, reader.health.whole) == (26, 6, True, True)
        assert (reader.start_wall, reader.start_monotonic) == (1_767_358_800_000_000_000, 1_000_000_000_000)
        calls = [reader.call(seq) for seq in range(reader.count)]
        assert [str(call.name) for call in calls[:5]] == ["socket", "bind", "listen", "getsockname", "socket"]
        assert {reader.data(call) for call in calls[9:13]} == {b"Hello, World!"}
        assert [str(call.layer) for call in calls[18:21]] == ["wire", "tls", "ws"]
        listener, client, other, websocket, server, peer = (reader.socket(number) for number in range(1, 7))
        assert (listener.role, listener.state, listener.backlog) == (Role.LISTENER, State.LISTEN, 1024)
        assert (client.end, client.errno, client.who, client.insecure) == (
            End.PEER_RESET, 104, "ncat (pid 1234, root)", True,
        )  # fmt: skip
        assert (other.why, other.again, other.parent, other.open) == ("peer FIN", 1, 1, False)
        assert (websocket.scheme, websocket.sent) == ("wss", 10)
        assert (server.netid, peer.parent, peer.peer, peer.received) == ("udp", 5, "127.0.0.1:4001", 5)
        for socket in (listener, client, other, websocket, server, peer):
            owner = (socket.pid, socket.command, socket.pair, socket.pending, socket.pending_since)
            assert owner == (0, "", 0, None, 0)


def test_the_sockets_of_version_1_are_made_again_from_their_calls(tmp_path: Path) -> None:
    path = tmp_path / "c.socktui"
    shutil.copytree(VERSION_1, path)
    with Reader(path) as reader:
        told = [reader.socket(number) for number in range(1, 7)]
    without_slots(path)
    with Reader(path) as reader:
        for was in told:
            now = reader.socket(was.number)
            for name in (
                "number",
                "parent",
                "fd",
                "netid",
                "local",
                "peer",
                "role",
                "state",
                "end",
                "errno",
                "received",
            ):
                assert getattr(now, name) == getattr(was, name), (was.number, name)


# Notes, owners and pending calls


@pytest.mark.parametrize("rebuilt", [False, True])
def test_notes_stand_among_the_calls_and_count_no_bytes(capture: Path, rebuilt: bool) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    called(journal, told, entry, Function.SOCKET, 5, args=("AF_INET", "SOCK_STREAM", 0))
    moved(journal, told, entry, Function.RECV, b"ab")
    held = journal.note(entry, "hold", {"text": "held 2.1 s", "seconds": 2.1}, at=2500)
    remark = journal.note(None, "remark", "look here", at=2600)
    moved(journal, told, entry, Function.RECV, b"cd")
    dropped = journal.note(entry, "drop", {"bytes": 13, "sent": True, "why": None})
    journal.close()
    if rebuilt:
        without_slots(capture)
    with Reader(capture) as reader:
        assert [reader.note(seq) for seq in (2, 3, 5)] == [held, remark, dropped]
        assert held == Note(2, 2500, 1, "hold", {"text": "held 2.1 s", "seconds": 2.1})
        assert (remark.socket, remark.text, dropped.text) == (0, "look here", "drop bytes=13 sent=True why=None")
        call = reader.call(2)
        assert (call.name, call.args, call.answer, call.length) == (Function.NOTE, ("hold",), "held 2.1 s", 0)
        assert (call.failed, call.transfers, call.time) == (False, False, 2500)
        assert reader.data(call) == b""
        socket = reader.socket(1)
        assert (socket.received, socket.calls, socket.last, socket.active) == (4, 5, 5, told.calls[-1].time)
        assert [reader.nth(socket, n) for n in range(5)] == [0, 1, 2, 4, 5]
        assert [reader.before(seq) for seq in (5, 4, 3, 2)] == [4, 2, None, 1]
        assert [reader.call(seq).offset for seq in (1, 4)] == [0, 2]
        with pytest.raises(ValueError, match="1 is a call"):
            reader.note(1)
        with pytest.raises(IndexError):
            reader.note(6)


def test_an_owner_and_a_pair_outlive_the_writer_and_the_slot_s_calls(capture: Path, tmp_path: Path) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    listener, upstream = journal.entry(service="tap"), journal.entry()
    assert listener.socket.pid == os.getpid()
    journal.own(listener, 77, "nginx")
    connection = accepted(journal, told, listener, 6)
    journal.pair(connection, upstream)
    moved(journal, told, connection, Function.RECV, b"ab")
    journal.close()
    cut = tmp_path / "cut.socktui"
    shutil.copytree(capture, cut)
    os.truncate(cut / "calls", format.HEADER_SIZE + format.RECORD_SIZE)
    for path in (capture, cut):
        with Reader(path) as reader:
            found = [reader.socket(number) for number in (1, 2, 3)]
            assert [(each.pid, each.command) for each in found] == [(77, "nginx"), (os.getpid(), ""), (77, "nginx")]
            assert [each.pair for each in found] == [0, 3, 2]


def waiting(reader: Reader) -> tuple[Function | None, int]:
    socket = reader.socket(1)
    return socket.pending, socket.pending_since


def test_a_pending_call_is_shown_until_the_next_one_is_recorded(capture: Path) -> None:
    told = Told()
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    with Reader(capture) as reader:
        assert waiting(reader) == (None, 0)
        journal.pending(entry, Function.ACCEPT, 123)
        assert waiting(reader) == (Function.ACCEPT, 123)
        journal.again(entry)
        journal.note(entry, "remark", "it waits")
        assert waiting(reader) == (Function.ACCEPT, 123)
        called(journal, told, entry, Function.ACCEPT, 6)
        assert waiting(reader) == (None, 0)
        for name in (Function.RECV, Function(24)):
            journal.pending(entry, name, 456)
            assert waiting(reader) == (name, 456)
            journal.append_transfer(entry, Function.RECV, 1, 2, 0, 0, 9)
            assert waiting(reader) == (None, 0)
        journal.pending(entry, Function.CLOSE, 789)
        journal.settled(entry)
        assert waiting(reader) == (None, 0)
    journal.close()


def test_a_killed_writer_s_pending_call_is_still_shown(capture: Path, tmp_path: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry()
    called(journal, Told(), entry, Function.SOCKET, 5)
    journal.pending(entry, Function.RECV, 123)
    killed = tmp_path / "killed.socktui"
    shutil.copytree(capture, killed)
    journal.close()
    for path in (killed, capture):
        with Reader(path) as reader:
            assert waiting(reader) == (Function.RECV, 123)
            assert reader._rebuild()[0].pending is Function.RECV
    os.truncate(killed / "calls", format.HEADER_SIZE)
    with Reader(killed) as reader:
        assert reader._rebuild()[0].pending is None  # of another moment than the calls that are left


def test_small_captures_of_this_version_are_whole(tmp_path: Path) -> None:
    for make, name in ((small, "small.socktui"), (left_behind, "left.socktui")):
        make(tmp_path / name)
        with Reader(tmp_path / name) as reader:
            assert (reader.count, reader.sockets, reader.health.whole) == (8, 2, True)
