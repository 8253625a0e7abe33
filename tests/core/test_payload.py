from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socktui.core.payload import (
    ENCODINGS,
    ENDINGS,
    PayloadError,
    from_escapes,
    from_hex,
    from_text,
    to_escapes,
    to_hex,
)
from socktui.core.safe import safe

ENCODING = st.sampled_from(ENCODINGS)
ANY_TEXT = st.text(st.characters(exclude_categories=()))
ESCAPED = st.text(st.sampled_from("\\\\\\xuU0019afnrte\"'é€\ud800 "))
HEX = st.text(st.sampled_from("\\xX0019afAF ,:;-_{}\"'\n\tgé٣"))
BYTES = st.binary(max_size=40) | st.text(max_size=20).map(str.encode)


def error(text: str, encoding: str | None = None) -> tuple[str, int]:
    """The message and position of the complaint about a text with escapes, or hex if without encoding."""
    with pytest.raises(PayloadError) as caught:
        from_hex(text) if encoding is None else from_escapes(text, encoding)
    assert str(caught.value) == caught.value.message == safe(caught.value.message)
    return caught.value.message, caught.value.position


def test_text() -> None:
    assert list(ENDINGS) == ["none", "LF", "CRLF", "CR", "NUL"]
    assert from_text("Привет", "utf-8", "none") == "Привет".encode()
    assert from_text("Привет", "cp1251", "CRLF") == b"\xcf\xf0\xe8\xe2\xe5\xf2\r\n"
    assert from_text("Привет", "koi8-r", "NUL") == b"\xf0\xd2\xc9\xd7\xc5\xd4\0"
    assert from_text(r"a\n", "ascii", "LF") == b"a\\n\n"


@pytest.mark.parametrize(
    ("text", "encoding", "message", "position"),
    [
        ("10 €", "latin-1", "“€” (U+20AC) cannot be written in latin-1", 3),
        ("a\u202eb", "ascii", r"“\u202e” (U+202E) cannot be written in ascii", 1),
        ("ab\ud800", "utf-8", r"“\ud800” (U+D800) cannot be written in utf-8", 2),
    ],
)
def test_text_that_the_encoding_does_not_have(text: str, encoding: str, message: str, position: int) -> None:
    with pytest.raises(PayloadError) as caught:
        from_text(text, encoding, "none")
    assert (caught.value.message, caught.value.position) == (message, position)


def test_escapes() -> None:
    every = from_escapes(r"\r\n\t\0\a\b\e\f\v\\\"\'\x41\u0042\U00000043", "ascii")
    assert every == b"\r\n\t\0\a\b\x1b\f\v\\\"'ABC"
    assert from_escapes(r"a\xffя\u044f", "utf-8") == b"a\xff\xd1\x8f\xd1\x8f"
    assert from_escapes(r"\xff\u044f", "cp1251") == b"\xff\xff"
    assert from_escapes("", "utf-8") == b""
    assert from_escapes(r"\x0dd\0x\x001", "utf-8") == b"\rd\0x\x001"


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        (r"ab\q", r"\q is no escape that is known here", 2),
        ("ab\\", "A backslash at the end escapes nothing", 2),
        ("\\\x1b", r"\␛ is no escape that is known here", 0),
        (r"\x4", r"\x needs 2 hex digits", 0),
        (r"a\xg0", r"\x needs 2 hex digits", 1),
        (r"\u12", r"\u needs 4 hex digits", 0),
        (r"\U0000", r"\U needs 8 hex digits", 0),
        (r"\U00110000", r"\U00110000 is beyond the last character, \U0010ffff", 0),
        (r"..\ud800", r"“\ud800” (U+D800) cannot be written in utf-8", 2),
        (r"\012", r"\01 may mean one byte or two: write \x00 for a NUL before a digit", 0),
        ("\\\\\ud800", r"“\ud800” (U+D800) cannot be written in utf-8", 2),
    ],
)
def test_wrong_escapes(text: str, message: str, position: int) -> None:
    assert error(text, "utf-8") == (message, position)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_byte_survives_its_escape(encoding: str) -> None:
    for byte in range(256):
        for data in (bytes([byte]), b"7" + bytes([byte]) + b"7"):
            shown = to_escapes(data, encoding)
            assert from_escapes(shown, encoding) == data
            assert safe(shown) == shown


@given(BYTES, ENCODING)
@example(rb"\x41\\", "utf-8")
@example("\x85\xa0\xad\u202e\U000e0001e\u0301".encode(), "utf-8")
@example(b"\0001\xd0", "utf-8")
@example(b"\x9a\x98", "koi8-r")
def test_escapes_round_trip(data: bytes, encoding: str) -> None:
    shown = to_escapes(data, encoding)
    assert from_escapes(shown, encoding) == data
    assert safe(shown) == shown


def test_escapes_are_readable() -> None:
    assert to_escapes("Привет, 日本 'x' \"y\"\r\n".encode(), "utf-8") == "Привет, 日本 'x' \"y\"\\r\\n"
    assert to_escapes(b"a\\b\0c\x001\x1b\x7f\xff", "utf-8") == r"a\\b\0c\x001\e\x7f\xff"
    assert to_escapes("\x85\u202e".encode(), "utf-8") == r"\u0085\u202e"
    assert to_escapes(b"\xcf\xf0", "cp1251") == "Пр"
    assert to_escapes(b"\xcf\xf0", "ascii") == r"\xcf\xf0"


@pytest.mark.parametrize(
    "text",
    [
        "48656c6c6f",
        "48 65 6C 6C 6F",
        "4865 6c6c 6f",
        " 48:65:6c:6c:6f\n",
        "48-65-6c-6c-6f",
        "48_65_6c_6c_6f",
        "48,65;6c,\t6c\r\n6f",
        "0x48 0x65 0x6C 0X6c 0x6f",
        "0x48656c6c6f",
        r"\x48\x65\x6c\X6C\x6f",
        r'"\x48\x65" "\x6c\x6c\x6f";',
        "{0x48, 0x65, 0x6c, 0x6c, 0x6f};",
        "{ 0x48,\n  0x65,\n  0x6c, 0x6c, 0x6f, }",
        "'48656c6c6f'",
    ],
)
def test_hex_as_it_is_found(text: str) -> None:
    assert from_hex(text) == b"Hello"


def test_a_lone_digit_after_a_prefix_is_a_byte() -> None:
    assert from_hex(r"{0x0, 0xa, 0xD} \x7") == b"\0\n\r\7"
    assert from_hex("") == from_hex(" \n") == b""


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("48 6g", "Half a byte: an odd number of hex digits", 3),
        ("48 6", "Half a byte: an odd number of hex digits", 3),
        ("486", "Half a byte: an odd number of hex digits", 2),
        ("0x123", "Half a byte: an odd number of hex digits", 4),
        ("48 zz", "“z” is no hex digit", 3),
        ("48 0x", "Half a byte: an odd number of hex digits", 3),
        ("48x65", "“x” is no hex digit", 2),
        ("48 \\", "“\\” is no hex digit", 3),
        ("48\x1b", "“␛” is no hex digit", 2),
        ("٣٣", "“٣” is no hex digit", 0),
    ],
)
def test_wrong_hex(text: str, message: str, position: int) -> None:
    assert error(text) == (message, position)


@given(st.binary(max_size=40), st.sampled_from(" ,:;-_\t\n"), st.sampled_from(["", "0x", "\\x"]), st.booleans())
def test_hex_round_trip(data: bytes, between: str, prefix: str, upper: bool) -> None:
    assert from_hex(to_hex(data)) == data
    assert from_hex(data.hex()) == data
    digits = [f"{byte:02X}" if upper else f"{byte:02x}" for byte in data]
    assert from_hex(between.join(prefix + pair for pair in digits)) == data


def test_to_hex() -> None:
    assert to_hex(b"Hel\xff") == "48 65 6c ff"


@given(ANY_TEXT | ESCAPED | HEX, ENCODING)
def test_nothing_else_is_raised(text: str, encoding: str) -> None:
    for read in (
        partial(from_text, text, encoding, "LF"),
        partial(from_escapes, text, encoding),
        partial(from_hex, text),
    ):
        problem = complaint(read)
        if problem is not None:
            assert 0 <= problem.position < len(text)
            assert safe(problem.message) == problem.message


def complaint(read: Callable[[], bytes]) -> PayloadError | None:
    try:
        read()
    except PayloadError as problem:
        return problem
    return None
