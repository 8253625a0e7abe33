"""Passing over calls: none in which a match ends is passed over, and a chain is the calls of its socket."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socktui.core.call import Function
from socktui.journal import prefilter
from socktui.journal.matching import Matcher, Pattern
from socktui.journal.prefilter import Chain, Prefilter
from socktui.journal.reader import Reader
from socktui.journal.search import Scope
from tests.journal.steps import LOST, STEPS, Step, Writer, written
from tests.journal.test_search import PATTERNS, naive


@pytest.mark.parametrize("piece", [1 << 20, 16, 3])
def test_no_call_in_which_a_match_ends_is_passed_over(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "PIECE", piece)

    @settings(max_examples=60)
    @given(STEPS, PATTERNS, LOST)
    def check(steps: list[Step], pattern: Pattern, lost: list[tuple[int, int]]) -> None:
        with written(steps, lost) as reader:
            found = list(Prefilter(reader, Matcher(pattern)).calls(0, reader.count, backward=False))
            seqs = [seq for seq in found if seq is not None]
            assert seqs == sorted(set(seqs))
            assert {hit.end.seq for hit in naive(reader, pattern, Scope(layers="all"))} <= set(seqs)
            back = list(Prefilter(reader, Matcher(pattern)).calls(0, reader.count, backward=True))
            assert [seq for seq in back if seq is not None] == seqs[::-1]

    check()


def test_what_has_nothing_to_do_with_a_match_is_passed_over(capture: Path) -> None:
    writer = Writer(capture)
    for i in range(200):
        writer.move(writer.entries[0], Function.RECV, b"needle" if i == 77 else b"hay and hay")
    writer.journal.close()
    with Reader(capture) as reader:
        found = Prefilter(reader, Matcher(Pattern(b"needle"))).calls(0, 200, backward=False)
        assert [seq for seq in found if seq is not None] == [77]


def test_calls_whose_bytes_lie_far_apart_are_read_by_themselves(capture: Path) -> None:
    """Bytes between them that belong to none of them are not read."""
    writer = Writer(capture)
    entry = writer.entries[0]
    writer.move(entry, Function.RECV, b"needle")
    writer._space(1 << 16)
    writer.journal.heap.commit(writer.journal.heap.head + (1 << 16))
    writer.move(entry, Function.RECV, b"needle")
    writer.journal.close()
    with Reader(capture) as reader:
        read: list[int] = []
        heap = reader.heap

        def noting(at: int, length: int, *, rescued: bool = False) -> bytes | None:
            read.append(length)
            return heap(at, length, rescued=rescued)

        reader.heap = noting  # type: ignore[method-assign]
        found = Prefilter(reader, Matcher(Pattern(b"needle"))).calls(0, 2, backward=False)
        assert [seq for seq in found if seq is not None] == [0, 1]
        assert sum(read) == 12


@settings(max_examples=40)
@given(STEPS, st.integers(0, 45))
def test_a_chain_is_the_calls_of_a_socket(steps: list[Step], seq: int) -> None:
    with written(steps) as reader:
        for number in range(1, reader.sockets + 1):
            own = [each for each in range(reader.count) if reader.call(each).socket == number]
            chain = Chain(reader, number)
            assert chain.length == len(own)
            assert chain.first_from(seq) == len([each for each in own if each < seq])
            for start, stop in ((0, len(own)), (len(own) // 3, len(own) // 2)):
                if start < stop:
                    found = list(chain.calls(start, stop, backward=False))
                    assert [each for each in found if each is not None] == own[start:stop]
                    back = [each for each in chain.calls(start, stop, backward=True) if each is not None]
                    assert back == own[start:stop][::-1]
