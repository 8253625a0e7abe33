"""Finding bytes: whatever a plain look through the streams finds, and nothing else, from any place and in both ways."""

import tempfile
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socktui.core.call import Call, Function
from socktui.journal import prefilter, search, stream
from socktui.journal.matching import Pattern
from socktui.journal.reader import Reader
from socktui.journal.search import EVERYTHING, BytePosition, Hit, Hits, Scope, Search
from tests.journal.flood import content
from tests.journal.steps import LOST, SCHEMES, STEPS, Step, Writer, lose, written
from tests.journal.test_live import pouring
from tests.journal.writing import RING
from tests.support import fresh

PATTERNS = st.builds(Pattern, st.text("abA", min_size=1, max_size=5).map(str.encode), st.booleans())
SCOPES = st.builds(
    Scope, st.none() | st.integers(1, len(SCHEMES)), st.sampled_from(["clear", "wire", "all"])
)  # fmt: skip


def naive(reader: Reader, pattern: Pattern, scope: Scope) -> list[Hit]:
    """Every stream as one list of bytes, each with its place, and looked at byte by byte."""
    streams: dict[tuple[object, ...], list[tuple[BytePosition, bytes | None]]] = {}
    for call in (reader.call(seq) for seq in range(reader.count)):
        if scope.has(call):
            border = (call.seq,) if call.message else ()
            stream = streams.setdefault((call.socket, call.sends, call.layer, *border), [])
            stream += ((BytePosition(call.seq, i), reader.data(call, i, i + 1)) for i in range(call.length))
    wanted = [bytes([byte]) for byte in pattern.data]
    found = []
    for stream in streams.values():
        for i in range(len(stream) - len(wanted) + 1):
            part = stream[i : i + len(wanted)]
            if all(_same(byte, want, pattern.ignore_case) for (_, byte), want in zip(part, wanted, strict=True)):
                found.append(Hit(*part[0][0], len(wanted), part[-1][0]))
    return sorted(found, key=lambda hit: hit.end)


def _same(byte: bytes | None, want: bytes, ignore_case: bool) -> bool:
    return byte is not None and (byte == want or (ignore_case and byte.lower() == want.lower()))


def all_of(hits: Hits) -> list[Hit]:
    return [hit for hit in hits if hit is not None]


@pytest.fixture(params=[(1 << 20, 4096, 32), (8, 3, 1000), (3, 2, 1), (64, 5, 2)])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes of pieces and blocks, as they are and so small that there are many borders; chains seldom and often."""
    piece, block, sparse = request.param
    monkeypatch.setattr(prefilter, "PIECE", piece)
    monkeypatch.setattr(search, "PIECE", piece)
    monkeypatch.setattr(search, "BLOCK", block)
    monkeypatch.setattr(search, "CHAINED", block)
    monkeypatch.setattr(search, "SPARSE", sparse)


@pytest.mark.slow
@pytest.mark.usefixtures("sizes")
def test_it_finds_what_is_there() -> None:
    @settings(max_examples=60)
    @given(STEPS, PATTERNS, SCOPES, LOST)
    def check(steps: list[Step], pattern: Pattern, scope: Scope, lost: list[tuple[int, int]]) -> None:
        with written(steps, lost) as reader:
            known = naive(reader, pattern, scope)
            forward = Search(reader, pattern, scope)
            assert all_of(forward.forward()) == known
            assert forward.looked == forward.of
            assert all_of(Search(reader, pattern, scope).backward()) == known[::-1]

    check()


@pytest.mark.usefixtures("sizes")
def test_it_goes_on_from_any_place() -> None:
    @settings(max_examples=60)
    @given(STEPS, PATTERNS, SCOPES, st.integers(0, 40), st.integers(0, 6))
    def check(steps: list[Step], pattern: Pattern, scope: Scope, seq: int, offset: int) -> None:
        place = BytePosition(seq, offset)
        with written(steps) as reader:
            known = naive(reader, pattern, scope)
            one = Search(reader, pattern, scope)
            assert all_of(one.forward(place)) == [hit for hit in known if hit.end > place]
            if seq < reader.count:
                assert all_of(one.backward(place)) == [hit for hit in known if hit.end < place][::-1]

    check()


def test_it_finds_what_comes_while_it_searches() -> None:
    @settings(max_examples=30)
    @given(STEPS, PATTERNS, SCOPES)
    def check(steps: list[Step], pattern: Pattern, scope: Scope) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.socktui"
            writer = Writer(path)
            try:
                with Reader(path) as reader:
                    found: list[Hit] = []
                    for step in steps:
                        writer.step(step)
                        reader.refresh()
                        after = found[-1].end if found else None
                        found += all_of(Search(reader, pattern, scope).forward(after))
                    assert found == naive(reader, pattern, scope)
            finally:
                writer.journal.close()

    check()


def test_a_search_that_is_under_way_goes_on_with_what_has_come(capture: Path) -> None:
    writer = Writer(capture)
    with Reader(capture) as reader:
        for scope in (EVERYTHING, Scope(1)):
            start = reader.count
            for _ in range(3):
                writer.move(writer.entries[0], Function.RECV, b"--needle--")
            reader.refresh()
            hits = (hit for hit in Search(reader, Pattern(b"needle"), scope).forward(BytePosition(start, 0)) if hit)
            assert [hit.seq for hit in islice(hits, 2)] == [start, start + 1]
            writer.move(writer.entries[0], Function.RECV, b"another needle")
            reader.refresh()
            assert [hit.seq for hit in hits] == [start + 2, start + 3]
    writer.journal.close()


@pytest.mark.slow
def test_while_another_process_writes_flat_out(capture: Path) -> None:
    """The newest bytes are found in the ring, and what moves to the disk meanwhile is found there."""
    with pouring(capture, 24, 1 << 18) as writer, Reader(capture) as reader:
        rounds = 0
        while writer.poll() is None:
            reader.refresh()
            last = reader.count - 1
            while last >= 0 and reader.call(last).name is not Function.RECV:
                last -= 1
            if last < 0:
                continue
            call = reader.call(last)
            hits = (hit for hit in Search(reader, Pattern(content(call.size)[:24])).backward() if hit)
            hit = next(hits)
            assert reader.call(hit.seq).size == call.size
            rounds += 1
        assert rounds > 5
        fresh(reader)
        wanted = [call for call in map(reader.call, range(0, reader.count, 997)) if call.name is Function.RECV]
        for call in wanted:
            pattern = Pattern(content(call.size)[:32])
            assert call.seq in [hit.seq for hit in all_of(Search(reader, pattern).forward())]


def test_matches_in_a_call_of_many_pieces(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (search, prefilter):
        monkeypatch.setattr(module, "PIECE", 4096)
    data = bytearray(RING // 2)
    places = [0, 4090, 4094, 8191, 8192, 70_000, len(data) - 6]
    for at in places[::-1]:
        data[at : at + 6] = b"nEEdle"
    found = [at for at in range(len(data)) if data[at : at + 6] == b"nEEdle"]
    writer = Writer(capture)
    writer.move(writer.entries[0], Function.RECV, bytes(data))
    writer.journal.close()
    with Reader(capture) as reader:
        one = Search(reader, Pattern(b"NEEDLE", ignore_case=True))
        assert [hit.offset for hit in all_of(one.forward())] == found
        assert [hit.offset for hit in all_of(one.backward())] == found[::-1]
    assert len(found) >= 5


def test_the_way_to_the_call_before_is_cut_into_steps(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two calls of a stream may stand any number of others."""
    monkeypatch.setattr(stream, "STEPS", 10)
    writer = Writer(capture)
    entry = writer.entries[0]
    writer.move(entry, Function.RECV, b"nee")
    for _ in range(100):
        writer.move(entry, Function.SEND, b"xyz")
    writer.move(entry, Function.RECV, b"dle")
    writer.journal.close()
    with Reader(capture) as reader:
        items = list(Search(reader, Pattern(b"needle")).forward())
        assert [item for item in items if item] == [Hit(0, 0, 6, BytePosition(101, 2))]
        assert items.count(None) >= 10


def test_bytes_between_that_are_missing_break_a_stream(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that could not be recorded leaves a gap in the offsets."""
    writer = Writer(capture)
    entry = writer.entries[0]
    writer.move(entry, Function.RECV, b"nee")
    with monkeypatch.context() as patched:
        patched.setattr(writer.journal, "_append", lambda *args: False)
        writer.move(entry, Function.RECV, b"d")
    writer.move(entry, Function.RECV, b"dle")
    writer.journal.close()
    with Reader(capture) as reader:
        assert all_of(Search(reader, Pattern(b"needle")).forward()) == []


def test_a_lost_byte_in_the_midst_of_a_call_breaks_a_stream(capture: Path) -> None:
    """Though of the call before the last bytes were kept, and all of the one before that."""
    writer = Writer(capture)
    entry = writer.entries[0]
    writer.move(entry, Function.RECV, b"nee")
    at = writer.move(entry, Function.RECV, b"-d")
    writer.move(entry, Function.RECV, b"le")
    writer.journal.close()
    lose(capture, [(at, 1)])
    with Reader(capture) as reader:
        assert all_of(Search(reader, Pattern(b"needle")).forward()) == []
        assert [hit.seq for hit in all_of(Search(reader, Pattern(b"dle")).forward())] == [1]


@pytest.mark.usefixtures("sizes")
def test_the_covered_bytes_are_those_of_all_matches() -> None:
    @settings(max_examples=60)
    @given(STEPS, PATTERNS, SCOPES, LOST, st.integers(0, 5), st.integers(1, 6))
    def check(
        steps: list[Step], pattern: Pattern, scope: Scope, lost: list[tuple[int, int]], start: int, size: int
    ) -> None:
        with written(steps, lost) as reader:
            wanted = {position for hit in naive(reader, pattern, scope) for position in bytes_of(reader, hit)}
            one = Search(reader, pattern, scope)
            for call in map(reader.call, range(reader.count)):
                first, stop = min(start, call.length), min(start + size, call.length)
                spans = one.covered(call, first, stop)
                assert [i for a, b in spans for i in range(a, b)] == [
                    i for i in range(first, stop) if BytePosition(call.seq, i) in wanted
                ]
                assert all(a < b for a, b in spans)

    check()


def bytes_of(reader: Reader, hit: Hit) -> list[BytePosition]:
    """The bytes of a match, from its last backwards over the calls of its stream."""
    seq, offset = hit.end
    found = [hit.end]
    last = reader.call(seq)
    while len(found) < hit.length:
        offset -= 1
        while offset < 0:
            seq -= 1
            call = reader.call(seq)
            if call.length and (call.socket, call.sends, call.layer) == (last.socket, last.sends, last.layer):
                offset = call.length - 1
        found.append(BytePosition(seq, offset))
    assert found[-1] == (hit.seq, hit.offset)
    return found


def test_what_is_covered_goes_no_further_than_a_bounded_number_of_calls(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STEPS", 10)
    writer = Writer(capture)
    entry = writer.entries[0]
    for between in (9, 10):
        writer.move(entry, Function.RECV, b"nee")
        for _ in range(between):
            writer.move(entry, Function.SEND, b"xyz")
        writer.move(entry, Function.RECV, b"dle")
    writer.journal.close()
    with Reader(capture) as reader:
        one = Search(reader, Pattern(b"needle"))
        assert [one.covered(reader.call(seq), 0, 3) for seq in (0, 10, 11, 22)] == [[(0, 3)], [(0, 3)], [], []]
        assert len(all_of(one.forward())) == 2


def test_a_chain_looks_only_at_the_calls_of_its_socket(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(capture)
    for i in range(500):
        writer.move(writer.entries[i % 100 == 7], Function.RECV, b"needle")
    writer.journal.close()
    looked: list[int] = []
    with Reader(capture) as reader:
        call = reader.call

        def noting(seq: int) -> Call:
            looked.append(seq)
            return call(seq)

        monkeypatch.setattr(reader, "call", noting)
        one = Search(reader, Pattern(b"needle"), Scope(2))
        assert [hit.seq for hit in all_of(one.forward())] == [7, 107, 207, 307, 407]
        assert (one.looked, one.of) == (5, 5)
        assert set(looked) == {7, 107, 207, 307, 407}


def test_a_search_tells_how_far_it_is(capture: Path) -> None:
    writer = Writer(capture)
    for _ in range(3 * prefilter.BLOCK):
        writer.move(writer.entries[0], Function.RECV, b"a")
    writer.journal.close()
    with Reader(capture) as reader:
        one = Search(reader, Pattern(b"b"))
        told = [(one.looked, one.of) for _ in one.forward()]
        assert told == sorted(told)
        assert len(set(told)) == 3
        assert (one.looked, one.of) == (3 * prefilter.BLOCK, 3 * prefilter.BLOCK)


def test_the_longest_pattern_over_calls_of_a_byte(capture: Path) -> None:
    writer = Writer(capture)
    pattern = bytes(i * i % 251 for i in range(300))
    for byte in b"xx" + pattern + b"xx":
        writer.move(writer.entries[0], Function.SEND, bytes([byte]))
    writer.journal.close()
    with Reader(capture) as reader:
        assert all_of(Search(reader, Pattern(pattern)).forward()) == [Hit(2, 0, 300, BytePosition(301, 0))]
