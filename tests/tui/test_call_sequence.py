"""Calls by position: all of a capture or one socket's, in bounded memory, as of the last refresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from socktui.core.call import Call, Function
from socktui.journal import stream
from socktui.journal.reader import Reader
from socktui.tui.call_sequence import REMEMBERED, CallSequence
from tests.tui.canned import Canned

MANY = 2 * REMEMBERED


@pytest.fixture(scope="module")
def long_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two connections, in turn."""
    canned = Canned(tmp_path_factory.mktemp("long") / "long.socktui")
    listener = canned.listener()
    pairs = [canned.pair(listener, 50928), canned.pair(listener, 50930)]
    for i in range(MANY):
        canned.say(*pairs[i % 2], b"%07d" % i)
    return canned.close()


@pytest.mark.parametrize("number", [None, 1, 2, 5])
def test_positions_and_calls_are_each_others_inverse(long_capture: Path, number: int | None) -> None:
    with Reader(long_capture) as reader:
        sequence = CallSequence(reader, number)
        assert len(sequence) == (reader.count if number is None else reader.socket(number).calls)
        for position in (0, 1, len(sequence) // 3, len(sequence) - 2, len(sequence) - 1):
            call = sequence.call(position)
            assert sequence.seq(position) == call.seq
            assert sequence.position(call.seq) == position
            assert number in (None, call.socket)


@pytest.mark.parametrize("number", [None, 2])
def test_a_bounded_number_of_things_is_remembered(long_capture: Path, number: int | None) -> None:
    with Reader(long_capture) as reader:
        sequence: Any = CallSequence(reader, number)
        for position in range(len(sequence)):
            sequence.call(position)
            sequence.newest(sequence.call(position))
            assert len(sequence._ends) <= REMEMBERED
        assert len(sequence._seqs) <= REMEMBERED
        assert len(sequence._calls) <= 512


def test_it_grows_at_a_refresh_and_only_then(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    with Reader(capture) as reader:
        sequences = [CallSequence(reader), CallSequence(reader, client.socket.number)]
        lengths = [len(sequence) for sequence in sequences]
        canned.send(client, b"new")
        for sequence in sequences:
            sequence.refresh()  # its reader does not know of the call yet
        assert [len(sequence) for sequence in sequences] == lengths
        reader.refresh()
        for sequence in sequences:
            sequence.refresh()
            assert sequence.call(len(sequence) - 1).name is Function.SEND
        assert [len(sequence) for sequence in sequences] == [length + 1 for length in lengths]
    canned.close()


def test_the_scheme_of_a_socket(capture: Path) -> None:
    canned = Canned(capture)
    canned.stream("wss", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.close()
    with Reader(capture) as reader:
        assert CallSequence(reader).scheme(1) == "wss"


def newest(capture: Path) -> list[Call]:
    """The calls with bytes that are the newest of their stream."""
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        calls = [sequence.call(position) for position in range(len(sequence))]
        return [call for call in calls if call.length and sequence.newest(call)]


def test_the_newest_call_of_a_stream(capture: Path) -> None:
    """Of both directions; every message is, for it is complete."""
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.echo(client, accepted, b"first")
    canned.say(client, accepted, b"second")
    peer = canned.speaker(canned.bound("udp", "127.0.0.1:5006"), "127.0.0.1:4000")
    canned.carry(peer, Function.RECVFROM, b"one")
    canned.carry(peer, Function.RECVFROM, b"two")
    canned.close()
    with Reader(capture) as reader:
        data = [reader.data(call) for call in newest(capture)]
    assert data == [b"first", b"first", b"second", b"second", b"one", b"two"]


def test_above_the_wire_the_newest_is_known_while_it_is_near(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.carry(client, Function.SSL_READ, b"clear")
    for _ in range(stream.STEPS - 1):
        canned.recv(client, b"-")
    canned.close()
    assert [call.name for call in newest(capture)] == [Function.SSL_READ, Function.RECV]
    further = capture.with_name("further.socktui")
    canned = Canned(further)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.carry(client, Function.SSL_READ, b"clear")
    for _ in range(stream.STEPS):
        canned.recv(client, b"-")
    canned.close()
    assert [call.name for call in newest(further)] == [Function.RECV]


def test_what_is_newest_changes_with_a_refresh_that_finds_something(capture: Path) -> None:
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    canned.send(client, b"\xd0")
    with Reader(capture) as reader:
        sequence = CallSequence(reader)
        call = sequence.call(len(sequence) - 1)
        assert sequence.newest(call)
        canned.send(client, b"\x96")
        assert sequence.newest(call)
        reader.refresh()
        assert sequence.newest(call)
        sequence.refresh()
        assert not sequence.newest(call)
    canned.close()
