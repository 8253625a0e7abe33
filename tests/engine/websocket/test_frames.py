"""Frames that come in: what is right, what is wrong, and how early that is told."""

import itertools
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.engine.websocket.frames import (
    FRAGMENTS_MAX,
    MESSAGE_MAX,
    FrameReader,
    Inflater,
    Message,
    Violation,
    close_of,
)
from tests.engine.websocket.cases import RIGHT, WRONG, Right, Wrong
from tests.engine.websocket.wire import HELLO, bomb, deflated, fragments, frame
from tests.support import resident_mib


def reader(*, deflate: bool = False, takeover: bool = True) -> FrameReader:
    return FrameReader(masked=True, inflater=Inflater(15, takeover=takeover) if deflate else None)


def cut(wire: bytes, size: int) -> list[bytes]:
    return [wire[at : at + size] for at in range(0, len(wire), size)]


def read(frames: FrameReader, pieces: list[bytes]) -> list[Message]:
    """What the pieces bring up to the first close, whose payload is looked at as well."""
    messages: list[Message] = []
    for message in itertools.chain.from_iterable(map(frames.feed, pieces)):
        messages.append(message)
        if message.kind == "close":
            close_of(message.data)
            break
    return messages


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_what_is_wrong_is_told_as_soon_as_it_is_there(case: Wrong, size: int) -> None:
    with pytest.raises(Violation) as told:
        read(reader(deflate=case.deflate), cut(case.wire, size))
    assert told.value.code == case.code
    assert 0 < len(told.value.reason) <= 100
    assert told.value.reason.isascii()


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_what_is_right_comes_whole(case: Right, size: int) -> None:
    messages = read(reader(deflate=case.deflate), cut(case.wire, size))
    assert [(message.kind, message.data) for message in messages] == list(case.messages)


def test_a_message_may_be_cut_anywhere() -> None:
    wire = (
        fragments(1, [HELLO[:5], HELLO[5:6], HELLO[6:]], reserved=0)
        + frame(9, b"ping")
        + frame(2, bytes(200))
        + frame(1, deflated(HELLO * 30), reserved=4)
    )
    want = read(reader(deflate=True), [wire])
    assert [message.kind for message in want] == ["text", "ping", "binary", "text"]
    for at in range(1, len(wire)):
        assert read(reader(deflate=True), [wire[:at], wire[at:]]) == want


def test_what_stands_before_a_mistake_is_not_lost() -> None:
    frames = reader()
    came = frames.feed(frame(1, b"first") + frame(9, b"second") + frame(3))
    assert (next(came).data, next(came).data) == (b"first", b"second")
    with pytest.raises(Violation):
        next(came)


def test_a_server_must_not_mask() -> None:
    [message] = FrameReader(masked=False).feed(frame(1, b"clear", key=b""))
    assert message == Message("text", b"clear")
    with pytest.raises(Violation, match="masked"):
        list(FrameReader(masked=False).feed(frame(1, b"masked")))


def test_a_message_as_big_as_there_may_be() -> None:
    assert MESSAGE_MAX == 4 << 20
    data = bytes(range(256)) * (MESSAGE_MAX // 256)
    [message] = read(reader(), cut(frame(2, data), 65536))
    assert message.data == data
    noise = zlib.compress(data)[2:-4] * 40
    noise = (noise * (MESSAGE_MAX // len(noise) + 1))[:MESSAGE_MAX]
    stored = deflated(noise, zlib.compressobj(0, wbits=-15))
    assert len(stored) > MESSAGE_MAX
    [message] = read(reader(deflate=True), cut(frame(2, stored, reserved=4), 65536))
    assert message.data == noise


def test_each_message_may_have_so_many_fragments() -> None:
    most = fragments(2, [b"x"] * FRAGMENTS_MAX)
    assert len(read(reader(), [most, most])) == 2
    with pytest.raises(Violation, match="4096 fragments"):
        read(reader(), [fragments(2, [b"x"] * (FRAGMENTS_MAX + 1))])


def test_a_window_that_is_not_kept() -> None:
    stream = zlib.compressobj(wbits=-15)
    wire = [frame(1, deflated(HELLO, stream), reserved=4) for _ in range(2)]
    assert len(read(reader(deflate=True), wire)) == 2
    with pytest.raises(Violation, match="inflated"):
        read(reader(deflate=True, takeover=False), wire)
    anew = [frame(1, deflated(HELLO), reserved=4) for _ in range(2)]
    assert [message.data for message in read(reader(deflate=True, takeover=False), anew)] == [HELLO, HELLO]


@pytest.mark.parametrize("bits", range(9, 16))
def test_any_window(bits: int) -> None:
    data = HELLO * 3000
    stream = zlib.compressobj(wbits=-bits)
    frames = FrameReader(masked=True, inflater=Inflater(bits, takeover=True))
    wire = b"".join(frame(2, deflated(data, stream), reserved=4) for _ in range(2))
    assert [message.data for message in read(frames, [wire])] == [data, data]


def test_a_bomb_takes_no_memory() -> None:
    payload = bomb(300)
    assert len(payload) < 400_000
    wire = frame(2, payload, reserved=4)
    before = resident_mib(os.getpid(), "VmHWM")
    with pytest.raises(Violation, match="too big"):
        read(reader(deflate=True), [wire])
    assert resident_mib(os.getpid(), "VmHWM") - before < 64


def test_many_last_blocks_cost_little() -> None:
    empty = b"\x03\x00" * 30_000
    [message] = read(reader(deflate=True), [frame(2, empty + deflated(b"x"), reserved=4)])
    assert message.data == b"x"


messages = st.lists(
    st.one_of(
        st.tuples(st.just("text"), st.text(max_size=300).map(str.encode)),
        st.tuples(st.just("binary"), st.binary(max_size=300)),
    ),
    max_size=6,
)


@given(
    messages,
    st.lists(st.integers(0, 300), max_size=4),
    st.integers(1, 50),
    st.booleans(),
    st.binary(min_size=4, max_size=4),
)
def test_messages_come_as_they_were_sent(
    sent: list[tuple[str, bytes]], borders: list[int], size: int, deflate: bool, key: bytes
) -> None:
    stream = zlib.compressobj(wbits=-15)
    wire = b""
    for kind, data in sent:
        payload = deflated(data, stream) if deflate else data
        places = [0, *sorted(min(border, len(payload)) for border in borders), len(payload)]
        pieces = [payload[start:end] for start, end in itertools.pairwise(places)]
        wire += fragments(1 if kind == "text" else 2, pieces, reserved=4 * deflate, key=key)
    came = read(reader(deflate=deflate), cut(wire, size))
    assert [(message.kind, message.data) for message in came] == sent


@given(st.binary(max_size=200), st.booleans())
def test_junk_is_read_or_answered_by_a_close_code(junk: bytes, deflate: bool) -> None:
    codes = set()
    try:
        read(reader(deflate=deflate), cut(junk, 3))
    except Violation as violation:
        codes.add(violation.code)
    assert codes <= {1002, 1007, 1009}
