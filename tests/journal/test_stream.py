"""The bytes of a stream: equal to those of its calls in their order, however they are split, lost, or still coming."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socktui.core.call import Call, Function, Layer
from socktui.journal import stream as streams
from socktui.journal.reader import Reader
from socktui.journal.stream import Piece, Run, Stream, Walk, calls_until, kept
from tests.journal.steps import LOST, STEPS, Step, Writer, lose, written

Byte = bytes | None
"""A byte; None where it was not kept."""

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4)


def own(stream: Stream) -> list[Call]:
    """The calls of a stream, by looking at all there are."""
    return [call for call in map(stream.reader.call, range(stream.reader.count)) if stream.has(call)]


def all_streams(reader: Reader) -> list[Stream]:
    calls = map(reader.call, range(reader.count))
    return list({Stream.of(reader, call): None for call in calls if call.length})


def concatenated(stream: Stream) -> list[Byte]:
    """The bytes of its calls, each as it was kept or not."""
    return [stream.reader.data(call, i, i + 1) for call in own(stream) for i in range(call.length)]


def bytes_of(pieces: list[Piece], offset: int) -> list[Byte]:
    """The bytes of pieces, of which each begins where the one before ends."""
    found: list[Byte] = []
    for start, size, data in pieces:
        assert start == offset + len(found)
        assert size > 0
        assert data is None or len(data) == size
        found += [None] * size if data is None else [data[i : i + 1] for i in range(size)]
    return found


def calls_of(walk: Walk) -> list[Call]:
    return [call for call in walk if call]


def joined(run: Run, *, backward: bool = False) -> list[Byte]:
    parts = [part[1] for part in run if part]
    data = b"".join(parts[::-1] if backward else parts)
    return [data[i : i + 1] for i in range(len(data))]


@pytest.fixture(params=[(64, 1 << 20), (1, 1), (2, 3)])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds of steps and pieces, as they are and so small that they are always reached."""
    steps, piece = request.param
    monkeypatch.setattr(streams, "STEPS", steps)
    monkeypatch.setattr(streams, "PIECE", piece)


@pytest.mark.usefixtures("sizes")
def test_reading_gives_the_bytes_of_the_calls() -> None:
    @settings(max_examples=40)
    @given(STEPS, LOST, RANGES)
    def check(steps: list[Step], lost: list[tuple[int, int]], ranges: list[tuple[int, int]]) -> None:
        with written(steps, lost) as reader:
            for stream in all_streams(reader):
                wanted = concatenated(stream)
                for offset, size in [(0, len(wanted)), (0, 10**9), *ranges]:
                    assert bytes_of(list(stream.read(offset, size)), offset) == wanted[offset : offset + size]

    check()


@pytest.mark.usefixtures("sizes")
def test_the_call_at_an_offset() -> None:
    @settings(max_examples=40)
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        with written(steps) as reader:
            for stream in all_streams(reader):
                calls = own(stream)
                wanted = [call for call in calls for _ in range(call.length)]
                assert [stream.call_at(offset) for offset in range(len(wanted) + 2)] == [*wanted, None, None]
                assert stream.call_at(-1) is None
                if stream.layer is Layer.WIRE:
                    assert stream.end == len(wanted)
                else:
                    assert stream.end in (len(wanted), None)

    check()


@pytest.mark.usefixtures("sizes")
def test_walking_from_any_call_in_both_directions() -> None:
    @settings(max_examples=40)
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        with written(steps) as reader:
            for stream in all_streams(reader):
                calls = own(stream)
                assert calls_of(stream.calls_after()) == calls
                assert calls_of(stream.calls_before()) == calls[::-1]
                for i, call in enumerate(calls):
                    assert calls_of(stream.calls_after(call)) == calls[i + 1 :]
                    assert calls_of(stream.calls_before(call)) == calls[:i][::-1]

    check()


@pytest.mark.usefixtures("sizes")
def test_runs_of_bytes_end_at_borders_and_at_what_was_lost() -> None:
    @settings(max_examples=60)
    @given(STEPS, LOST, st.integers(0, 20))
    def check(steps: list[Step], lost: list[tuple[int, int]], size: int) -> None:
        with written(steps, lost) as reader:
            for stream in all_streams(reader):
                wanted = concatenated(stream)
                for call in own(stream):
                    start, end = call.offset, call.offset + call.length
                    before = joined(stream.run_before(call, size), backward=True)
                    after = joined(stream.run_after(call, size))
                    if call.message:
                        assert not stream.continues(call)
                        assert before == after == []
                        continue
                    assert stream.continues(call) == (start > 0)
                    assert before == _until_lost(wanted[max(0, start - size) : start][::-1])[::-1]
                    assert after == _until_lost(wanted[end : end + size])

    check()


def _until_lost(data: list[Byte]) -> list[Byte]:
    return data[: data.index(None)] if None in data else data


def test_a_stream_grows_with_each_refresh_of_its_reader() -> None:
    @settings(max_examples=30)
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.socktui"
            writer = Writer(path)
            try:
                with Reader(path) as reader:
                    for step in steps:
                        before = {stream: concatenated(stream) for stream in all_streams(reader)}
                        writer.step(step)
                        for stream, wanted in before.items():  # not refreshed: as it was
                            assert bytes_of(list(stream.read(0, 10**9)), 0) == wanted
                            assert calls_of(stream.calls_before()) == own(stream)[::-1]
                        reader.refresh()
                        for stream in all_streams(reader):
                            wanted = concatenated(stream)
                            assert bytes_of(list(stream.read(0, 10**9)), 0) == wanted
                            assert wanted[: len(before.get(stream, []))] == before.get(stream, [])
                            assert (
                                calls_until(reader, stream.socket, reader.count) == reader.socket(stream.socket).calls
                            )
            finally:
                writer.journal.close()

    check()


def test_a_call_that_could_not_be_recorded_is_a_piece_without_data(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(capture)
    entry = writer.entries[0]

    def unrecorded(data: bytes) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(writer.journal._calls, "size", 0)
            patched.setattr(writer.journal, "_more_calls", lambda: False)
            writer.move(entry, Function.RECV, data)

    unrecorded(b"??")
    writer.move(entry, Function.RECV, b"abc")
    unrecorded(b"????")
    writer.move(entry, Function.RECV, b"de")
    unrecorded(b"?")
    writer.journal.close()
    with Reader(capture) as reader:
        stream = Stream(reader, 1, sends=False)
        assert list(stream.read(0, 100)) == [
            Piece(0, 2, None), Piece(2, 3, b"abc"), Piece(5, 4, None), Piece(9, 2, b"de"),
        ]  # fmt: skip
        assert list(stream.read(1, 2)) == [Piece(1, 1, None), Piece(2, 1, b"a")]
        assert list(stream.read(6, 2)) == [Piece(6, 2, None)]
        assert list(stream.read(11, 5)) == []
        assert [stream.call_at(offset) and offset for offset in range(12)] == [
            None, None, 2, 3, 4, None, None, None, None, 9, 10, None,
        ]  # fmt: skip
        assert stream.end == 12
        assert list(stream.run_before(reader.call(1), 9)) == []
        assert list(stream.run_after(reader.call(0), 9)) == []


def test_lost_ranges_are_pieces_without_data(capture: Path) -> None:
    writer = Writer(capture)
    at = writer.move(writer.entries[0], Function.RECV, b"0123456789")
    writer.move(writer.entries[0], Function.RECV, b"abc")
    writer.journal.close()
    lose(capture, [(at + 2, 3), (at + 9, 2)])
    with Reader(capture) as reader:
        stream = Stream(reader, 1, sends=False)
        assert kept(reader, reader.call(0), 0, 10) == [(0, 2), (5, 9)]
        assert list(stream.read(0, 13)) == [
            Piece(0, 2, b"01"), Piece(2, 3, None), Piece(5, 4, b"5678"), Piece(9, 1, None),
            Piece(10, 1, None), Piece(11, 2, b"bc"),
        ]  # fmt: skip
        assert list(stream.read(3, 4)) == [Piece(3, 2, None), Piece(5, 2, b"56")]


def test_messages_keep_their_borders(capture: Path) -> None:
    """Offsets count on from datagram to datagram, and yet each is a piece of its own that nothing continues."""
    writer = Writer(capture)
    for data in (b"one", b"", b"two"):
        writer.carry(writer.entries[2], Function.RECVFROM, data)
    writer.journal.close()
    with Reader(capture) as reader:
        stream = Stream(reader, 3, sends=False)
        assert list(stream.read(0, 9)) == [Piece(0, 3, b"one"), Piece(3, 3, b"two")]
        assert stream.end == 6
        last = stream.call_at(3)
        assert last
        assert last.seq == 2
        assert not stream.continues(last)
        assert stream.bytes_before(last, 3) == b""


def test_walks_say_how_far_they_have_come(capture: Path) -> None:
    """After each STEPS calls in a row that belong to other streams."""
    writer = Writer(capture)
    entry = writer.entries[0]
    writer.move(entry, Function.RECV, b"nee")
    writer.move(entry, Function.RECV, b"dle")
    for _ in range(3 * streams.STEPS):
        writer.move(entry, Function.SEND, b"-")
    writer.move(entry, Function.RECV, b"!")
    writer.journal.close()
    with Reader(capture) as reader:
        stream = Stream(reader, 1, sends=False)
        first, last = reader.call(0), reader.call(reader.count - 1)
        back, on = list(stream.calls_before(last)), list(stream.calls_after(first))
        assert [call and call.seq for call in back] == [None, None, None, 1, 0]
        assert [call and call.seq for call in on] == [1, None, None, None, last.seq]
        assert stream.bytes_before(last, 3) == b""
        assert stream.bytes_before(reader.call(1), 2) == b"ee"
        assert joined(stream.run_before(last, 3), backward=True) == [b"d", b"l", b"e"]


def test_the_end_above_the_wire_is_known_while_it_is_near(capture: Path) -> None:
    for between, end in ((streams.STEPS - 1, 5), (streams.STEPS, None)):
        path = capture.with_name(f"{between}.socktui")
        writer = Writer(path)
        entry = writer.entries[3]
        writer.carry(entry, Function.SSL_READ, b"clear")
        for _ in range(between):
            writer.carry(entry, Function.RECV, b"-")
        writer.journal.close()
        with Reader(path) as reader:
            assert Stream(reader, 4, sends=False, layer=Layer.TLS).end == end
            assert Stream(reader, 4, sends=False).end == between


def test_a_socket_that_made_no_call_has_empty_streams(capture: Path) -> None:
    writer = Writer(capture)
    writer.move(writer.entries[0], Function.RECV, b"of another")
    writer.journal.close()
    with Reader(capture) as reader:
        for layer in Layer:
            stream = Stream(reader, 2, sends=True, layer=layer)
            assert list(stream.calls_before()) == list(stream.calls_after()) == []
            assert list(stream.read(0, 9)) == []
            assert stream.end == 0
            assert stream.call_at(0) is None


def test_a_look_up_by_offset_takes_steps_with_the_logarithm(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the calls of both directions alternate; a long row of others is gone over once and no more."""
    writer = Writer(capture)
    entry = writer.entries[0]
    many = 5000
    for _ in range(many):
        writer.move(entry, Function.RECV, b"in")
        writer.move(entry, Function.SEND, b"out")
    writer.move(entry, Function.RECV, b"in")
    for _ in range(1000):
        writer.move(entry, Function.SEND, b"out")
    writer.move(entry, Function.RECV, b"in")
    writer.journal.close()
    with Reader(capture) as reader:
        looked: list[int] = []
        call = reader.call

        def noting(seq: int) -> Call:
            looked.append(seq)
            return call(seq)

        monkeypatch.setattr(reader, "call", noting)
        stream = Stream(reader, 1, sends=False)
        for n in (0, 1, many // 3, many - 1, many, many + 1):
            looked.clear()
            found = stream.call_at(2 * n + 1)
            assert found
            assert found.offset == 2 * n
            assert len(looked) == len(set(looked))
            assert len(looked) <= (2 * 16 if n < many - 1 else 2 * 16 + 1000)


def test_reading_takes_memory_of_a_piece_and_no_more_calls_than_are_read(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PIECE", 1000)
    writer = Writer(capture)
    for _ in range(20):
        writer.move(writer.entries[0], Function.RECV, bytes(5000))
    writer.journal.close()
    with Reader(capture) as reader:
        pieces = Stream(reader, 1, sends=False).read(4500, 90_000)
        assert next(pieces) == Piece(4500, 500, bytes(500))
        assert {piece.size for piece in pieces} == {1000, 500}


def test_a_damaged_link_ends_a_walk(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(capture)
    for _ in range(5):
        writer.move(writer.entries[0], Function.RECV, b"abc")
    writer.journal.close()
    with Reader(capture) as reader:
        monkeypatch.setattr(reader, "nth", lambda socket, n: 2)
        stream = Stream(reader, 1, sends=False)
        assert [call and call.seq for call in stream.calls_after()] == [2]
