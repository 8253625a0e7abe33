"""Bytes to rows of printable text, as hex or as text.

A row is a list of runs, and a run is a stretch of text of one kind, so that painting costs a segment a run.
Neighbours differ in kind. Whatever the bytes are, a row holds only visible characters of known width.
"""

from __future__ import annotations

import re
from codecs import charmap_decode, utf_8_decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from socktui.core.safe import safe, width

__all__ = [
    "HexGeometry",
    "Kind",
    "Row",
    "Run",
    "decode",
    "hex_row",
    "offset_digits",
    "plain",
    "tail",
    "text_rows",
]


class Kind(IntEnum):
    """What the characters of a run stand for."""

    OFFSET = 0
    GAP = 1  # blanks that stand for no byte
    PLAIN = 2  # printable ASCII; in text with the blanks within it, which cannot be seen anyway
    SPACE = 3  # space, tab, line feed, vertical tab, form feed, carriage return
    CONTROL = 4  # other C0 and DEL
    NUL = 5
    HIGH = 6  # not ASCII, and shown as a character
    BAD = 7  # undecodable, or a character that cannot be shown
    FILL = 8  # a cell of the text column whose byte belongs to a character drawn elsewhere


Run = tuple[Kind, str]
Row = list[Run]

_KINDS = tuple(Kind)
_GAP = Kind.GAP
_SAME_KIND = re.compile(b"|".join(re.escape(bytes([kind])) + b"+" for kind in Kind))

_UNSHOWN = "."
_FILLER = "·"
_MARGIN = "  "

# The parts of a row of UTF-8: what may be the end of a character that began in the row before, whole
# characters of more than one byte, and bytes by themselves.
_UTF8_PART = re.compile(
    rb"(?P<cut>\A[\x80-\xbf]{1,3})"
    rb"|(?P<char>[\xc2-\xdf][\x80-\xbf]"
    rb"|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]"
    rb"|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2})"
    rb"|[\0-\x7f]+|[\x80-\xff]"
)

# --- hex -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HexGeometry:
    """Where bytes stand in the rows of a hex dump. Columns are cells, counted from 0.

    size    bytes of a row
    digits  of the offset; a larger offset takes more, and shifts its row
    text    whether the text column stands beside the hex digits
    """

    size: int
    digits: int = 8
    text: bool = True

    @classmethod
    def fitting(cls, cells: int, digits: int = 8, text: bool = True) -> HexGeometry:
        """The one of the most bytes in a row of at most so many cells: 32, 16, 8, 4, or 1 if not even 4 fit."""
        for size in (32, 16, 8, 4):
            geometry = cls(size, digits, text)
            if geometry.width <= cells:
                return geometry
        return cls(1, digits, text)

    @property
    def width(self) -> int:
        """The cells of every row."""
        return self.char_column(self.size) if self.text else self.pairs_end

    def byte_column(self, i: int) -> int:
        """Where the two hex digits of byte `i` of a row begin."""
        return self.digits + len(_MARGIN) + _pair_at(i)

    @property
    def pairs_end(self) -> int:
        """The column after the hex digits of a full row."""
        return self.byte_column(self.size - 1) + 2

    def char_column(self, i: int) -> int:
        """Where byte `i` of a row stands in the text column, one cell wide."""
        return self.pairs_end + len(_MARGIN) + i


def hex_row(data: bytes, offset: int, geometry: HexGeometry, encoding: str) -> Row:
    """One row of a hex dump: `00000010  48 65 6c 6c 6f 2c 20 57  6f 72 6c 64 21           Hello, World!   `.

    `data` is the row's own bytes, at most `geometry.size` of which are shown. A short row is padded, so that all
    rows of a dump are `geometry.width` cells wide (if its digits suffice for the offset, see `offset_digits`).

    The text column has exactly one cell for every byte. In UTF-8 a character is drawn where its first byte
    is, and `·` fills the cells that are left over. Bytes at the ends of the row that may be a part of a
    character which the edge cuts are `·` too. What cannot be shown is `.`, and its kind says why.
    """
    size, digits = geometry.size, geometry.digits
    data = data[:size]
    row: Row = [(Kind.OFFSET, f"{offset:0{digits}x}")]
    if not data:
        return [*row, (_GAP, " " * (geometry.width - digits))]
    byte_kinds, cell_kinds, signs = _cells(data, encoding)
    row.append((_GAP, _MARGIN))
    pairs = _MARGIN.join([data[at : at + 8].hex(" ") for at in range(0, len(data), 8)])
    spans = _spans(byte_kinds)
    # A run takes the blank after it along; only the last has none.
    row += [(kind, pairs[_pair_at(at) : _pair_at(end)]) for kind, at, end in spans]
    missing = " " * (_pair_at(size - 1) + 2 - len(pairs))
    if geometry.text:
        row.append((_GAP, missing + _MARGIN))
        if cell_kinds is not byte_kinds:
            spans = _spans(cell_kinds)
        row += [(kind, signs[at:end]) for kind, at, end in spans]
        missing = " " * (size - len(data))
    if missing:
        row.append((_GAP, missing))
    return row


def _pair_at(i: int) -> int:
    """Where the hex digits of byte `i` stand behind those of byte 0: a blank between bytes, two after each 8."""
    return 3 * i + i // 8


def _spans(kinds: bytes) -> list[tuple[Kind, int, int]]:
    """The stretches of one kind: where each begins and ends."""
    spans, at = [], 0
    for same in _SAME_KIND.findall(kinds):
        end = at + len(same)
        spans.append((_KINDS[same[0]], at, end))
        at = end
    return spans


def offset_digits(last: int) -> int:
    """The hex digits that offsets up to `last` take: 4, 8, 12 or more, in steps of 4."""
    return max(4, -(-last.bit_length() // 16) * 4)


@lru_cache(maxsize=16)
def _table(encoding: str) -> tuple[bytes, str]:
    """For each of the 256 bytes standing alone: its kind, and its sign in the text column."""
    kinds, signs = bytearray(), []
    for byte in range(256):
        char = bytes([byte]).decode(encoding, "surrogateescape")
        shown = safe(char)
        kinds.append(_kind(char, shown))
        signs.append(shown if shown == char and width(shown) == 1 else _UNSHOWN)
    return bytes(kinds), "".join(signs)


def _cells(data: bytes, encoding: str) -> tuple[bytes, bytes, str]:
    """The kinds of the bytes, and the text column: the kind of every character in it, and the characters."""
    if encoding == "utf-8" and not data.isascii():
        return _utf8_cells(data)
    table, signs = _table(encoding)
    kinds = data.translate(table)
    return kinds, kinds, charmap_decode(data, "strict", signs)[0]


def _utf8_cells(data: bytes) -> tuple[bytes, bytes, str]:
    table, signs = _table("utf-8")
    byte_kinds, cell_kinds, text = bytearray(), bytearray(), ""
    cut = tail(data, "utf-8")
    for match in _UTF8_PART.finditer(data, 0, len(data) - len(cut)):
        part = match[0]
        if match.lastgroup is None:
            kinds = part.translate(table)
            byte_kinds += kinds
            cell_kinds += kinds
            text += charmap_decode(part, "strict", signs)[0]
            continue
        kind, shown = Kind.HIGH, ""
        if match.lastgroup == "char":
            shown = part.decode()
            if safe(shown) != shown:
                kind, shown = Kind.BAD, _UNSHOWN
        left = len(part) - width(shown)
        byte_kinds += bytes([kind]) * len(part)
        cell_kinds += bytes([kind]) * len(shown) + bytes([Kind.FILL]) * left
        text += shown + _FILLER * left
    byte_kinds += bytes([Kind.HIGH]) * len(cut)
    cell_kinds += bytes([Kind.FILL]) * len(cut)
    return bytes(byte_kinds), bytes(cell_kinds), text + _FILLER * len(cut)


def _kind(char: str, shown: str) -> Kind:
    """The kind of a character that `safe` shows so."""
    if char >= "\x80":
        return Kind.HIGH if char == shown else Kind.BAD
    if char == "\0":
        return Kind.NUL
    if char in " \t\n\v\f\r":
        return Kind.SPACE
    return Kind.PLAIN if " " < char < "\x7f" else Kind.CONTROL


# --- text ------------------------------------------------------------------------------------------------

# A stretch of decoded text that is of one kind, but for what is not ASCII, which is looked at again.
_STRETCH = re.compile(r"([ -~]+)|([\t-\r]+)|(\0+)|([\x01-\x08\x0e-\x1f\x7f]+)|[^\0-\x7f]+")
_STRETCH_KINDS = (None, Kind.PLAIN, Kind.SPACE, Kind.NUL, Kind.CONTROL)
_LINE = re.compile("[^␊]*␊|[^␊]+")
_ESCAPE = re.compile(r"\\x..|\\u.{4}|\\U.{8}")
_LONGEST_ESCAPE = 10


def tail(data: bytes, encoding: str) -> bytes:
    """The incomplete last character of a chunk, 0 to 3 bytes, for the next chunk; only UTF-8 has one."""
    if encoding != "utf-8":
        return b""
    end = data[-3:]
    return end[utf_8_decode(end, "ignore", False)[1] :]


def decode(data: bytes, encoding: str, carry: bytes = b"", final: bool = False) -> tuple[Row, bytes]:
    r"""Decode bytes to one row, however long; the row, and the bytes to carry into the next chunk.

    `carry` is what the chunk before left over, so that a character belongs to the chunk that holds its last
    byte; `final` says that no chunk follows, so that an incomplete character is bad. Controls are control
    pictures (`␊`), undecodable bytes `\xff`, and other characters that cannot be shown what `safe` makes of
    them.
    """
    data = carry + data
    rest = b"" if final else tail(data, encoding)
    text = data[: len(data) - len(rest)].decode(encoding, "surrogateescape")
    row: Row = []
    for match in _STRETCH.finditer(text):
        kind = _STRETCH_KINDS[match.lastindex or 0]
        if kind is None:
            row += _high(match[0])
        else:
            row.append((kind, safe(match[0])))
    return row, rest


def text_rows(data: bytes, encoding: str, cells: int, carry: bytes = b"", final: bool = False) -> list[Row]:
    """The text of `decode` in rows of at most so many cells (at least 2); a line feed is the last of its row.

    An escape stays in one piece, unless a row is too short for the longest (10 cells). Takes time in
    proportion to the data. What is left over for the next chunk is `tail(carry + data, encoding)`.
    """
    wrap = _Wrap(max(cells, 2))
    for kind, text in decode(data, encoding, carry, final)[0]:
        if kind is Kind.SPACE:
            for line in _LINE.findall(text):
                wrap.put(kind, line)
                if line[-1] == "␊":
                    wrap.end_row()
        elif kind is Kind.HIGH and width(text) > len(text):
            wrap.put_whole(kind, text)
        elif kind is Kind.BAD and cells >= _LONGEST_ESCAPE:
            wrap.put_whole(kind, _ESCAPE.findall(text))
        else:
            wrap.put(kind, text)
    wrap.end_row()
    return wrap.rows


def plain(row: Row) -> str:
    """The text of a row, without its kinds."""
    return "".join([text for _, text in row])


def _high(text: str) -> Iterator[Run]:
    """The runs of a text without ASCII."""
    if safe(text) == text:
        yield Kind.HIGH, text
        return
    for kind, signs in groupby(map(_high_sign, text), itemgetter(0)):
        yield kind, "".join([sign for _, sign in signs])


@lru_cache(maxsize=4096)
def _high_sign(char: str) -> Run:
    # A byte that is not in the encoding comes as a surrogate.
    if "\udc80" <= char <= "\udcff":
        return Kind.BAD, f"\\x{ord(char) - 0xDC00:02x}"
    sign = safe(char)
    return (Kind.HIGH if sign == char else Kind.BAD), sign


class _Wrap:
    """Fills rows of so many cells."""

    def __init__(self, cells: int) -> None:
        self.rows: list[Row] = []
        self._cells = cells
        self._row: Row = []
        self._left = cells

    def put(self, kind: Kind, text: str) -> None:
        """Add characters of one cell each, going to the next row wherever one is full."""
        at = 0
        while at < len(text):
            if not self._left:
                self.end_row()
            part = text[at : at + self._left]
            self._add(kind, part, len(part))
            at += len(part)

    def put_whole(self, kind: Kind, signs: Iterable[str]) -> None:
        """Add signs that must not be cut, though a row may end between them."""
        fitting: list[str] = []
        used = 0
        for sign in signs:
            cells = width(sign)
            if used + cells > self._left:
                self._add(kind, "".join(fitting), used)
                self.end_row()
                fitting, used = [], 0
            fitting.append(sign)
            used += cells
        self._add(kind, "".join(fitting), used)

    def end_row(self) -> None:
        if self._row:
            self.rows.append(self._row)
        self._row, self._left = [], self._cells

    def _add(self, kind: Kind, text: str, cells: int) -> None:
        if text:
            self._row.append((kind, text))
            self._left -= cells
