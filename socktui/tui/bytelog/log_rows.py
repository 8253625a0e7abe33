"""A call as it stands in the byte log: rows of text, of which any page can be made without the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, overload

from socktui.core.call import TRANSFERS, Call, Function, Layer, address_text, errno_name
from socktui.core.endpoint import SCHEMES
from socktui.core.rows import Row, bytes_per_row, hex_row, offset_digits, plain, tail, text_rows
from socktui.core.safe import safe
from socktui.core.source import agreed, meaning, message_kind
from socktui.journal.search import LayerFilter
from socktui.tui.call_sequence import CallSequence

PAGE = 4096
"""Bytes of a call that are laid out at a time. A multiple of every number of bytes in a row."""

GUTTER = 2

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
    """How bytes are looked at. Any of it can be changed at any time: the bytes are kept raw."""

    view: View = "both"
    encoding: str = "utf-8"
    stamp: Stamp = "clock"
    seen: LayerFilter = "clear"


class Heading(NamedTuple):
    """The first row of a call: its time, its way, what happened and whose it was, all fit to be shown."""

    stamp: str
    way: Literal["sent", "received", "event", "failed"]
    text: str
    whose: str


BlockRow = Heading | Row | None
"""A row of a block: its heading, a row of its bytes, or the note that they were not kept (None)."""


def shown(call: Call, seen: LayerFilter) -> bool:
    """Whether the byte log has anything to say of a call: bytes that moved, and what begins and ends a talk."""
    if seen == "wire" and call.layer is not Layer.WIRE:
        return False
    if call.transfers and (call.length or call.empty):
        return seen != "clear" or not call.under
    if call.failed:
        return call.name in _FAILURES
    bound = call.name is Function.BIND and call.message  # nothing listens there, and yet it is a server
    return call.eof or bound or call.name in _EVENTS or _reset(call)


def pages(call: Call, seen: LayerFilter) -> int:
    """How many pages a call's rows are laid out in; 0 where the log does not show it."""
    if not shown(call, seen):
        return 0
    return max(1, -(-call.length // PAGE))


class HexLook(NamedTuple):
    """How a row of bytes is dumped: bytes of a row, and the digits of its offset; the text beside it or not."""

    size: int
    encoding: str
    digits: int
    text: bool


class HexRows(Sequence[BlockRow]):
    """The rows of a page as a hex dump, each made when it is asked for: a page has many more than are seen."""

    def __init__(self, before: list[BlockRow], data: bytes, offset: int, look: HexLook):
        self._before = before
        self._data = data
        self._offset = offset
        self._look = look
        self._len = len(before) + -(-len(data) // look.size)

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return self._look.size

    def __len__(self) -> int:
        return self._len

    @overload
    def __getitem__(self, index: int) -> BlockRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[BlockRow]: ...
    def __getitem__(self, index: int | slice) -> BlockRow | Sequence[BlockRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if index < len(self._before):
            return self._before[index]
        size, encoding, digits, text = self._look
        at = (index - len(self._before)) * size
        return hex_row(self._data[at : at + size], self._offset + at, size, encoding, digits=digits, text=text)


def rows(
    sequence: CallSequence, call: Call, page: int, lens: Lens, cells: int, whose: Callable[[int], str]
) -> Sequence[BlockRow]:
    """The rows of a page of a call, in `cells` cells. The first page begins with the heading."""
    found: list[BlockRow] = [heading(sequence, call, lens, cells, whose)] if page == 0 else []
    if not call.length:
        return found
    start = page * PAGE
    data = sequence.reader.data(call, start, start + PAGE)
    if data is None:
        # Said once, however many pages are missing.
        told = page > 0 and sequence.reader.data(call, start - PAGE, start) is None
        return found if told else [*found, None]
    if lens.view == "text":
        carry = carried_over(sequence, call, start, lens.encoding)
        final = start + len(data) >= call.length and sequence.newest(call)
        return [*found, *text_rows(data, lens.encoding, cells, carry, final)]
    text = lens.view == "both"
    # A message is looked at by itself, a stream as a whole.
    origin = 0 if call.message else call.offset
    look = _hex_look((origin + call.length).bit_length(), cells, lens.encoding, text)
    return HexRows(found, data, origin + start, look)


@lru_cache(maxsize=256)
def _hex_look(bits: int, cells: int, encoding: str, text: bool) -> HexLook:
    """How rows are dumped whose offsets have up to so many bits: with fewer digits than look best where else they
    would be shorter.
    """
    digits = offset_digits((1 << bits) - 1)
    fewer = max(4, -(-bits // 4))
    size, digits = max((bytes_per_row(cells, each, text), each) for each in (digits, fewer))
    return HexLook(size, encoding, digits, text)


def heading(sequence: CallSequence, call: Call, lens: Lens, cells: int, whose: Callable[[int], str]) -> Heading:
    label = safe(whose(call.socket))
    stamp = _stamp(sequence, call, lens)
    if lens.stamp == "clock" and cells < NARROW:
        stamp = stamp[:-3]
    if call.length or call.empty:
        return Heading(stamp, "sent" if call.sends else "received", safe(_moved(sequence, call, lens.seen)), label)
    if call.failed and errno_name(call.errno) != "EINPROGRESS":
        why = f"{errno_name(call.errno)} {call.name} {_address(call)}" if call.errno else f"{call.name}: {call.answer}"
        return Heading(stamp, "failed", safe(why.rstrip()), label)
    return Heading(stamp, "event", safe(_event(call)), label)


def _moved(sequence: CallSequence, call: Call, seen: LayerFilter) -> str:
    """`sent 13 at 26`, `received 20 of 50 · datagram`, `sent 4 · ping · ws`; and what a packet says."""
    scheme = sequence.scheme(call.socket)
    means = meaning(scheme, call, lambda: sequence.reader.data(call, 0, PAGE))
    parts = [f"{'sent' if call.sends else 'received'} {call.length}"]
    if call.message:
        parts[0] += f" of {call.result}" if call.result > call.length else ""
        parts.append("" if means else message_kind(scheme, call))
    elif call.offset:
        parts[0] += f" at {call.offset}"
    if seen == "all" and scheme in SCHEMES and SCHEMES[scheme].layers:
        parts.append(str(call.layer))
    return " · ".join(part for part in (*parts, means) if part)


def text_of(row: BlockRow) -> str:
    """A row as it is copied."""
    if row is None:
        return "(these bytes were not kept)"
    if isinstance(row, Heading):
        arrow = {"sent": "→", "received": "←"}.get(row.way, "─")
        return f"{row.stamp} {arrow} {row.text}  {row.whose}".rstrip()
    return plain(row).rstrip()


def copied(pages: Iterable[Sequence[BlockRow]]) -> str:
    """The rows of pages as they are copied, no more than is fit for a clipboard."""
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


def carried_over(sequence: CallSequence, call: Call, start: int, encoding: str) -> bytes:
    """The bytes of a character that began before byte `start` of a call, and is shown after it."""
    before = sequence.reader.data(call, start - 3, start) if start else sequence.carry(call)
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
    before = _previous(sequence, call, lens.seen)
    return f"{(call.time - before) / 1e9:+12.6f}"


def _previous(sequence: CallSequence, call: Call, seen: LayerFilter) -> int:
    """When the call before was made, of those that the log shows."""
    position = sequence.position(call.seq)
    for earlier in range(position - 1, max(-1, position - 32), -1):
        found = sequence.call(earlier)
        if shown(found, seen):
            return found.time
    return call.time
