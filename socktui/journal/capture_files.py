"""The files of a capture that is being written: header, records, slots and heap.

One thread of one process appends. Engine code in C may do it in its stead, to the same maps: then what it has done is
taken over before anything else is appended.
"""

import fcntl
import mmap
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from socktui.core.call import Call, Function
from socktui.core.limits import DISK_FLOOR
from socktui.core.sockets import Socket
from socktui.journal import format
from socktui.journal.entry import Entry
from socktui.journal.grow_map import GrowMap
from socktui.journal.heap import RETRY_SECONDS, RING_SIZE, Heap
from socktui.journal.meta import write_meta

WINDOW = (1 << 16) * format.RECORD_SIZE
SLOTS_STEP = 512 * format.SLOT_SIZE
RECORDS_AHEAD, SLOTS_AHEAD = 8192, 256
"""What is made before it is needed, where somebody else appends."""


class CaptureExists(OSError):
    """The place for a new capture is taken."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """When a capture begins: ns since 1970, and at that moment ns on the clock that times its calls."""

    wall_ns: int
    monotonic_ns: int

    @classmethod
    def now(cls) -> "Clocks":
        """This moment, on the monotonic clock of this machine."""
        return cls(time.time_ns(), time.monotonic_ns())


class CaptureFiles:
    """The files of a new capture, and how a record and a slot get into them.

    path        the folder, which is made
    count       records that are whole
    lost_calls  calls that could not be recorded, or not with their arguments
    heap        the bytes

    Raises CaptureExists where something is at `path` already, and OSError where the disk says no.
    """

    def __init__(
        self, path: Path, *, ring_size: int = RING_SIZE, floor: int = DISK_FLOOR, clocks: Clocks | None = None
    ) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError as error:
            raise CaptureExists(error.errno, f"{path} exists already") from error
        try:
            self._make(path, ring_size, floor, clocks or Clocks.now())
        except OSError:
            shutil.rmtree(path, ignore_errors=True)  # no disk for it: leave no half of one behind
            raise

    def _make(self, path: Path, ring_size: int, floor: int, clocks: Clocks) -> None:
        self.path = path
        self.count = 0
        self.lost_calls = 0
        self._full_until = 0.0
        self._calls = GrowMap(path / format.CALLS, WINDOW)
        fcntl.flock(self._calls.fd, fcntl.LOCK_EX)
        self._header = mmap.mmap(self._calls.fd, format.HEADER_SIZE)
        self._write_header(ring_size, clocks)
        self._slots = GrowMap(path / format.SOCKETS, SLOTS_STEP)
        self._sockets = 0
        self.heap = Heap(path, self._header, ring_size=ring_size, floor=floor)

    def _write_header(self, ring_size: int, clocks: Clocks) -> None:
        start = clocks.wall_ns, clocks.monotonic_ns
        format.HEADER.pack_into(
            self._header, 0, b"", format.VERSION, format.RECORD_SIZE, *(0,) * 8, ring_size, *start, 0
        )
        write_meta(self.path, *start)
        self._header[: len(format.MAGIC)] = format.MAGIC

    def reserve(self) -> None:
        """Make sure that there is room for one more socket. Raises OSError where the disk has none."""
        if (self._sockets + 1) * format.SLOT_SIZE > self._slots.size:
            self._slots.grow()

    @property
    def next_socket(self) -> int:
        """The number that the next socket will have."""
        return self._sockets + 1

    def stalled(self) -> None:
        """Count that reading paused because the disk was behind."""
        (stalls,) = format.U64.unpack_from(self._header, format.STALLS_AT)
        format.put_u64(self._header, format.STALLS_AT, stalls + 1)

    def close(self) -> None:
        """Bring everything to the disk and say that the capture was closed in order."""
        self.heap.close()
        self._slots.close(self._sockets * format.SLOT_SIZE)
        format.put_u32(self._header, format.FLAGS_AT, format.CLOSED_IN_ORDER)
        self._header.close()
        self._calls.close(format.HEADER_SIZE + self.count * format.RECORD_SIZE)

    # Records and slots

    def _record(
        self,
        entry: Entry,
        function: Function,
        began: int,
        ended: int,
        result: int,
        *,
        errno: int = 0,
        size: int = 0,
        offset: int = 0,
        at: int,
        length: int = 0,
        details: int = 0,
        marks: tuple[int, int] | None = None,
    ) -> bool:
        """Write a record of a socket; whether there was room for it.

        details  bytes of JSON behind the `length` bytes that stand at `at` in the heap
        marks    layer and flags, where they are not those that the socket gives to the function
        """
        seq = self.count
        place = format.HEADER_SIZE + seq * format.RECORD_SIZE
        if place >= self._calls.size and not self._more_calls():
            return False
        socket = entry.socket
        layer, flags = marks or entry.marks[function]
        format.RECORD.pack_into(
            self._calls.map,
            place,
            began,
            at,
            offset,
            socket.last if entry.trees else seq,
            entry.link(seq),
            socket.calls,
            socket.number,
            (ended - began) * 0.001,
            result,
            length,
            size,
            details,
            errno,
            function,
            layer,
            flags,
        )
        self.count = seq + 1
        self._header[format.COUNT_AT : format.COUNT_END] = format.U64.pack(seq + 1)
        return True

    def _more_calls(self) -> bool:
        """Make room for more records; where the disk has none, count that one is lost."""
        if self._grow(self._calls):
            return True
        self._lost_call()
        return False

    def _grow(self, file: GrowMap) -> bool:
        """Make a file longer; whether the disk had room. It is not asked again at once where it had none."""
        if time.monotonic() < self._full_until:
            return False
        try:
            file.grow()
        except OSError:
            self._full_until = time.monotonic() + RETRY_SECONDS
            return False
        return True

    def _lost_call(self) -> None:
        self.lost_calls += 1
        format.put_u64(self._header, format.LOST_CALLS_AT, self.lost_calls)

    def _write_slot(self, entry: Entry) -> None:
        names = format.names_of(entry.socket)
        if names != entry.names:
            data = format.pack_names(names)
            at = self.heap.keep(data)
            if at is not None:
                entry.names, entry.names_at, entry.names_size = names, at, len(data)
        format.pack_cold(self._slots.map, entry.at, entry.socket, entry.names_at, entry.names_size)
        format.pack_hot(self._slots.map, entry.at, entry.socket)

    # What somebody else appends to the same maps

    @property
    def maps(self) -> tuple[mmap.mmap, mmap.mmap, mmap.mmap, mmap.mmap]:
        """The header, the calls, the slots of the sockets, and the ring."""
        return self._header, self._calls.map, self._slots.map, self.heap.map

    def names_around_peer(self, listener: Entry) -> tuple[bytes, bytes]:
        """The names of a socket that `listener` accepts, before and behind its peer's."""
        socket = Socket(0)
        socket.accepted(Call(0, 0, 0, 0, Function.ACCEPT, 0), listener.socket)
        return format.names_around_peer(socket)

    def appended(self, kept: list[tuple[int, int]]) -> None:
        """Take over what was appended, and see to it that there is room for more.

        kept  ranges [from, to) of the heap that say what calls were
        """
        (self.count,) = format.U64.unpack_from(self._header, format.COUNT_AT)
        (self._sockets,) = format.U32.unpack_from(self._header, format.SOCKETS_AT)
        self.heap.appended(kept)
        used = format.HEADER_SIZE + self.count * format.RECORD_SIZE
        for file, need in (
            (self._calls, used + RECORDS_AHEAD * format.RECORD_SIZE),
            (self._slots, (self._sockets + SLOTS_AHEAD) * format.SLOT_SIZE),
        ):
            if need > file.size:
                self._grow(file)

    def restore(self, number: int) -> Entry:
        """The entry of a socket that somebody else has entered."""
        at = (number - 1) * format.SLOT_SIZE
        socket, names_at, length = format.unpack_slot(number, self._slots.map[at : at + format.SLOT_SIZE])
        format.apply_names(socket, self.heap.read(names_at, length))
        entry = Entry(socket)
        entry.names, entry.names_at, entry.names_size = format.names_of(socket), names_at, length
        entry.take_up(self._jump)
        return entry

    def reload(self, entry: Entry) -> None:
        """Take over the calls of a socket that somebody else has appended."""
        socket, calls = entry.socket, entry.socket.calls
        socket.last, socket.calls, socket.again, _, socket.active, socket.received, socket.sent = (
            format.SLOT_HOT.unpack_from(self._slots.map, entry.at)
        )
        if socket.calls != calls:
            socket.answered()
        entry.take_up(self._jump)

    def _jump(self, seq: int) -> int:
        """The earlier record that a record points at."""
        at = format.HEADER_SIZE + seq * format.RECORD_SIZE + format.JUMP_AT
        return int(format.U32.unpack_from(self._calls.map, at)[0])
