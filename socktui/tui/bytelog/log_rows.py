"""The rows of a call in the byte log. They come in pages, and any page can be made without the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, overload

from socktui.core.call import TRANSFERS, Call, Function, Layer, address_text, errno_name
from socktui.core.endpoint import SCHEMES
from socktui.core.rows import HexGeometry, Row, hex_row, offset_digits, plain, tail, text_rows
from socktui.core.safe import safe
from socktui.core.source import agreed, meaning, message_kind
from socktui.journal.reader import Reader
from socktui.journal.search import LayerFilter
from socktui.journal.stream import Stream
from socktui.tui.call_sequence import CallSequence

PAGE = 4096
"""Bytes of a call in a page, the last one aside. A multiple of every number of bytes in a row."""

GUTTER = 2
"""Cells left of a row of bytes, for the arrow."""

COPY_LIMIT = 1 << 20
"""Characters after which no more is copied."""

NARROW = 56
"""Cells below which the time of day has no microseconds, so that an address has room beside it."""

View = Literal["both", "hex", "text"]
Stamp = Literal["clock", "start", "previous"]
VIEWS: tuple[View, ...] = ("both", "hex", "text")
STAMPS: tuple[Stamp, ...] = ("clock", "start", "previous")
LAYER_FILTERS: tuple[LayerFilter, ...] = ("clear", "wire", "all")

_FAILURES = TRANSFERS | {Function.CONNECT, Function.ACCEPT, Function.BIND, Function.SSL_DO_HANDSHAKE}
_EVENTS = frozenset(
    {
        Function.CONNECT, Function.ACCEPT, Function.SHUTDOWN, Function.CLOSE, Function.LISTEN,
        Function.SSL_DO_HANDSHAKE, Function.SSL_SHUTDOWN,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Lens:
    """How bytes are shown. Any of it can be changed at any time: the bytes are kept raw.

    view      hex digits, text, or both
    encoding  of the text, one of core.payload.ENCODINGS
    stamp     what the headings tell of time: the time of day, seconds since the start, or since the call before
    layers    of a protocol over another, which are shown
    """

    view: View = "both"
    encoding: str = "utf-8"
    stamp: Stamp = "clock"
    layers: LayerFilter = "clear"


class Heading(NamedTuple):
    """The first row of a call, every text of it safe to be painted.

    stamp  the time
    way    what the arrow says
    text   what happened
    label  of the socket
    """

    stamp: str
    way: Literal["sent", "received", "event", "failed"]
    text: str
    label: str


LogRow = Heading | Row | None
"""A row of a call: its heading, a row of its bytes, or None, which says that they were not kept."""


def shown(call: Call, layers: LayerFilter) -> bool:
    """Whether the byte log shows a call: those that moved bytes, and those that begin or end a connection."""
    if layers == "wire" and call.layer is not Layer.WIRE:
        return False
    if call.transfers and (call.length or call.empty):
        return layers != "clear" or not call.under
    if call.failed:
        return call.name in _FAILURES
    bound = call.name is Function.BIND and call.message  # nothing listens there, and yet it is a server
    return call.eof or bound or call.name in _EVENTS or _reset(call)


def pages(call: Call, layers: LayerFilter) -> int:
    """How many pages the rows of a call take; 0 where the log does not show it."""
    if not shown(call, layers):
        return 0
    return max(1, -(-call.length // PAGE))


class HexRows(Sequence[LogRow]):
    """The rows of a page as a hex dump, each made when it is asked for: a page has many more than a screen shows.

    head      how many rows stand before those of bytes: the heading, or none
    geometry  of the rows of bytes
    """

    def __init__(self, before: list[LogRow], data: bytes, offset: int, geometry: HexGeometry, encoding: str) -> None:
        self.head = len(before)
        self.geometry = geometry
        self._before = before
        self._data = data
        self._offset = offset
        self._encoding = encoding
        self._len = len(before) + -(-len(data) // geometry.size)

    def __len__(self) -> int:
        return self._len

    @overload
    def __getitem__(self, index: int) -> LogRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LogRow]: ...
    def __getitem__(self, index: int | slice) -> LogRow | Sequence[LogRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index < self.head:
            return self._before[index]
        size = self.geometry.size
        at = (index - self.head) * size
        return hex_row(self._data[at : at + size], self._offset + at, self.geometry, self._encoding)


def rows(
    sequence: CallSequence, call: Call, page: int, lens: Lens, cells: int, label_of: Callable[[int], str]
) -> Sequence[LogRow]:
    """The rows of a page of a call, bytes in at most `cells` cells. The first page begins with the heading.

    `label_of` gives the label of a socket by its number.
    """
    found: list[LogRow] = [heading(sequence, call, lens, cells, label_of)] if page == 0 else []
    if not call.length:
        return found
    start = page * PAGE
    data = sequence.reader.data(call, start, start + PAGE)
    if data is None:
        # One row says it, however many pages are missing.
        said = page > 0 and sequence.reader.data(call, start - PAGE, start) is None
        return found if said else [*found, None]
    if lens.view == "text":
        split = split_character(sequence.reader, call, start, lens.encoding)
        final = start + len(data) >= call.length and sequence.newest(call)
        return [*found, *text_rows(data, lens.encoding, cells, split, final)]
    # Offsets count from the beginning of a message, or of the stream.
    origin = 0 if call.message else call.offset
    geometry = _geometry((origin + call.length).bit_length(), cells, lens.view == "both")
    return HexRows(found, data, origin + start, geometry, lens.encoding)


@lru_cache(maxsize=256)
def _geometry(bits: int, cells: int, text: bool) -> HexGeometry:
    """Of rows whose offsets have up to so many bits: the one of more bytes a row, with the usual number of digits or
    with as few as will do; the usual number where both have the same.
    """
    usual = offset_digits((1 << bits) - 1)
    fewest = max(4, -(-bits // 4))
    both = (HexGeometry.fitting(cells, digits, text) for digits in (usual, fewest))
    return max(both, key=lambda each: (each.size, each.digits))


def heading(sequence: CallSequence, call: Call, lens: Lens, cells: int, label_of: Callable[[int], str]) -> Heading:
    """The heading of a call; `cells` and `label_of` as rows() takes them."""
    label = safe(label_of(call.socket))
    stamp = _stamp(sequence, call, lens)
    if lens.stamp == "clock" and cells < NARROW:
        stamp = stamp[:-3]
    if call.length or call.empty:
        return Heading(stamp, "sent" if call.sends else "received", safe(_moved(sequence, call, lens.layers)), label)
    if call.failed and errno_name(call.errno) != "EINPROGRESS":
        why = f"{errno_name(call.errno)} {call.name} {_address(call)}" if call.errno else f"{call.name}: {call.answer}"
        return Heading(stamp, "failed", safe(why.rstrip()), label)
    return Heading(stamp, "event", safe(_event(call)), label)


def _moved(sequence: CallSequence, call: Call, layers: LayerFilter) -> str:
    """`sent 13 at 26`, `received 20 of 50 · datagram`, `sent 4 · ping · ws`; and what a packet says."""
    scheme = sequence.scheme(call.socket)
    means = meaning(scheme, call, lambda: sequence.reader.data(call, 0, PAGE))
    parts = [f"{'sent' if call.sends else 'received'} {call.length}"]
    if call.message:
        parts[0] += f" of {call.result}" if call.result > call.length else ""
        parts.append("" if means else message_kind(scheme, call))
    elif call.offset:
        parts[0] += f" at {call.offset}"
    if layers == "all" and scheme in SCHEMES and SCHEMES[scheme].layers:
        parts.append(str(call.layer))
    return " · ".join(part for part in (*parts, means) if part)


def text_of(row: LogRow) -> str:
    """A row as it is copied."""
    if row is None:
        return "(these bytes were not kept)"
    if isinstance(row, Heading):
        arrow = {"sent": "→", "received": "←"}.get(row.way, "─")
        return f"{row.stamp} {arrow} {row.text}  {row.label}".rstrip()
    return plain(row).rstrip()


def copied(pages: Iterable[Sequence[LogRow]]) -> str:
    """The rows of pages as they are copied, cut after the page with which they have COPY_LIMIT characters."""
    lines: list[str] = []
    size = 0
    for page in pages:
        found = [text_of(row) for row in page]
        lines += found
        size += sum(map(len, found))
        if size > COPY_LIMIT:
            lines.append("… cut here")
            break
    return "\n".join(lines)


def _event(call: Call) -> str:
    match call.name:
        case Function.RECV:
            return "peer FIN"
        case Function.SSL_READ:
            return "peer close_notify"
        case Function.SSL_SHUTDOWN:
            return "close_notify sent"
        case Function.SSL_DO_HANDSHAKE:
            return f"TLS handshake: {agreed(call)}"
        case Function.BIND:
            return f"bind {_address(call)}"
        case Function.CONNECT:
            return f"connect {_address(call)}".rstrip()
        case Function.ACCEPT:
            return f"accept {address_text(call.answer)}".rstrip()
        case Function.SHUTDOWN:
            return "FIN sent"
        case Function.SETSOCKOPT:
            return "RST at close"
        case _:
            return str(call.name)


def _address(call: Call) -> str:
    """Where a call was to go, or to be."""
    names = (Function.CONNECT, Function.BIND, Function.SENDTO)
    return address_text(call.args[0]) if call.args and call.name in names else ""


def _reset(call: Call) -> bool:
    return call.name is Function.SETSOCKOPT and call.args[1:] == ("SO_LINGER", [1, 0])


def split_character(reader: Reader, call: Call, start: int, encoding: str) -> bytes:
    """The first bytes of a character that is split before byte `start` of a call: it is shown where it ends."""
    before = reader.data(call, start - 3, start) if start else Stream.of(reader, call).bytes_before(call, 3)
    return tail(before or b"", encoding)


def _stamp(sequence: CallSequence, call: Call, lens: Lens) -> str:
    reader = sequence.reader
    if lens.stamp == "clock":
        wall = reader.start_wall + call.time - reader.start_monotonic
        seconds, ns = divmod(wall, 10**9)
        at = time.localtime(seconds)
        return f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}.{ns // 1000:06}"
    if lens.stamp == "start":
        return f"{(call.time - reader.start_monotonic) / 1e9:12.6f}"
    before = _previous(sequence, call, lens.layers)
    return f"{(call.time - before) / 1e9:+12.6f}"


def _previous(sequence: CallSequence, call: Call, layers: LayerFilter) -> int:
    """When the call before was made that the log shows; when this one was, where none of the last 31 is shown."""
    position = sequence.position(call.seq)
    for earlier in range(position - 1, max(-1, position - 32), -1):
        found = sequence.call(earlier)
        if shown(found, layers):
            return found.time
    return call.time
