import time
from itertools import groupby, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from socktui.core.payload import ENCODINGS
from socktui.core.rows import (
    HexGeometry,
    Kind,
    Row,
    decode,
    hex_row,
    offset_digits,
    plain,
    tail,
    text_rows,
)
from socktui.core.safe import safe

ENCODING = st.sampled_from(ENCODINGS)
# Random bytes hardly ever make a character of UTF-8, so some are made, and cut, and mixed with others.
PIECE = st.binary(max_size=6) | st.sampled_from(
    ["日", "é", "😀", "e\u0301", "\u202e", "\r\n", "\n", "\0", "\U000e0001", "\x85", "Hello, ", "\x1b[2J"]
).map(str.encode)
BYTES = st.lists(PIECE | PIECE.map(lambda piece: piece[:-1]), max_size=12).map(b"".join)


def check(row: Row) -> None:
    """What holds for every row."""
    assert all(text for _, text in row)
    assert all(one[0] is not other[0] for one, other in pairwise(row))
    assert safe(plain(row)) == plain(row)


def kinds(row: Row) -> list[tuple[str, str]]:
    return [(kind.name, text) for kind, text in row]


def test_hex() -> None:
    row = hex_row(b"Hello, World!", 16, HexGeometry(16), "utf-8")
    assert plain(row) == "00000010  48 65 6c 6c 6f 2c 20 57  6f 72 6c 64 21           Hello, World!   "
    row = hex_row(b"\0\x1bA\x7f \xff\r\n", 0x20, HexGeometry(8, 4), "utf-8")
    assert plain(row) == "0020  00 1b 41 7f 20 ff 0d 0a  ..A. ..."
    assert kinds(row)[2:9] == [
        ("NUL", "00 "),
        ("CONTROL", "1b "),
        ("PLAIN", "41 "),
        ("CONTROL", "7f "),
        ("SPACE", "20 "),
        ("BAD", "ff "),
        ("SPACE", "0d 0a"),
    ]
    assert plain(hex_row(b"", 0, HexGeometry(4, 4), "utf-8")) == "0000" + " " * 19
    assert plain(hex_row(b"ab", 0, HexGeometry(4, 4, text=False), "utf-8")) == "0000  61 62      "
    assert plain(hex_row(b"abcdefgh", 0, HexGeometry(4, 4), "utf-8")) == "0000  61 62 63 64  abcd"


@pytest.mark.parametrize(
    ("encoding", "data", "column"),
    [
        ("utf-8", "П日a😀".encode(), "П·日·a😀··"),
        ("utf-8", "日本".encode()[1:5], "····"),
        ("utf-8", b"\x80\x80\x80\x80", "···."),
        ("utf-8", b"a\x80\xe6\x97b\xe6\x97", "a...b··"),
        ("utf-8", "e\u0301\u200b".encode(), "e.·.··"),
        ("latin-1", b"\xe9\x9b\xa0\xad\xff", "é...ÿ"),
        ("cp1251", b"\xcf\x98\xa0", "П.."),
        ("koi8-r", b"\xf0\x80\x9a", "П─."),
        ("cp866", b"\x8f\xb0\xff", "П░."),
        ("ascii", b"a\xe9", "a."),
    ],
)
def test_the_text_column(encoding: str, data: bytes, column: str) -> None:
    row = hex_row(data, 0, HexGeometry(len(data)), encoding)
    assert plain(row).endswith("  " + column)
    check(row)


def test_kinds_of_utf_8() -> None:
    row = hex_row("aé\u202e".encode() + b"\xff\xe6", 0, HexGeometry(16), "utf-8")
    assert kinds(row)[2:6] == [
        ("PLAIN", "61 "),
        ("HIGH", "c3 a9 "),
        ("BAD", "e2 80 ae ff "),
        ("HIGH", "e6"),
    ]
    assert kinds(row)[7:] == [
        ("PLAIN", "a"),
        ("HIGH", "é"),
        ("FILL", "·"),
        ("BAD", "."),
        ("FILL", "··"),
        ("BAD", "."),
        ("FILL", "·"),
        ("GAP", " " * 8),
    ]


@given(BYTES, ENCODING, st.sampled_from([1, 4, 8, 16, 32]), st.sampled_from([4, 8, 12]), st.booleans())
def test_any_hex(data: bytes, encoding: str, per_row: int, digits: int, text: bool) -> None:
    geometry = HexGeometry(per_row, digits, text)
    expected = geometry.width
    for offset in range(0, len(data) + 1, per_row):
        part = data[offset : offset + per_row]
        row = hex_row(part, offset, geometry, encoding)
        check(row)
        shown = plain(row)
        assert cell_len(shown) == expected
        pairs = shown[digits : digits + 2 + 3 * per_row + (per_row - 1) // 8]
        assert bytes.fromhex(pairs) == part
        assert int(shown[:digits], 16) == offset
        for i in range(len(part)):
            column = geometry.byte_column(i)
            assert shown[column : column + 2] == f"{part[i]:02x}"
        if text:
            assert (
                shown[: expected - per_row]
                == plain(hex_row(part, offset, HexGeometry(per_row, digits, text=False), "ascii")) + "  "
            )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_byte_has_one_cell(encoding: str) -> None:
    for byte in range(256):
        row = hex_row(bytes([byte]), 0, HexGeometry(1), encoding)
        assert cell_len(plain(row)) == HexGeometry(1).width
        check(row)


def test_geometry() -> None:
    assert HexGeometry(16).width == 8 + 2 + 48 + 2 + 16
    assert HexGeometry(16, 4, text=False).width == 4 + 2 + 48
    assert [HexGeometry.fitting(HexGeometry(n).width).size for n in (32, 16, 8, 4, 1)] == [32, 16, 8, 4, 1]
    assert HexGeometry.fitting(HexGeometry(32).width - 1) == HexGeometry(16)
    assert HexGeometry.fitting(0) == HexGeometry(1)
    assert HexGeometry.fitting(1000, 4, text=False) == HexGeometry(32, 4, text=False)
    assert [offset_digits(last) for last in (0, 0xFFFF, 0x10000, 0xFFFFFFFF, 1 << 32)] == [4, 4, 8, 8, 12]


def test_the_columns_of_a_byte() -> None:
    geometry = HexGeometry(32, 4)
    shown = plain(hex_row(bytes(range(65, 97)), 0, geometry, "ascii"))
    for i in range(32):
        column = geometry.byte_column(i)
        assert shown[column : column + 2] == f"{65 + i:02x}"
        assert shown[geometry.char_column(i)] == chr(65 + i)
    assert shown[geometry.pairs_end - 2 : geometry.pairs_end] == "60"


def test_text() -> None:
    rows = text_rows("Hi\tПривет 日本\r\n\n\0\x1b[2J".encode() + b"\xff\xd0", "utf-8", 80)
    assert [kinds(row) for row in rows] == [
        [
            ("PLAIN", "Hi"),
            ("SPACE", "␉"),
            ("HIGH", "Привет"),
            ("PLAIN", " "),
            ("HIGH", "日本"),
            ("SPACE", "␍␊"),
        ],
        [("SPACE", "␊")],
        [("NUL", "␀"), ("CONTROL", "␛"), ("PLAIN", "[2J"), ("BAD", r"\xff")],
    ]
    assert text_rows(b"", "utf-8", 80) == []
    # A sign that a peer sends by itself is a character and ends no row.
    assert [kinds(row) for row in text_rows("a␊b".encode(), "utf-8", 80)] == [
        [("PLAIN", "a"), ("HIGH", "␊"), ("PLAIN", "b")]
    ]


def test_text_wraps() -> None:
    def lines(text: str, cells: int) -> list[str]:
        return [plain(row) for row in text_rows(text.encode(), "utf-8", cells)]

    assert lines("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert lines("abcd\nef", 4) == ["abcd", "␊", "ef"]
    assert lines("a日本語", 4) == ["a日", "本語"]
    assert lines("日本", 1) == ["日", "本"]
    assert lines("abcdefgh\u202e\u202ei", 12) == ["abcdefgh", r"\u202e\u202e", "i"]
    assert lines("ab\u202e", 8) == [r"ab\u202e"]
    assert lines("abc\u202e", 8) == [r"abc\u202", "e"]


def expected_kinds(text: str) -> list[tuple[str, str]]:
    """What `decode` says of a text, character by character, put together."""

    def kind(char: str) -> str:
        if char == "\0":
            return "NUL"
        if char in "\t\n\v\f\r":
            return "SPACE"
        if char < " " or char == "\x7f":
            return "CONTROL"
        return "PLAIN" if char < "\x7f" else "HIGH" if safe(char) == char else "BAD"

    def sign(char: str) -> str:
        return f"\\x{ord(char) & 0xFF:02x}" if "\udc80" <= char <= "\udcff" else safe(char)

    return [(name, "".join(map(sign, chars))) for name, chars in groupby(text, kind)]


@given(BYTES, ENCODING, st.integers(2, 30), st.booleans())
@example(b"\x1b\r\n\x1b\t\x0e\x08\n", "utf-8", 20, True)
def test_any_text(data: bytes, encoding: str, cells: int, final: bool) -> None:
    rows = text_rows(data, encoding, cells, b"", final)
    for row in rows:
        check(row)
        assert 0 < cell_len(plain(row)) <= cells
    whole, rest = decode(data, encoding, b"", final)
    check(whole)
    assert kinds(whole) == expected_kinds(data[: len(data) - len(rest)].decode(encoding, "surrogateescape"))
    ends = [row[-1] for row in rows]
    assert sum(kind is Kind.SPACE and text[-1] == "␊" for kind, text in ends) == data.count(b"\n")
    assert rest == (b"" if final else tail(data, encoding))
    assert "".join(plain(row) for row in rows) == plain(whole)
    if cells >= 10:
        signs = [text for row in rows for kind, text in row if kind is Kind.BAD]
        assert all(sign[0] == "\\" for sign in signs), "an escape was cut"


@settings(max_examples=150)
@given(BYTES, ENCODING, st.lists(st.integers(0, 60), max_size=8), st.integers(2, 30))
@example("😀".encode(), "utf-8", [1, 2, 3], 20)
@example(b"\xf0\x9f\x98", "utf-8", [1, 2], 20)
@example(b"\xed\xa0\x80\xe0\x80", "utf-8", [1, 2, 4], 20)
def test_chunks_make_the_same_text(data: bytes, encoding: str, cuts: list[int], cells: int) -> None:
    whole = plain(decode(data, encoding, final=True)[0])
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    decoded = wrapped = ""
    carry = b""
    for start, end in pairwise(edges):
        chunk, final = data[start:end], end == len(data)
        wrapped += "".join(plain(row) for row in text_rows(chunk, encoding, cells, carry, final))
        row, rest = decode(chunk, encoding, carry, final)
        decoded += plain(row)
        assert rest == (b"" if final else tail(carry + chunk, encoding))
        carry = rest
        assert len(carry) < 4
    assert decoded == wrapped == whole


def test_every_prefix_of_a_character_is_carried() -> None:
    for char in "é日😀\uffff\U0010ffff\u0800\ud7ff":
        data = char.encode()
        for length in range(len(data)):
            assert tail(b"a" + data[:length], "utf-8") == data[:length]
            assert tail(data[:length], "latin-1") == b""
        assert tail(data, "utf-8") == b""
    assert tail(b"\xc0", "utf-8") == tail(b"\x80\x80", "utf-8") == tail(b"\xe0\x80", "utf-8") == b""


@pytest.mark.parametrize("piece", ["x", "日", "\u0301", "\n", "\0a", "日\u0301", "\u202e"])
def test_the_cost_is_linear(piece: str) -> None:
    def cost(times: int) -> float:
        data = (piece * times).encode()
        start = time.process_time()
        text_rows(data, "utf-8", 40)
        return time.process_time() - start

    cost(1000)
    # Sixteen times the data would take 256 times as long if each row looked at the rest.
    assert min(cost(16_000) for _ in range(3)) < 64 * min(cost(1000) for _ in range(3)) + 0.01
