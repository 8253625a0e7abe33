"""Typed input to bytes and back: as plain text, as text with escapes, or as hex digits."""

from __future__ import annotations

import re

from socktui.core.safe import safe

__all__ = [
    "ENCODINGS",
    "ENDINGS",
    "PayloadError",
    "from_escapes",
    "from_hex",
    "from_text",
    "to_escapes",
    "to_hex",
]

#: The encodings on offer, by the names that Python knows. In all of them ASCII is ASCII.
ENCODINGS = ("utf-8", "latin-1", "cp1251", "koi8-r", "cp866", "ascii")

#: What may be put after a typed text, by name, in the order in which to offer it.
ENDINGS: dict[str, bytes] = {"none": b"", "LF": b"\n", "CRLF": b"\r\n", "CR": b"\r", "NUL": b"\0"}

_SIMPLE = {
    "r": b"\r",
    "n": b"\n",
    "t": b"\t",
    "0": b"\0",
    "a": b"\a",
    "b": b"\b",
    "e": b"\x1b",
    "f": b"\f",
    "v": b"\v",
    "\\": b"\\",
    '"': b'"',
    "'": b"'",
}
_ESCAPE = re.compile(
    r"\\(?:x(?P<byte>[0-9a-fA-F]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})"
    r"|(?P<octal>0[0-9])"
    r"|(?P<simple>.?))",
    re.DOTALL,
)
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}

# How `to_escapes` writes a control that has a name; a NUL before a digit must not look octal.
_NAMED = {value[0]: "\\" + name for name, value in _SIMPLE.items() if name not in "\"'\\"}
_NUL_BEFORE_DIGIT = re.compile(rb"\0(?=[0-9])")

_HEX_GROUP = re.compile(r"(?P<prefix>0[xX]|\\[xX])?(?P<digits>[0-9a-fA-F]+)|(?P<between>[\s,:;_{}\"'-]+)")


class PayloadError(ValueError):
    """The typed input cannot be turned into bytes.

    `message` is one sentence, fit to be shown; `position` is the index in the typed text of the character
    that is wrong, or of the backslash of the escape that is.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def from_text(text: str, encoding: str, ending: str) -> bytes:
    """Encode a text as typed, followed by one of `ENDINGS` (by name).

    Raises PayloadError for a character that the encoding does not have.
    """
    return _encode(text, encoding, 0) + ENDINGS[ending]


def from_escapes(text: str, encoding: str) -> bytes:
    r"""Encode a text, and replace its escapes.

    `\r \n \t \0 \a \b \e \f \v \\ \" \'` are as in C; `\xHH` is that byte, whatever the encoding; `\uXXXX`
    and `\UXXXXXXXX` are characters, encoded like any other. There are no octal escapes: a digit after `\0`
    is refused, since it would mean one byte in C and two here. Raises PayloadError for that, for an unknown
    or incomplete escape, and for a character that the encoding does not have.
    """
    parts = []
    plain_from = 0
    for match in _ESCAPE.finditer(text):
        parts.append(_encode(text[plain_from : match.start()], encoding, plain_from))
        parts.append(_escape(match, encoding))
        plain_from = match.end()
    parts.append(_encode(text[plain_from:], encoding, plain_from))
    return b"".join(parts)


def from_hex(text: str) -> bytes:
    r"""Decode hex digits, in the notations that programs commonly print.

    Blanks, line breaks and `, : ; - _ { } " '` may stand between groups of digits, and a group may begin with
    `0x` or `\x`. A group is whole bytes, so it has an even number of digits; only a lone digit after `0x` or
    `\x` is a byte of its own, as in C. Raises PayloadError for anything else.
    """
    data = bytearray()
    at = 0
    while at < len(text):
        match = _HEX_GROUP.match(text, at)
        if match is None:
            raise PayloadError(f"{_quote(text[at])} is no hex digit", at)
        digits = match["digits"] or ""
        if len(digits) % 2:
            if len(digits) > 1 or match["prefix"] is None:
                raise PayloadError("Half a byte: an odd number of hex digits", match.end() - 1)
            digits = "0" + digits
        data += bytes.fromhex(digits)
        at = match.end()
    return bytes(data)


def to_escapes(data: bytes, encoding: str) -> str:
    r"""The inverse of `from_escapes`: a printable text that it turns back into exactly these bytes.

    What is printable in the encoding stays as it is (a backslash is doubled), the rest becomes escapes.
    """
    # Before decoding, so that the escapes which stand for undecodable bytes are told from typed ones.
    marked = _NUL_BEFORE_DIGIT.sub(rb"\\x00", data.replace(b"\\", b"\\\\"))
    text = marked.decode(encoding, "backslashreplace")
    if safe(text) == text:
        return text
    return "".join(char if safe(char) == char else _escaped(char) for char in text)


def to_hex(data: bytes) -> str:
    """The bytes as pairs of hex digits with a space between: `48 65 6c`."""
    return data.hex(" ")


def _encode(text: str, encoding: str, position: int) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        char = text[error.start]
        raise PayloadError(_not_in(char, encoding), position + error.start) from None


def _escape(match: re.Match[str], encoding: str) -> bytes:
    """The bytes of one escape. Raises PayloadError where it is unknown or incomplete."""
    if match["byte"]:
        return bytes.fromhex(match["byte"])
    start = match.start()
    if code := match["short"] or match["long"]:
        if int(code, 16) > 0x10FFFF:
            raise PayloadError(f"{match[0]} is beyond the last character, \\U0010ffff", start)
        char = chr(int(code, 16))
        try:
            return char.encode(encoding)
        except UnicodeEncodeError:
            raise PayloadError(_not_in(char, encoding), start) from None
    if match["octal"]:
        raise PayloadError(f"{match[0]} may mean one byte or two: write \\x00 for a NUL before a digit", start)
    letter = match["simple"]
    if letter in _SIMPLE:
        return _SIMPLE[letter]
    if letter in _HEX_DIGITS:
        raise PayloadError(f"\\{letter} needs {_HEX_DIGITS[letter]} hex digits", start)
    if not letter:
        raise PayloadError("A backslash at the end escapes nothing", start)
    raise PayloadError(f"\\{safe(letter)} is no escape that is known here", start)


def _escaped(char: str) -> str:
    """The escape for a character that is not printable, in the encoding that it came from."""
    code = ord(char)
    if code < 0x80:
        return _NAMED.get(code, f"\\x{code:02x}")
    # Never \xHH, not even below U+0100: that would be a byte, and this character may be another byte or more.
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _not_in(char: str, encoding: str) -> str:
    return f"{_quote(char)} (U+{ord(char):04X}) cannot be written in {encoding}"


def _quote(char: str) -> str:
    return f"“{safe(char)}”"
