"""The format of a capture, byte by byte. This is the one place where it is defined.

A capture is a folder `NAME.socktui/`, mode 0700, of files of mode 0600. All numbers are little-endian.

`calls`    a header of 4096 bytes, then one record of 64 bytes per call: record i is at 4096 + 64 * i.
`sockets`  one slot of 128 bytes per socket: socket n (from 1) is at 128 * (n - 1). A slot is what the calls
           of a socket add up to: a list of sockets costs what is visible. `calls` can tell it all again.
`heap`     bytes that moved, and details of calls. An address into it (`at`) counts from 0 and never wraps.
`ring`     only while the capture is written, or where its writer was killed: the newest bytes of the heap.
           Byte `at` of the heap is at `at` modulo the ring's size. Bytes below `drained` are in `heap`, those
           from `drained` up to `head` are here, and may be in `heap` as well.
`meta.json`  for people and other programs: format, host, program, when it was started, and both clocks.

The header of `calls`
     0  8s   magic, "socktui" and a zero byte
     8  u32  version of the format: a reader refuses a newer one
    12  u32  size of a record, 64
    16  u64  count: records that are whole. Written after the record it counts
    24  u64  head: bytes of the heap that are whole
    32  u64  drained: bytes of the heap that are in the file `heap` and need not be in `ring` any more
    40  u32  sockets: slots that are whole
    44  u32  flags: 1 = closed in order
    48  u64  lost_calls: calls that could not be recorded, or not with their arguments (no room on the disk)
    56  u32  disk_errno: what the disk answers now; 0 while it is well, ENOSPC below the floor of free space
    60  u32  lost: how many of the ranges at 128 are in use
    64  u64  size of the ring
    72  u64  start by the wall clock, ns since 1970
    80  u64  start by the monotonic clock, ns: the clock of every other time in the capture
    88  u64  stalls: how often reading paused because the disk was slower than the peers
   128  u64 pairs, up to 248: ranges of the heap [from, to) whose bytes were not kept. Details of calls and names of
        sockets that stand in them were, as far as the disk took anything

A record of `calls`
     0  u64  time, ns on the monotonic clock
     8  u64  at: where its bytes begin in the heap
    16  u64  offset: bytes that the socket had moved in this direction and layer before
    24  u32  prev: the socket's call before this one (this one itself for its first)
    28  u32  jump: an earlier call of the socket, so that any of n calls is found in some log n steps
    32  u32  nth: how many calls the socket had made before
    36  u32  socket
    40  f32  duration, microseconds
    44  i32  result; -1 when it failed
    48  u32  length: bytes that moved
    52  u32  size: bytes asked for or offered
    56  u16  details: bytes of JSON that follow the bytes that moved
    58  u16  errno
    60  u8   name, as core.call.Name numbers them; 0 is no record
    61  u8   layer, as core.call.Layer numbers them
    62  u16  flags: 1 = a layer above has these bytes too, 2 = they are one message

The details of a call are JSON, `[args, answer, made, via]` as core.call.Call has them; none where all are empty.

A slot of `sockets`
     0  u32  last: its newest call          4  u32  calls           8  u32  again: calls that only said EAGAIN
    12  u32  zero                          16  u64  active: time of its newest call
    24  u64  received, bytes               32  u64  sent, bytes
    40  u32  first: the call that made it  44  u32  parent: the listener that accepted it, or 0
    48  i32  descriptor                    52  u16  errno that ended it
    54  u16  names: bytes of JSON at names_at
    56  u8   role                          57  u8   state           58  u8   end        59  u8   zero
    60  u32  backlog                       64  u64  born            72  u64  ended; 0 while it is open
    80  u64  names_at: in the heap, JSON `{"netid", "local", "peer", "service", "scheme", "who", "reason", "insecure"}`
"""

import json
import struct
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from mmap import mmap
from typing import Any, TypeVar

from socktui.core.call import Argument
from socktui.core.sockets import End, Role, Socket, State

_E = TypeVar("_E", bound=IntEnum)

MAGIC = b"socktui\0"
VERSION = 1
SUFFIX = ".socktui"
CALLS, SOCKETS, HEAP, RING, META = "calls", "sockets", "heap", "ring", "meta.json"

HEADER_SIZE = 4096
HEADER = struct.Struct("<8sIIQQQIIQIIQQQQ")
COUNT_AT, HEAD_AT, DRAINED_AT, SOCKETS_AT, FLAGS_AT = 16, 24, 32, 40, 44
LOST_CALLS_AT, DISK_ERRNO_AT, LOST_AT, STALLS_AT = 48, 56, 60, 88
RANGES_AT, RANGES_MAX = 128, 248
COUNT_END, HEAD_END = COUNT_AT + 8, HEAD_AT + 8
CLOSED_IN_ORDER = 1
UNDER, MESSAGE = 1, 2

RECORD = struct.Struct("<QQQIIIIfiIIHHBBH")
RECORD_SIZE = 64
JUMP_AT = 28
LINKS = struct.Struct("<III")
LINKS_AT = 24

SLOT_HOT = struct.Struct("<IIIIQQQ")
SLOT_COLD = struct.Struct("<IIiHHBBBBIQQQ")
SLOT_COLD_AT = 40
SLOT_END = SLOT_COLD_AT + SLOT_COLD.size
SLOT_SIZE = 128
ENDED = slice(72, 80)

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")
RANGE = struct.Struct("<QQ")
STARTS = struct.Struct("<QQ")
STARTS_AT = 72

assert RECORD.size == RECORD_SIZE
assert SLOT_HOT.size == SLOT_COLD_AT
assert SLOT_END <= SLOT_SIZE


@lru_cache(maxsize=2)
def places(count: int) -> struct.Struct:
    """Of so many records only `at` and `length`, all in one go: no object is made for a record."""
    return struct.Struct("<" + "8xQ32xI12x" * count)


# Readers look at any moment, so what they look at is never packed in place: struct fills the place with zeros
# before it writes. Copying it there changes a number at once.


def put_u32(view: mmap, at: int, value: int) -> None:
    view[at : at + 4] = U32.pack(value)


def put_u64(view: mmap, at: int, value: int) -> None:
    view[at : at + 8] = U64.pack(value)


def pack_details(args: tuple[Argument, ...], answer: Argument | None, made: int, via: int = 0) -> bytes:
    """The JSON that follows a call's bytes; empty where there is nothing to say."""
    if not args and answer is None and not made and not via:
        return b""
    details = [args, answer, made, via] if via else [args, answer, made]
    return json.dumps(details, separators=(",", ":"), ensure_ascii=True).encode()[:65535]


def unpack_details(data: bytes) -> tuple[tuple[Argument, ...], Argument | None, int, int]:
    """The inverse of pack_details. What is damaged reads as if there were none."""
    try:
        args, answer, made, via = (*json.loads(data), 0)[:4] if data else ((), None, 0, 0)
        return tuple(args), answer, int(made), int(via)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return (), None, 0, 0


_NAMES = ("netid", "local", "peer", "service", "scheme", "who", "reason")


def pack_names(socket: Socket) -> bytes:
    names: dict[str, Any] = {name: getattr(socket, name) for name in _NAMES}
    names["insecure"] = socket.insecure
    return json.dumps({name: value for name, value in names.items() if value}, separators=(",", ":")).encode()[:65535]


def names_around_peer(socket: Socket) -> tuple[bytes, bytes]:
    """What pack_names() writes before and behind the peer, which is no part of it yet."""
    before, _, after = pack_names(replace(socket, peer="\0")).partition(b"\\u0000")
    return before, after


def pack_hot(view: mmap, at: int, socket: Socket) -> None:
    """Write the part of a slot that every call changes."""
    view[at : at + SLOT_COLD_AT] = SLOT_HOT.pack(
        socket.last, socket.calls, socket.again, 0, socket.active, socket.received, socket.sent
    )


def pack_cold(view: mmap, at: int, socket: Socket, names_at: int, names: int) -> None:
    """Write the part of a slot that only few calls change."""
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
    )


def unpack_slot(number: int, data: bytes) -> tuple[Socket, int, int]:
    """The socket of a slot, and where its names are in the heap and how long. Damage reads as unknown."""
    last, calls, again, _, active, received, sent = SLOT_HOT.unpack_from(data)
    first, parent, fd, errno, names, role, state, end, _, backlog, born, ended, names_at = SLOT_COLD.unpack_from(
        data, SLOT_COLD_AT
    )
    socket = Socket(number, parent=parent, fd=fd, errno=errno, backlog=backlog, first=first, last=last)
    socket.calls, socket.again, socket.received, socket.sent = calls, again, received, sent
    socket.active, socket.born, socket.ended = active, born, ended
    socket.role = _member(Role, role, Role.NEW)
    socket.state = _member(State, state, State.UNCONN)
    socket.end = _member(End, end, End.OPEN)
    return socket, names_at, names


def _member(kind: type[_E], value: int, otherwise: _E) -> _E:
    try:
        return kind(value)
    except ValueError:
        return otherwise


def apply_names(socket: Socket, data: bytes) -> None:
    """Give a socket the names that pack_names wrote. What is damaged leaves it without."""
    try:
        names: dict[str, Any] = json.loads(data)
        for name in _NAMES:
            setattr(socket, name, str(names.get(name, "")))
        socket.insecure = bool(names.get("insecure"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
