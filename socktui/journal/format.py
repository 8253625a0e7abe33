"""The format of a capture, byte by byte. This is the one place where it is defined; `_format.h` is made from it.

A capture is a folder `NAME.socktui/`, mode 0700, of files of mode 0600. All numbers are little-endian.

`calls`    a header of 4096 bytes, then one record of 64 bytes per call: record i is at 4096 + 64 * i.
`sockets`  one slot of 128 bytes per socket: socket n (from 1) is at 128 * (n - 1). A slot is what the calls
           of a socket add up to: a list of sockets costs what is visible. `calls` can tell most of it again.
`heap`     bytes that moved, and details of calls. An address into it (`at`) counts from 0 and never wraps.
`ring`     only while the capture is written, or where its writer was killed: the newest bytes of the heap.
           Byte `at` of the heap is at `at` modulo the ring's size. Bytes below `drained` are in `heap`, those
           from `drained` up to `head` are here, and may be in `heap` as well.
`meta.json`  for people and other programs: format, host, program, when it was started, and both clocks.

The header of `calls`
     0  8s   magic, "socktui" and a zero byte
     8  u32  version of the format: a reader refuses a newer one
    12  u32  record_size, 64
    16  u64  count: records that are whole. Written after the record it counts
    24  u64  head: bytes of the heap that are whole
    32  u64  drained: bytes of the heap that are in the file `heap` and need not be in `ring` any more
    40  u32  sockets: slots that are whole
    44  u32  flags: 1 = closed in order
    48  u64  lost_calls: calls that could not be recorded, or not with their arguments (no room on the disk)
    56  u32  disk_errno: what the disk answers now; 0 while it is well, ENOSPC below the floor of free space
    60  u32  lost: how many of the ranges at 128 are in use
    64  u64  ring_size
    72  u64  start_wall: when it began, ns since 1970
    80  u64  start_monotonic: the same on the monotonic clock, ns: the clock of every other time in the capture
    88  u64  stalls: how often reading paused because the disk was slower than the peers
   128  u64 pairs, up to 248: ranges of the heap [from, to) whose bytes were not kept. Details of calls and names of
        sockets that stand in them were, as far as the disk took anything

A record of `calls`
     0  u64  time, ns on the monotonic clock
     8  u64  at: where its bytes begin in the heap
    16  u64  offset: bytes that the socket had moved in this direction and layer before
    24  u32  prev: the socket's record before this one (this one itself for its first)
    28  u32  jump: an earlier record of the socket, so that any of n is found in some log n steps
    32  u32  nth: how many records the socket had before
    36  u32  socket; 0 for a note on the capture as a whole
    40  f32  duration, microseconds
    44  i32  result; -1 when it failed
    48  u32  length: bytes that moved
    52  u32  size: bytes asked for or offered
    56  u16  details: bytes of JSON that follow the bytes that moved
    58  u16  errno
    60  u8   function, as core.call.Function numbers them; 0 is no record, 255 a note
    61  u8   layer, as core.call.Layer numbers them
    62  u16  flags: 1 = a layer above has these bytes too, 2 = they are one message

The details of a call are JSON, `[args, answer, made, via]` as core.call.Call has them; none where all are empty.

The details of a note are a JSON object: `kind`, and its fields as core.note.Note has them. A note moves no bytes.

A slot of `sockets`
     0  u32  last: its newest record        4  u32  calls: its records  8  u32  again: calls that only said EAGAIN
    12  u32  zero                          16  u64  active: time of its newest call
    24  u64  received, bytes               32  u64  sent, bytes
    40  u32  first: the call that made it  44  u32  parent: the listener that accepted it, or 0
    48  i32  fd: its descriptor            52  u16  errno that ended it
    54  u16  names: bytes of JSON at names_at
    56  u8   role                          57  u8   state           58  u8   end        59  u8   zero2
    60  u32  backlog                       64  u64  born            72  u64  ended; 0 while it is open
    80  u64  names_at: in the heap, JSON `{"netid", "local", "peer", "service", "scheme", "who", "reason", "command",
             "insecure"}`
    88  u32  pid of the process whose socket it is; 0 where that is not known
    92  u32  pair: the socket that is the other leg of its tap; 0 where there is none
    96  u64  pending_since: when the call below was made
   104  u32  pending_calls: what `calls` was then. Once it is more, the call below has been answered
   108  u8   pending: the function that was called and has not answered yet; 0 where none
   109       19 bytes, zero

What a reader does not know: a function, layer, role, state or end is shown by its number, and what such a call did to
its socket is not guessed. Bytes of a function that is not known belong to no stream: they are shown with the call, and
neither searched nor counted. Names and fields of notes that are not known are left aside. So functions and layers are
added, and spare bytes (zero so far) are given a meaning, without a new version.

Versions
     1  had no notes, and no fields of slots from 88 on (zero there: nothing is known). Its readers took a function that
        they did not know for socket(2), and after damage believed that
     2  this one. What was written by version 1 reads the same
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from mmap import mmap
from operator import attrgetter
from typing import Any

from socktui.core.call import Argument, Function
from socktui.core.note import Field
from socktui.core.numbered import Members
from socktui.core.sockets import End, Role, Socket, State

MAGIC = b"socktui\0"
VERSION = 2
SUFFIX = ".socktui"
CALLS, SOCKETS, HEAP, RING, META = "calls", "sockets", "heap", "ring", "meta.json"


def _struct(fields: dict[str, str]) -> struct.Struct:
    """Fields by name, each as struct writes it, one after the other without gaps."""
    return struct.Struct("<" + "".join(fields.values()))


def size_of(code: str) -> int:
    """Bytes of a field."""
    return struct.calcsize(f"<{code}")


def offsets(fields: dict[str, str]) -> dict[str, int]:
    """Where each field begins, in bytes."""
    return dict(zip(fields, accumulate(map(size_of, fields.values()), initial=0), strict=False))


HEADER_FIELDS = {
    "magic": "8s", "version": "I", "record_size": "I", "count": "Q", "head": "Q", "drained": "Q", "sockets": "I",
    "flags": "I", "lost_calls": "Q", "disk_errno": "I", "lost": "I", "ring_size": "Q", "start_wall": "Q",
    "start_monotonic": "Q", "stalls": "Q",
}  # fmt: skip
HEADER = _struct(HEADER_FIELDS)
HEADER_SIZE = 4096
_AT = offsets(HEADER_FIELDS)
VERSION_AT, RECORD_SIZE_AT = _AT["version"], _AT["record_size"]
COUNT_AT, HEAD_AT, DRAINED_AT = _AT["count"], _AT["head"], _AT["drained"]
SOCKETS_AT, FLAGS_AT, LOST_CALLS_AT = _AT["sockets"], _AT["flags"], _AT["lost_calls"]
DISK_ERRNO_AT, LOST_AT, RING_SIZE_AT = _AT["disk_errno"], _AT["lost"], _AT["ring_size"]
STARTS_AT, STALLS_AT = _AT["start_wall"], _AT["stalls"]
RANGES_AT, RANGES_MAX = 128, 248
COUNT_END, HEAD_END = COUNT_AT + 8, HEAD_AT + 8
CLOSED_IN_ORDER = 1

RECORD_FIELDS = {
    "time": "Q", "at": "Q", "offset": "Q", "prev": "I", "jump": "I", "nth": "I", "socket": "I", "duration": "f",
    "result": "i", "length": "I", "size": "I", "details": "H", "errno": "H", "function": "B", "layer": "B",
    "flags": "H",
}  # fmt: skip
RECORD = _struct(RECORD_FIELDS)
RECORD_SIZE = 64
_AT = offsets(RECORD_FIELDS)
FUNCTION_AT, LINKS_AT, JUMP_AT = _AT["function"], _AT["prev"], _AT["jump"]
LINKS = struct.Struct("<III")
_PLACE = f"{_AT['at']}xQ{_AT['length'] - _AT['at'] - 8}xI{RECORD_SIZE - _AT['length'] - 4}x"
UNDER, MESSAGE = 1, 2

# What every call changes, what few calls change, and what no call tells.
SLOT_HOT_FIELDS = {
    "last": "I", "calls": "I", "again": "I", "zero": "I", "active": "Q", "received": "Q", "sent": "Q",
}  # fmt: skip
SLOT_COLD_FIELDS = {
    "first": "I", "parent": "I", "fd": "i", "errno": "H", "names": "H", "role": "B", "state": "B", "end": "B",
    "zero2": "B", "backlog": "I", "born": "Q", "ended": "Q", "names_at": "Q",
}  # fmt: skip
SLOT_REST_FIELDS = {"pid": "I", "pair": "I", "pending_since": "Q", "pending_calls": "I", "pending": "B"}
SLOT_FIELDS = SLOT_HOT_FIELDS | SLOT_COLD_FIELDS | SLOT_REST_FIELDS
SLOT_HOT, SLOT_COLD, SLOT_REST = map(_struct, (SLOT_HOT_FIELDS, SLOT_COLD_FIELDS, SLOT_REST_FIELDS))
SLOT_COLD_AT, SLOT_REST_AT = SLOT_HOT.size, SLOT_HOT.size + SLOT_COLD.size
SLOT_END = SLOT_REST_AT + SLOT_REST.size
SLOT_SIZE = 128
ENDED = slice(offsets(SLOT_FIELDS)["ended"], offsets(SLOT_FIELDS)["ended"] + 8)

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")
RANGE = struct.Struct("<QQ")
RANGE_END = U64.size
STARTS = struct.Struct("<QQ")
DETAILS_MOST = 65535
"""Bytes of JSON that a record or a slot can speak of."""

assert HEADER.size <= RANGES_AT
assert RANGES_AT + RANGES_MAX * RANGE.size == HEADER_SIZE
assert RECORD.size == RECORD_SIZE
assert SLOT_END <= SLOT_SIZE

_FUNCTIONS, _ROLES, _STATES, _ENDS = Members(Function), Members(Role), Members(State), Members(End)


@lru_cache(maxsize=2)
def places(count: int) -> struct.Struct:
    """Of so many records only `at` and `length`, all in one go: no object is made for a record."""
    return struct.Struct("<" + _PLACE * count)


# Readers look at any moment, so what they look at is never packed in place: struct fills the place with zeros
# before it writes. Copying it there changes a number at once.


def put_u32(view: mmap, at: int, value: int) -> None:
    """Change a number of 32 bits in place."""
    view[at : at + 4] = U32.pack(value)


def put_u64(view: mmap, at: int, value: int) -> None:
    """Change a number of 64 bits in place."""
    view[at : at + 8] = U64.pack(value)


def pack_details(args: tuple[Argument, ...], answer: Argument | None, made: int, via: int = 0) -> bytes:
    """The JSON that follows a call's bytes; empty where there is nothing to say."""
    if not args and answer is None and not made and not via:
        return b""
    details = [args, answer, made, via] if via else [args, answer, made]
    return json.dumps(details, separators=(",", ":"), ensure_ascii=True).encode()[:DETAILS_MOST]


def unpack_details(data: bytes) -> tuple[tuple[Argument, ...], Argument | None, int, int]:
    """The inverse of pack_details. What is damaged reads as if there were none."""
    try:
        args, answer, made, via = (*json.loads(data), 0)[:4] if data else ((), None, 0, 0)
        return tuple(args), answer, int(made), int(via)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return (), None, 0, 0


KIND = "kind"


def pack_note(kind: str, fields: Mapping[str, Field]) -> bytes:
    """The details of a note. Raises ValueError where they are more than a record can speak of, or no JSON values."""
    if KIND in fields:
        raise ValueError(f"the kind of a note is no field of it: {fields[KIND]!r}")
    details = json.dumps({KIND: kind, **fields}, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    if len(details) > DETAILS_MOST:
        raise ValueError(f"a note of {len(details)} bytes: there is room for {DETAILS_MOST}")
    return details


def unpack_note(data: bytes) -> tuple[str, dict[str, Field]]:
    """The kind and the fields of a note; what is damaged, and what is neither text, number nor truth, is left out."""
    try:
        found = json.loads(data)
        fields = {name: value for name, value in found.items() if value is None or isinstance(value, str | int | float)}
    except (ValueError, AttributeError, RecursionError):
        return "", {}
    return str(fields.pop(KIND, "")), fields


_NAMES = ("netid", "local", "peer", "service", "scheme", "who", "reason", "command", "insecure")
names_of: Callable[[Socket], tuple[str | bool, ...]] = attrgetter(*_NAMES)
"""What a slot has no room for: the JSON is made of it, and only where it has changed."""


def pack_names(names: tuple[str | bool, ...]) -> bytes:
    """The JSON of names_of() a socket."""
    told = {name: value for name, value in zip(_NAMES, names, strict=True) if value}
    return json.dumps(told, separators=(",", ":")).encode()[:DETAILS_MOST]


def names_around_peer(socket: Socket) -> tuple[bytes, bytes]:
    """What pack_names() writes before and behind the peer, which is no part of it yet."""
    before, _, after = pack_names(names_of(replace(socket, peer="\0"))).partition(b"\\u0000")
    return before, after


def pack_hot(view: mmap, at: int, socket: Socket) -> None:
    """Write the part of a slot that every call changes."""
    view[at : at + SLOT_COLD_AT] = SLOT_HOT.pack(
        socket.last, socket.calls, socket.again, 0, socket.active, socket.received, socket.sent
    )


def pack_cold(view: mmap, at: int, socket: Socket, names_at: int, names: int) -> None:
    """Write the part of a slot that only few calls change, and what no call tells."""
    view[at + SLOT_COLD_AT : at + SLOT_END] = SLOT_COLD.pack(
        socket.first,
        socket.parent,
        socket.fd,
        socket.errno & 0xFFFF,
        names,
        socket.role,
        socket.state,
        socket.end,
        0,
        socket.backlog & 0xFFFFFFFF,
        socket.born,
        socket.ended,
        names_at,
    ) + SLOT_REST.pack(
        socket.pid,
        socket.pair,
        socket.pending_since,
        socket.calls if socket.pending else 0,
        socket.pending or 0,
    )


def unpack_slot(number: int, data: bytes) -> tuple[Socket, int, int]:
    """The socket of a slot, and where its names are in the heap and how long. Damage reads as unknown."""
    last, calls, again, _, active, received, sent = SLOT_HOT.unpack_from(data)
    first, parent, fd, errno, names, role, state, end, _, backlog, born, ended, names_at = SLOT_COLD.unpack_from(
        data, SLOT_COLD_AT
    )
    pid, pair, pending_since, pending_calls, pending = SLOT_REST.unpack_from(data, SLOT_REST_AT)
    socket = Socket(number, parent=parent, fd=fd, errno=errno, backlog=backlog, first=first, last=last)
    socket.calls, socket.again, socket.received, socket.sent = calls, again, received, sent
    socket.active, socket.born, socket.ended = active, born, ended
    socket.role, socket.state, socket.end = _ROLES[role], _STATES[state], _ENDS[end]
    socket.pid, socket.pair = pid, pair
    if pending and pending_calls == calls:
        socket.pending, socket.pending_since = _FUNCTIONS[pending], pending_since
    return socket, names_at, names


def apply_names(socket: Socket, data: bytes) -> None:
    """Give a socket the names that pack_names wrote. What is damaged leaves it without."""
    try:
        names: dict[str, Any] = json.loads(data)
        for name in _NAMES[:-1]:
            setattr(socket, name, str(names.get(name, "")))
        socket.insecure = bool(names.get("insecure"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
