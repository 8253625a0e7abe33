"""The one function that text from outside passes before it is shown on a terminal.

A terminal executes the escape sequences that it receives, and the libraries that draw the screen do not filter
them: one in a peer's bytes, in a file name or in an error text would be executed. So each such string goes
through `safe`, which keeps plainly printable characters and replaces all others with visible ones. The result
takes exactly `width` cells, so that it cannot break the layout either.
"""

from __future__ import annotations

import re
from unicodedata import category, east_asian_width

__all__ = ["clip", "safe", "width"]

# Printable by the book, yet terminals do not agree on their width, or join them with a neighbour and so
# change the width of both. Written out, for what `unicodedata` says of some depends on the version of Python.
_DOUBTFUL = re.compile(
    "["
    "\u0e33\u0eb3"  # Thai and Lao AM: join what stands before
    "\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb"  # Hangul jamo: several make one syllable
    "\u3164\uffa0"  # Hangul fillers: nothing to see
    "\uff9e\uff9f"  # half-width voiced sound marks: join what stands before
    # Indic signs that join what follows
    "\u0d4e\U000111c2\U000111c3\U000113d1\U0001193f\U00011941\U00011a84-\U00011a89\U00011d46\U00011f02"
    "\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376"  # narrow up to Unicode 15, wide since 16
    "\U0001f1e6-\U0001f1ff"  # regional indicators: two make a flag
    "\U0001f3fb-\U0001f3ff"  # skin tones: join what stands before
    "]"
)

# Below this code point nothing is wide.
_FIRST_WIDE = "\u1100"


class _Signs(dict[int, str]):
    """A table for `str.translate`: code point to what is shown for it, computed when it is first needed."""

    LIMIT = 20_000

    def __missing__(self, code: int) -> str:
        # A peer may walk through all of Unicode; that must not stay in memory.
        if len(self) >= self.LIMIT:
            self.clear()
        sign = self[code] = _sign(code)
        return sign


def _sign(code: int) -> str:
    """The visible form of one code point: itself if it is plainly printable, otherwise a picture or an escape."""
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    char = chr(code)
    # All marks are signs, for they are drawn over what stands before.
    if char.isprintable() and category(char)[0] != "M" and not _DOUBTFUL.match(char):
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_SIGNS = _Signs()


def safe(text: str) -> str:
    """Make a string safe to print: every character of the result is visible and of known width.

    C0 controls and DEL become control pictures (`␛`), all else that is not plainly printable becomes an
    escape (`\\u202e`): C1, format characters such as bidi overrides and joiners, combining marks, blanks
    other than the space, surrogates, private and unassigned code points, and what terminals do not agree on.
    Markup is text and stays as it is, so give the result to widgets as content. Raises nothing.

    It cannot be inverted: a peer may send the text `\\x9b` or `␛` itself.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_SIGNS)


def width(text: str) -> int:
    """The number of terminal cells that a string from `safe` takes: two for each wide character (UAX #11), else one."""
    if text.isascii() or max(text) < _FIRST_WIDE:
        return len(text)
    return len(text) + sum(east_asian_width(char) in "WF" for char in text)


def clip(text: str, cells: int) -> str:
    """Cut a string from `safe` to at most `cells` terminal cells; one that was cut ends in `…`."""
    # No character takes less than a cell, so the rest need not be looked at, however long it is.
    head = text[: max(cells, 0) + 1]
    if width(head) <= cells:
        return head
    kept, used = 0, 1
    for char in head:
        used += width(char)
        if used > cells:
            break
        kept += 1
    return head[:kept] + "…" if cells > 0 else ""
