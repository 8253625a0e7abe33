"""Reading a capture, live or finished: any call, any socket and any byte by one seek, however long it is."""

import fcntl
import json
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socktui.core.call import Argument, Call, Layer, Name
from socktui.core.sockets import Socket
from socktui.journal import record

WINDOW = 1 << 20
_UNKNOWN = Name.SOCKET
_NAMES = {int(name): name for name in Name}


class CaptureError(Exception):
    """One line that says why a folder cannot be read as a capture."""


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
        return not (self.lost_bytes or self.lost_calls)


class Reader:
    """A capture, read by mmap. `count` and `sockets` are as of the last refresh().

    Raises CaptureError where `path` is no capture, is damaged beyond reading, or of a newer format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._calls = _open(path / record.CALLS, path)
        self._maps: dict[int, mmap.mmap] = {}
        self._slot_map: mmap.mmap | None = None
        self._slots_mapped = 0
        self._heap_fd = self._sockets_fd = -1
        self._ring: mmap.mmap | None = None
        self._rebuilt: list[Socket] | None = None
        try:
            self._header = self._map_header()
            self._heap_fd = _open(path / record.HEAP, path)
            self._sockets_fd = _open(path / record.SOCKETS, path)
        except BaseException:
            self.close()
            raise
        self._ring = self._map_ring()
        self.meta = _meta(path)
        self.count = 0
        self.sockets = 0
        self.cut = 0
        self._finished = False
        self.refresh()
        if not self.live:
            self.refresh()
            self.cut = self._trim()
            self._finished = True

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for mapped in self._maps.values():
            mapped.close()
        self._maps.clear()
        for mapped_or_none in (self._slot_map, self._ring, getattr(self, "_header", None)):
            if mapped_or_none is not None:
                mapped_or_none.close()
        for fd in (self._calls, self._heap_fd, self._sockets_fd):
            if fd >= 0:
                os.close(fd)
        self._calls = self._heap_fd = self._sockets_fd = -1

    # What there is

    def refresh(self) -> bool:
        """Look for news; whether there are any."""
        if self._finished:
            return False
        before = (self.count, self.sockets)
        (self.count,) = record.U64.unpack_from(self._header, record.COUNT_AT)
        (self.sockets,) = record.U32.unpack_from(self._header, record.SOCKETS_AT)
        return before != (self.count, self.sockets)

    @property
    def live(self) -> bool:
        """Whether somebody is writing it."""
        try:
            fcntl.flock(self._calls, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._calls, fcntl.LOCK_UN)
        return False

    @property
    def closed_in_order(self) -> bool:
        return bool(record.U32.unpack_from(self._header, record.FLAGS_AT)[0] & record.CLOSED_IN_ORDER)

    @property
    def start_wall(self) -> int:
        """When the capture began, ns since 1970."""
        return int(record.U64.unpack_from(self._header, 72)[0])

    @property
    def start_monotonic(self) -> int:
        """The same on the clock of the calls, ns."""
        return int(record.U64.unpack_from(self._header, 80)[0])

    @property
    def stalls(self) -> int:
        return int(record.U64.unpack_from(self._header, record.STALLS_AT)[0])

    @property
    def health(self) -> Health:
        (lost_calls,) = record.U64.unpack_from(self._header, record.LOST_CALLS_AT)
        (disk_errno,) = record.U32.unpack_from(self._header, record.DISK_ERRNO_AT)
        lost = sum(end - start for start, end in self._lost())
        return Health(lost, lost_calls, disk_errno, self.cut)

    # Calls

    def call(self, seq: int) -> Call:
        """Call number `seq`. Raises IndexError where there is none (yet)."""
        (
            time, at, offset, _, _, _, socket, duration, result, length, size, details, errno, name, layer, _,
        ) = self._record(seq)  # fmt: skip
        args: tuple[Argument, ...] = ()
        answer: Argument | None = None
        made = 0
        if details:
            args, answer, made = record.unpack_details(self.heap(at + length, details) or b"")
        return Call(
            seq,
            time,
            _ns(duration),
            socket,
            _NAMES.get(name, _UNKNOWN),
            result,
            errno,
            size,
            args,
            answer,
            made,
            offset,
            at,
            length,
            Layer(layer) if layer in _LAYERS else Layer.WIRE,
        )

    def data(self, call: Call, start: int = 0, stop: int | None = None) -> bytes | None:
        """The bytes [start, stop) that a call moved; None where they were not kept."""
        stop = call.length if stop is None else min(stop, call.length)
        return self.heap(call.at + start, stop - start) if stop > start else b""

    def heap(self, at: int, length: int) -> bytes | None:
        """Bytes of the heap; None where any of them was not kept or is no longer there."""
        if any(start < at + length and at < end for start, end in self._lost()):
            return None
        parts = []
        end = at + length
        head, drained = (
            record.U64.unpack_from(self._header, x)[0] for x in (record.HEAD_AT, record.DRAINED_AT)
        )
        if end > head or (self._ring and end - drained > len(self._ring)):
            return None
        while at < end:
            (drained,) = record.U64.unpack_from(self._header, record.DRAINED_AT)
            if at < drained or self._ring is None:
                part = os.pread(self._heap_fd, (min(end, drained) if self._ring else end) - at, at)
                if not part:
                    return None
            else:
                position = at % len(self._ring)
                part = self._ring[position : position + end - at]
                if not part or record.U64.unpack_from(self._header, record.DRAINED_AT)[0] > at:
                    continue  # the writer moved on meanwhile: what was read may be newer bytes
            parts.append(part)
            at += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    # Sockets

    def socket(self, number: int) -> Socket:
        """Socket number `number` (from 1) as its calls left it. Raises IndexError where there is none."""
        if not 1 <= number <= self.sockets:
            raise IndexError(number)
        data = self._slot(number)
        if data is None:
            return self._rebuild()[number - 1]
        socket, names_at, names = record.unpack_slot(number, data)
        record.apply_names(socket, self.heap(names_at, names) or b"")
        return socket

    def open(self, number: int) -> bool:
        """Whether socket number `number` is open, at little cost."""
        data = self._slot(number)
        return self._rebuild()[number - 1].open if data is None else not any(data[record.ENDED])

    def nth(self, socket: Socket, n: int) -> int:
        """Which call is the socket's n-th (from 0), in steps that grow with the logarithm of its calls."""
        seq = socket.last
        while True:
            fields = self._record(seq)
            prev, jump, nth = fields[3], fields[4], fields[5]
            if nth <= n or prev >= seq:
                return seq
            seq = jump if jump < seq and self._record(jump)[5] >= n else prev

    def rank(self, seq: int) -> int:
        """How many calls the socket of call `seq` had made before it."""
        return int(self._record(seq)[5])

    def before(self, seq: int) -> int | None:
        """The same socket's call before `seq`; None for its first."""
        prev = self._record(seq)[3]
        return None if prev >= seq else int(prev)

    # Files

    def _record(self, seq: int) -> tuple[Any, ...]:
        if not 0 <= seq < self.count:
            raise IndexError(seq)
        window, place = divmod(record.HEADER_SIZE + seq * record.RECORD_SIZE, WINDOW)
        mapped = self._maps.get(window)
        if mapped is None or place + record.RECORD_SIZE > len(mapped):
            mapped = self._map_window(window)
        return record.RECORD.unpack_from(mapped, place)

    def _map_window(self, window: int) -> mmap.mmap:
        """Map a piece of `calls`, and let go of the oldest: memory does not grow with what was looked at."""
        old = self._maps.pop(window, None)
        if old:
            old.close()
        while len(self._maps) >= 16:
            self._maps.pop(next(iter(self._maps))).close()
        size = min(WINDOW, os.fstat(self._calls).st_size - window * WINDOW)
        mapped = mmap.mmap(self._calls, size, offset=window * WINDOW, access=mmap.ACCESS_READ)
        self._maps[window] = mapped
        return mapped

    def _slot(self, number: int) -> bytes | None:
        """The slot of a socket; None where it is damaged and the calls have to tell."""
        if self._rebuilt is not None:
            return None
        at = (number - 1) * record.SLOT_SIZE
        if self._slot_map is None or at + record.SLOT_SIZE > self._slots_mapped:
            if self._slot_map:
                self._slot_map.close()
                self._slot_map = None
            self._slots_mapped = os.fstat(self._sockets_fd).st_size
            if at + record.SLOT_SIZE > self._slots_mapped:
                return None
            self._slot_map = mmap.mmap(self._sockets_fd, self._slots_mapped, access=mmap.ACCESS_READ)
        data = self._slot_map[at : at + record.SLOT_SIZE]
        return None if self._finished and not any(data) else data

    def _rebuild(self) -> list[Socket]:
        """The sockets, made again from the calls."""
        if self._rebuilt is None:
            sockets: dict[int, Socket] = {number: Socket(number) for number in range(1, self.sockets + 1)}
            for seq in range(self.count):
                call = self.call(seq)
                listener = sockets.setdefault(call.socket, Socket(call.socket))
                listener.apply(call)
                if call.made:
                    sockets.setdefault(call.made, Socket(call.made)).accepted(call, listener)
            self._rebuilt = [sockets[number] for number in range(1, self.sockets + 1)]
        return self._rebuilt

    def _lost(self) -> list[tuple[int, int]]:
        (used,) = record.U32.unpack_from(self._header, record.LOST_AT)
        return [
            record.RANGE.unpack_from(self._header, record.RANGES_AT + i * record.RANGE.size)
            for i in range(min(used, record.RANGES_MAX))
        ]

    def _map_header(self) -> mmap.mmap:
        size = os.fstat(self._calls).st_size
        magic = os.pread(self._calls, len(record.MAGIC), 0)
        if magic != record.MAGIC:
            raise CaptureError(f"{self.path} is no capture of socktui: its file 'calls' is of another kind")
        version, record_size = (record.U32.unpack(os.pread(self._calls, 4, at))[0] for at in (8, 12))
        if version > record.VERSION:
            raise CaptureError(
                f"{self.path} is of format {version}, and this version reads up to {record.VERSION}: "
                "open it with a newer socktui"
            )
        if version < 1 or size < record.HEADER_SIZE or record_size != record.RECORD_SIZE:
            raise CaptureError(f"{self.path} is damaged: the header of its file 'calls' makes no sense")
        return mmap.mmap(self._calls, record.HEADER_SIZE, access=mmap.ACCESS_READ)

    def _map_ring(self) -> mmap.mmap | None:
        """The ring, where it is still there: the capture is live, or its writer was killed."""
        try:
            fd = os.open(self.path / record.RING, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            size = os.fstat(fd).st_size
            if not size or size != record.U64.unpack_from(self._header, 64)[0]:
                return None
            return mmap.mmap(fd, size, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)

    def _trim(self) -> int:
        """Cut off a torn tail: records that the file does not hold, or that were never written. How many."""
        counted = self.count
        there = (os.fstat(self._calls).st_size - record.HEADER_SIZE) // record.RECORD_SIZE
        self.count = min(self.count, there)
        while self.count and self._record(self.count - 1)[13] == 0:
            self.count -= 1
        return counted - self.count


_LAYERS = frozenset(int(layer) for layer in Layer)


def _ns(microseconds: float) -> int:
    """Damage can make a duration anything, even not a number."""
    return int(microseconds * 1000) if 0 <= microseconds < 1e15 else 0


def _open(path: Path, capture: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if capture.is_dir() and any(capture.iterdir()):
            why = f"is no capture of socktui, or damaged: no file {path.name!r} in it"
        else:
            why = "is an empty folder" if capture.is_dir() else "does not exist"
        raise CaptureError(f"{capture} {why}") from None
    except NotADirectoryError:
        raise CaptureError(f"{capture} is a file: a capture is a folder") from None
    except OSError as error:
        raise CaptureError(f"{capture} cannot be read: {error.strerror}") from None


def _meta(path: Path) -> dict[str, Any]:
    """What meta.json tells; nothing where it is missing or damaged: the header has all that reading needs."""
    try:
        meta = json.loads((path / record.META).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return meta if isinstance(meta, dict) else {}
