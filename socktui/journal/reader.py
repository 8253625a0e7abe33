"""Reading a capture, live or finished: any call, any socket and any byte by one seek, however long it is."""

import fcntl
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socktui.core.call import Argument, Call, Function, Layer
from socktui.core.note import Note
from socktui.core.numbered import Members
from socktui.core.sockets import Socket
from socktui.journal import format
from socktui.journal.calls_file import CallsFile
from socktui.journal.files import CaptureError as CaptureError
from socktui.journal.files import check_header, open_file
from socktui.journal.meta import read_meta

_FUNCTIONS, _LAYERS = Members(Function), Members(Layer)
_NOTE = Function.NOTE


@dataclass(frozen=True, slots=True)
class Health:
    """What a capture is missing.

    lost_bytes   bytes that moved and were not kept
    lost_calls   calls that could not be recorded
    disk_errno   what the disk answers at present; 0 while it is well
    cut          records that stand in the file but are not whole (a torn tail)
    """

    lost_bytes: int
    lost_calls: int
    disk_errno: int
    cut: int

    @property
    def whole(self) -> bool:
        """Whether no bytes and no calls are known to be lost."""
        return not (self.lost_bytes or self.lost_calls)


class Reader:
    """A capture, read by mmap. `count` and `sockets` are as of the last refresh().

    coming           its writer has still to make it: it is empty until begin() is called
    start_wall       when it began, ns since 1970
    start_monotonic  the same on the clock of the calls, ns

    Raises CaptureError where `path` is no capture, is damaged beyond reading, or of a newer format.
    """

    def __init__(self, path: Path, *, coming: bool = False) -> None:
        self.path = path
        self.count = 0
        self.sockets = 0
        self.cut = 0
        self.start_wall = 0
        self.start_monotonic = 0
        self._header: mmap.mmap | bytes = bytes(format.HEADER_SIZE)
        self._calls = self._heap_fd = self._sockets_fd = -1
        self._records = CallsFile(-1, path)
        self._slot_map: mmap.mmap | None = None
        self._slots_mapped = 0
        self._heap_size = 0
        self._ring: mmap.mmap | None = None
        self._rebuilt: list[Socket] | None = None
        self._slots_lost = False
        self._behind: Call | None = None
        self._finished = False
        if not coming:
            self.begin()

    def begin(self) -> None:
        """Open what has been made by now. Raises CaptureError."""
        try:
            self._calls = open_file(self.path / format.CALLS, self.path)
            check_header(self._calls, self.path)
            self._header = mmap.mmap(self._calls, format.HEADER_SIZE, access=mmap.ACCESS_READ)
            self._heap_fd = open_file(self.path / format.HEAP, self.path)
            self._sockets_fd = open_file(self.path / format.SOCKETS, self.path)
        except BaseException:
            self.close()
            raise
        self._ring = self._map_ring()
        self._records = CallsFile(self._calls, self.path)
        self.start_wall, self.start_monotonic = format.STARTS.unpack_from(self._header, format.STARTS_AT)
        self.refresh()
        if not self.live:
            self.refresh()
            self._trim()
            self._finished = True

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files. Nothing can be read any more."""
        self._records.close()
        for each in (self._slot_map, self._ring, self._header):
            if isinstance(each, mmap.mmap):
                each.close()
        for fd in (self._calls, self._heap_fd, self._sockets_fd):
            if fd >= 0:
                os.close(fd)
        self._calls = self._heap_fd = self._sockets_fd = -1

    # What there is

    @property
    def meta(self) -> dict[str, Any]:
        """What meta.json tells of it."""
        return read_meta(self.path)

    def refresh(self) -> bool:
        """Look for news; whether there are any."""
        if self._finished:
            return False
        before = (self.count, self.sockets)
        (self.count,) = format.U64.unpack_from(self._header, format.COUNT_AT)
        (self.sockets,) = format.U32.unpack_from(self._header, format.SOCKETS_AT)
        return before != (self.count, self.sockets)

    @property
    def live(self) -> bool:
        """Whether somebody is writing it, or is going to."""
        if self._calls < 0:
            return True
        try:
            fcntl.flock(self._calls, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._calls, fcntl.LOCK_UN)
        return False

    @property
    def closed_in_order(self) -> bool:
        """Whether its writer has closed it; one that was killed has not."""
        return bool(format.U32.unpack_from(self._header, format.FLAGS_AT)[0] & format.CLOSED_IN_ORDER)

    @property
    def stalls(self) -> int:
        """How often its writer stopped reading because the disk was behind."""
        return int(format.U64.unpack_from(self._header, format.STALLS_AT)[0])

    @property
    def health(self) -> Health:
        """What it is missing, as of now."""
        (lost_calls,) = format.U64.unpack_from(self._header, format.LOST_CALLS_AT)
        (disk_errno,) = format.U32.unpack_from(self._header, format.DISK_ERRNO_AT)
        lost = sum(max(0, end - start) for start, end in self.lost)
        return Health(lost, lost_calls, disk_errno, self.cut)

    @property
    def lost(self) -> list[tuple[int, int]]:
        """The ranges [from, to) of the heap whose bytes were not kept, in their order."""
        (used,) = format.U32.unpack_from(self._header, format.LOST_AT)
        return [
            format.RANGE.unpack_from(self._header, format.RANGES_AT + i * format.RANGE.size)
            for i in range(min(used, format.RANGES_MAX))
        ]

    # Calls

    def call(self, seq: int) -> Call:
        """Call number `seq`; a note reads as one. Raises IndexError where there is none (yet)."""
        (
            time, at, offset, _, _, _, socket, duration, result, length, size, details, errno, name, layer, flags,
        ) = self._records.record(self._known(seq))  # fmt: skip
        args: tuple[Argument, ...] = ()
        answer: Argument | None = None
        made = via = 0
        function = _FUNCTIONS[name]
        if function is _NOTE:
            note = self.note(seq)
            args, answer = (note.kind,), note.text
        elif details:
            args, answer, made, via = format.unpack_details(self.heap(at + length, details, rescued=True) or b"")
        return Call(
            seq,
            time,
            _ns(duration),
            socket,
            function,
            result,
            errno,
            size,
            args,
            answer,
            made,
            offset,
            at,
            length,
            _LAYERS[layer],
            bool(flags & format.UNDER),
            bool(flags & format.MESSAGE),
            via,
        )

    def note(self, seq: int) -> Note:
        """Note number `seq`. Raises IndexError where there is none (yet), ValueError where that is a call."""
        time, at, _, _, _, _, socket, _, _, length, _, details, _, function, _, _ = self._records.record(
            self._known(seq)
        )
        if function != Function.NOTE:
            raise ValueError(f"{seq} is a call")
        kind, fields = format.unpack_note(self.heap(at + length, details, rescued=True) or b"")
        return Note(seq, time, socket, kind, fields)

    def places(self, start: int, stop: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where the bytes of the calls [start, stop), which are there, begin in the heap, and how many they are."""
        return self._records.places(start, stop)

    def data(self, call: Call, start: int = 0, stop: int | None = None) -> bytes | None:
        """The bytes [start, stop) that a call moved; None where they were not kept."""
        stop = call.length if stop is None else min(stop, call.length)
        return self.heap(call.at + start, stop - start) if stop > start else b""

    def heap(self, at: int, length: int, *, rescued: bool = False) -> bytes | None:
        """Bytes of the heap; None where any of them was not kept or is no longer there.

        rescued   they say what a call was: those are kept in the midst of bytes that are not
        """
        begin, end = at, at + length
        if end > format.U64.unpack_from(self._header, format.HEAD_AT)[0]:
            return None
        parts = []
        while at < end:
            part = self._heap_part(at, end)
            if part is None:
                return None
            parts.append(part)
            at += len(part)
        # The writer notes what it could not keep before it says that those bytes have left the ring.
        if not rescued and [1 for start, stop in self.lost if start < end and begin < stop]:
            return None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _heap_part(self, at: int, end: int) -> bytes | None:
        """Some bytes of the heap from `at` on; empty where the writer moved on while they were read."""
        (drained,) = format.U64.unpack_from(self._header, format.DRAINED_AT)
        if self._ring is None or at < drained:
            stop = end if self._ring is None else min(end, drained)
            if stop > self._heap_size:
                self._heap_size = os.fstat(self._heap_fd).st_size
                if stop > self._heap_size:
                    return None
            return os.pread(self._heap_fd, stop - at, at) or None
        if end - drained > len(self._ring):
            return None
        position = at % len(self._ring)
        part = self._ring[position : position + end - at]
        moved_on = format.U64.unpack_from(self._header, format.DRAINED_AT)[0] > at
        return b"" if moved_on else part

    # Sockets

    def socket(self, number: int) -> Socket:
        """Socket number `number` (from 1) as its calls left it. Raises IndexError where there is none."""
        if not 1 <= number <= self.sockets:
            raise IndexError(number)
        socket = None if self._slots_lost else self._from_slot(number)
        if socket is None or (self._finished and socket.last >= max(self.count, 1)):
            self._slots_lost = True
            return self._rebuild()[number - 1]
        if self._behind and number == self._behind.socket and socket.last < self._behind.seq:
            socket.apply(self._behind)
        return socket

    def open(self, number: int) -> bool:
        """Whether socket number `number` is open, at little cost."""
        data = self._slot(number)
        return self._rebuild()[number - 1].open if data is None else not any(data[format.ENDED])

    def nth(self, socket: Socket, n: int) -> int:
        """Which record is the socket's n-th (from 0), in steps that grow with the logarithm of their number.

        Below the first and above the last it is that one. The socket has to have any.
        """
        return self._records.nth(socket.number, self._known(socket.last), n)

    def rank(self, seq: int) -> int:
        """How many records the socket of record `seq` had before it. Raises IndexError where there is no `seq`."""
        return self._records.links(self._known(seq))[2]

    def before(self, seq: int) -> int | None:
        """The same socket's record before `seq`; None for its first. Raises IndexError where there is no `seq`."""
        prev = self._records.links(self._known(seq))[0]
        return None if prev >= seq else prev

    # Files

    def _known(self, seq: int) -> int:
        """The number of a call that is there. Raises IndexError where it is not."""
        if not 0 <= seq < self.count:
            # While it is written, a socket may tell of calls that were made since the last refresh().
            count = 0 if self._finished else format.U64.unpack_from(self._header, format.COUNT_AT)[0]
            if not 0 <= seq < count:
                raise IndexError(seq)
        return seq

    def _from_slot(self, number: int) -> Socket | None:
        """A socket as its slot tells; None where that is damaged."""
        data = self._slot(number)
        if data is None:
            return None
        socket, names_at, names = format.unpack_slot(number, data)
        format.apply_names(socket, self.heap(names_at, names, rescued=True) or b"")
        return socket

    def _slot(self, number: int) -> bytes | None:
        at = (number - 1) * format.SLOT_SIZE
        if self._slot_map is None or at + format.SLOT_SIZE > self._slots_mapped:
            if self._slot_map:
                self._slot_map.close()
                self._slot_map = None
            self._slots_mapped = os.fstat(self._sockets_fd).st_size
            if at + format.SLOT_SIZE > self._slots_mapped:
                return None
            self._slot_map = mmap.mmap(self._sockets_fd, self._slots_mapped, access=mmap.ACCESS_READ)
        data = self._slot_map[at : at + format.SLOT_SIZE]
        return None if self._finished and not any(data) else data

    def _rebuild(self) -> list[Socket]:
        """The sockets, made again from the calls."""
        if self._rebuilt is None:
            sockets: dict[int, Socket] = {}
            known: dict[int, Socket] = {}
            for number in range(1, self.sockets + 1):
                known[number] = self._from_slot(number) or Socket(number)
                sockets[number] = Socket(number)
                sockets[number].remember(known[number])
            for seq in range(self.count):
                call = self.call(seq)
                socket = sockets.setdefault(call.socket, Socket(call.socket))
                if call.via and not socket.calls:
                    socket.peered_by(call, sockets.setdefault(call.via, Socket(call.via)))
                socket.apply(call)
                if call.made:
                    sockets.setdefault(call.made, Socket(call.made)).accepted(call, socket)
            for socket in sockets.values():
                bound = sockets.get(socket.parent)
                if socket.datagrams and bound and bound.ended and not socket.ended:
                    socket.over(bound.ended)
                socket.wait(known.get(socket.number, socket))
            self._rebuilt = [sockets[number] for number in range(1, self.sockets + 1)]
        return self._rebuilt

    def _map_ring(self) -> mmap.mmap | None:
        """The ring, where it is still there: the capture is live, or its writer was killed."""
        try:
            fd = open_file(self.path / format.RING, self.path)
        except CaptureError:
            return None
        try:
            size = os.fstat(fd).st_size
            if not size or size != format.U64.unpack_from(self._header, format.RING_SIZE_AT)[0]:
                return None
            return mmap.mmap(fd, size, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)

    def _trim(self) -> None:
        """Cut off a torn tail: records that the file does not hold, or that were never written."""
        counted = self.count
        there = (os.fstat(self._calls).st_size - format.HEADER_SIZE) // format.RECORD_SIZE
        self.count = min(self.count, there)
        while self.count and not self._records.function(self.count - 1):
            self.count -= 1
        self.cut = counted - self.count
        slots = os.fstat(self._sockets_fd).st_size // format.SLOT_SIZE
        self.sockets = min(self.sockets, max(slots, self.count + 1))
        self._slots_lost = self.cut > 0
        if self.count and not self.closed_in_order:
            # A writer that was killed may have had no time to tell the socket of its last call.
            self._behind = self.call(self.count - 1)


def _ns(microseconds: float) -> int:
    """Damage can make a duration anything, even not a number."""
    return int(microseconds * 1000) if 0 <= microseconds < 1e15 else 0
