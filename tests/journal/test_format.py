"""The format of a capture: what the docstring says is what is written, and its numbers stay."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.call import Function
from socktui.core.note import Field
from socktui.core.sockets import End, Role, Socket, State
from socktui.journal import format
from tests.journal.writing import small

_FIELD = re.compile(r"(?<![\d\w])(\d+)  (8s|[ui](?:8|16|32|64)|f32) {2,3}(\w+)")
_CODES = {"8s": "8s", "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "f32": "f"}


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("The header of `calls`\n", format.HEADER_FIELDS),
        ("A record of `calls`\n", format.RECORD_FIELDS),
        ("A slot of `sockets`\n", format.SLOT_FIELDS),
    ],
)
def test_the_docstring_says_what_is_so(part: str, fields: dict[str, str]) -> None:
    assert format.__doc__
    text = format.__doc__.split(part)[1].split("\n\n")[0]
    said = {name: (int(at), _CODES[kind]) for at, kind, name in _FIELD.findall(text)}
    assert said == {name: (at, fields[name]) for name, at in format.offsets(fields).items()}


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


@given(
    st.builds(
        Socket,
        number=st.just(1),
        role=st.integers(0, 255).map(Role),
        state=st.integers(0, 255).map(State),
        end=st.integers(0, 255).map(End),
        fd=st.integers(-1, 1 << 20),
        pid=st.integers(0, 1 << 22),
        pair=st.integers(0, 1 << 31),
        pending=st.none() | st.integers(1, 255).map(Function),
        pending_since=st.integers(1, 1 << 62),
        calls=st.integers(0, 1 << 31),
        born=st.integers(0, 1 << 62),
        peer=st.text(max_size=30),
        command=st.text(max_size=30),
        insecure=st.booleans(),
    )
)
def test_a_slot_tells_all_of_a_socket(socket: Socket) -> None:
    if socket.pending is None:
        socket.pending_since = 0
    slot = bytearray(format.SLOT_SIZE)
    names = format.pack_names(format.names_of(socket))
    format.pack_hot(slot, 0, socket)  # type: ignore[arg-type]
    format.pack_cold(slot, 0, socket, 77, len(names))  # type: ignore[arg-type]
    found, at, size = format.unpack_slot(1, bytes(slot))
    format.apply_names(found, names)
    assert (found, at, size) == (socket, 77, len(names))


def test_names_that_are_not_known_are_left_aside() -> None:
    socket = Socket(1)
    format.apply_names(socket, b'{"peer":"x","colour":"red","pid":[1],"command":"nc"}')
    assert socket == Socket(1, peer="x", command="nc")


@given(st.binary(max_size=60))
def test_damaged_names_and_details_are_as_good_as_none(data: bytes) -> None:
    format.apply_names(Socket(1), data)
    format.unpack_details(data)
    kind, fields = format.unpack_note(data)
    assert isinstance(kind, str)
    assert isinstance(fields, dict)


@given(st.text(), st.dictionaries(st.text().filter(lambda name: name != "kind"), st.none() | st.booleans() | st.text()))
def test_a_note_comes_back(kind: str, fields: dict[str, Field]) -> None:
    assert format.unpack_note(format.pack_note(kind, fields)) == (kind, fields)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"kind":"drop","bytes":13,"of":[1],"more":{}}', ("drop", {"bytes": 13})),
        (b'{"bytes":13}', ("", {"bytes": 13})),
        (b'{"kind":7}', ("7", {})),
        (b"[1,2]", ("", {})),
        (b"", ("", {})),
        (b"[" * 100_000, ("", {})),
    ],
)
def test_of_a_note_what_is_not_understood_is_left_out(data: bytes, found: tuple[str, dict[str, Field]]) -> None:
    assert format.unpack_note(data) == found


def test_only_places_and_lengths_are_read_of_many_records(capture: Path) -> None:
    small(capture)
    records = (capture / "calls").read_bytes()[format.HEADER_SIZE :]
    found = format.places(8).unpack(records)
    whole = [dict(zip(format.RECORD_FIELDS, each, strict=True)) for each in format.RECORD.iter_unpack(records)]
    assert found == tuple(record[name] for record in whole for name in ("at", "length"))
