"""Appending calls to a capture. One writer, any number of readers."""

import fcntl
import mmap
import shutil
import time
from pathlib import Path

from socktui.core.call import TRANSFERS, Argument, Call, Function, Layer, layer_of
from socktui.core.sockets import Socket
from socktui.journal import format
from socktui.journal.entry import Entry
from socktui.journal.grow_map import GrowMap
from socktui.journal.heap import FLOOR, RETRY_SECONDS, RING_SIZE, Heap
from socktui.journal.meta import write_meta

WINDOW = (1 << 16) * format.RECORD_SIZE
SLOTS_STEP = 512 * format.SLOT_SIZE
RECORDS_AHEAD, SLOTS_AHEAD = 8192, 256
"""What is made before it is needed, where somebody else appends."""

DETAILS_ROOM = 1024
"""Bytes to leave free behind those of a message, for its address."""

_LAYERS = [0, *(layer_of(name) for name in sorted(Function))]
_RECEIVED = frozenset({Function.RECV, Function.RECVFROM})
_SENT = frozenset({Function.SEND, Function.SENDTO})


class CaptureExists(OSError):
    """The place for a new capture is taken."""


class Journal:
    """A capture being written.

    Raises CaptureExists where something is at `path` already, and OSError where the disk says no.
    """

    def __init__(self, path: Path, *, ring_size: int = RING_SIZE, floor: int = FLOOR) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError as error:
            raise CaptureExists(error.errno, f"{path} exists already") from error
        try:
            self._make(path, ring_size, floor)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)  # no disk for it: leave no half of one behind
            raise

    def _make(self, path: Path, ring_size: int, floor: int) -> None:
        self.path = path
        self.count = 0
        self.lost_calls = 0
        self._full_until = 0.0
        self._calls = GrowMap(path / format.CALLS, WINDOW)
        fcntl.flock(self._calls.fd, fcntl.LOCK_EX)
        self._header = mmap.mmap(self._calls.fd, format.HEADER_SIZE)
        self._write_header(ring_size)
        self._slots = GrowMap(path / format.SOCKETS, SLOTS_STEP)
        self._sockets = 0
        self.heap = Heap(path, self._header, ring_size=ring_size, floor=floor)

    def entry(
        self, parent: Entry | None = None, accept: Call | None = None, service: str = "", scheme: str = "tcp"
    ) -> Entry:
        """A new socket; one that `accept`, a call on `parent`, has made, where these are given.

        Raises OSError where the disk has no room for it.
        """
        socket = self._socket(service, parent.socket.scheme if parent else scheme)
        if parent and accept:
            socket.accepted(accept, parent.socket)
        return self._enter(socket)

    def peer(self, bound: Entry, address: str, when: int, *, asked: bool) -> Entry:
        """A peer of a bound datagram socket: a socket of its own in the capture, on the same descriptor.

        asked   whether we speak to it first
        Raises OSError where the disk has no room for it.
        """
        socket = self._socket("", bound.socket.scheme)
        socket.peered(bound.socket, address, self.count, when, asked=asked)
        return self._enter(socket)

    def _socket(self, service: str, scheme: str) -> Socket:
        self.reserve()
        return Socket(self.next_socket, service=service, scheme=scheme)

    def _enter(self, socket: Socket) -> Entry:
        self._sockets += 1
        entry = Entry(socket)
        self._write_slot(entry)
        format.put_u32(self._header, format.SOCKETS_AT, self._sockets)
        return entry

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
        """Take over what was appended, and see to it that there is room for more."""
        (self.count,) = format.U64.unpack_from(self._header, format.COUNT_AT)
        (self._sockets,) = format.U32.unpack_from(self._header, format.SOCKETS_AT)
        self.heap.appended(kept)
        used = format.HEADER_SIZE + self.count * format.RECORD_SIZE
        self._grow_ahead(self._calls, used + RECORDS_AHEAD * format.RECORD_SIZE)
        self._grow_ahead(self._slots, (self._sockets + SLOTS_AHEAD) * format.SLOT_SIZE)

    def restore(self, number: int) -> Entry:
        """The entry of a socket that somebody else has entered."""
        at = (number - 1) * format.SLOT_SIZE
        socket, names_at, length = format.unpack_slot(number, self._slots.map[at : at + format.SLOT_SIZE])
        names = self.heap.read(names_at, length)
        format.apply_names(socket, names)
        entry = Entry(socket)
        entry.names, entry.names_at = names, names_at
        entry.take_up(self._jump)
        return entry

    def reload(self, entry: Entry) -> None:
        """Take over the calls of a socket that somebody else has appended."""
        socket = entry.socket
        socket.last, socket.calls, socket.again, _, socket.active, socket.received, socket.sent = (
            format.SLOT_HOT.unpack_from(self._slots.map, entry.at)
        )
        entry.take_up(self._jump)

    def _jump(self, seq: int) -> int:
        """The earlier call that a call points at."""
        at = format.HEADER_SIZE + seq * format.RECORD_SIZE + format.JUMP_AT
        return int(format.U32.unpack_from(self._calls.map, at)[0])

    def _grow_ahead(self, file: GrowMap, need: int) -> None:
        if need > file.size and time.monotonic() >= self._full_until:
            try:
                file.grow()
            except OSError:
                self._full_until = time.monotonic() + RETRY_SECONDS

    # One writer

    def describe(self, entry: Entry, *, who: str = "", reason: str = "", insecure: bool = False) -> None:
        """Add what is known of a socket and no call tells."""
        socket = entry.socket
        socket.who, socket.reason = who or socket.who, reason or socket.reason
        socket.insecure = insecure or socket.insecure
        self._write_slot(entry)

    def over(self, entry: Entry, when: int) -> None:
        """A datagram peer is talked to no more; no call says so."""
        entry.socket.over(when)
        self._write_slot(entry)

    def reserve(self) -> None:
        """Make sure that there is room for an entry(). Raises OSError where the disk has none."""
        if (self._sockets + 1) * format.SLOT_SIZE > self._slots.size:
            self._slots.grow()

    @property
    def next_socket(self) -> int:
        """The number that the next entry() will have."""
        return self._sockets + 1

    def append_call(
        self,
        entry: Entry,
        name: Function,
        began: int,
        ended: int,
        result: int,
        errno: int = 0,
        *,
        size: int = 0,
        args: tuple[Argument, ...] = (),
        answer: Argument | None = None,
        made: int = 0,
        via: int = 0,
        end: bool = False,
    ) -> Call:
        """Record a call that carried no bytes, and what it did to its socket.

        end  it told of the peer's end: of a kind that keeps borders, it was no empty message
        """
        details = format.pack_details(args, answer, made, via)
        at = self.heap.keep(details) if details else self.heap.head
        whole = at is not None
        if at is None:
            at, details = 0, b""
        socket = entry.socket
        offset = self._advance(entry, name, 0)
        seq, last = self.count, socket.last
        flags = entry.flags[_LAYERS[name]] & ~(format.MESSAGE * end)
        kept = self._append(entry, name, began, ended, result, errno, size, offset, at, 0, len(details), flags)
        call = Call(
            seq,
            began,
            ended - began,
            socket.number,
            name,
            result,
            errno,
            size,
            args,
            answer,
            made,
            offset,
            at,
            layer=Layer(_LAYERS[name]),
            message=bool(flags & format.MESSAGE),
            via=via,
        )
        socket.apply(call)
        if not kept:
            socket.calls, socket.last = socket.calls - 1, last
        elif not whole:
            self._lost_call()
        self._write_slot(entry)
        return call

    def append_transfer(
        self, entry: Entry, name: Function, began: int, ended: int, at: int, length: int, size: int
    ) -> None:
        """Record a send or recv that moved `length` bytes, which stand at `at` in the heap. The hot path.

        It does what append_call() and Socket.apply() do for such a call, with nothing in between.
        """
        socket = entry.socket
        if name is Function.RECV:
            offset = socket.received
            socket.received = offset + length
        elif name is Function.SEND:
            offset = socket.sent
            socket.sent = offset + length
        else:
            offset = self._advance(entry, name, length)
        self._append_moved(entry, name, began, ended, length, at, length, size, offset, 0)

    def append_message(
        self,
        entry: Entry,
        name: Function,
        began: int,
        ended: int,
        at: int,
        view: memoryview,
        length: int,
        size: int,
        *,
        result: int | None = None,
        args: tuple[Argument, ...] = (),
        answer: Argument | None = None,
        via: int = 0,
    ) -> None:
        """Record a call that moved `length` bytes, which stand at the beginning of `view`, and has more to say.

        view    the memory at `at` of the heap, with DETAILS_ROOM bytes more than the call can move
        result  where it is not the length
        """
        details = format.pack_details(args, answer, 0, via)[: len(view) - length]
        view[length : length + len(details)] = details
        self.heap.commit_kept(at + length, at + length + len(details))
        offset = self._advance(entry, name, length)
        result = length if result is None else result
        self._append_moved(entry, name, began, ended, result, at, length, size, offset, len(details))

    def _append_moved(
        self,
        entry: Entry,
        name: Function,
        began: int,
        ended: int,
        result: int,
        at: int,
        length: int,
        size: int,
        offset: int,
        details: int,
    ) -> None:
        socket = entry.socket
        seq = self.count
        flags = entry.flags[_LAYERS[name]]
        if self._append(entry, name, began, ended, result, 0, size, offset, at, length, details, flags):
            socket.last = seq
            socket.calls += 1
        socket.active = began
        self._slots.map[entry.at : entry.at + format.SLOT_COLD_AT] = format.SLOT_HOT.pack(
            socket.last, socket.calls, socket.again, 0, began, socket.received, socket.sent
        )

    def _advance(self, entry: Entry, name: Function, length: int) -> int:
        """Count bytes that moved; how many there had been before in that direction and layer."""
        socket = entry.socket
        if name in _RECEIVED:
            offset = socket.received
            socket.received = offset + length
        elif name in _SENT:
            offset = socket.sent
            socket.sent = offset + length
        elif name in TRANSFERS:
            offset = entry.above.get(name, 0)
            entry.above[name] = offset + length
        else:
            offset = 0
        return offset

    def again(self, entry: Entry) -> None:
        """Count a call that only said EAGAIN."""
        entry.socket.again += 1
        format.pack_hot(self._slots.map, entry.at, entry.socket)

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

    def _append(
        self,
        entry: Entry,
        name: Function,
        began: int,
        ended: int,
        result: int,
        errno: int,
        size: int,
        offset: int,
        at: int,
        length: int,
        details: int,
        flags: int,
    ) -> bool:
        """Write the record of a call; whether there was room for it."""
        seq = self.count
        place = format.HEADER_SIZE + seq * format.RECORD_SIZE
        if place >= self._calls.size and not self._more_calls():
            return False
        socket = entry.socket
        prev = socket.last if entry.trees else seq
        format.RECORD.pack_into(
            self._calls.map,
            place,
            began,
            at,
            offset,
            prev,
            entry.link(seq),
            socket.calls,
            socket.number,
            (ended - began) * 0.001,
            result,
            length,
            size,
            details,
            errno,
            name,
            _LAYERS[name],
            flags,
        )
        self.count = seq + 1
        self._header[format.COUNT_AT : format.COUNT_END] = format.U64.pack(seq + 1)
        return True

    def _more_calls(self) -> bool:
        """Make room for more records; where the disk has none, count that one is lost."""
        if time.monotonic() >= self._full_until:
            try:
                self._calls.grow()
                return True
            except OSError:
                self._full_until = time.monotonic() + RETRY_SECONDS
        self._lost_call()
        return False

    def _lost_call(self) -> None:
        self.lost_calls += 1
        format.put_u64(self._header, format.LOST_CALLS_AT, self.lost_calls)

    def _write_slot(self, entry: Entry) -> None:
        names = format.pack_names(entry.socket)
        if names != entry.names:
            at = self.heap.keep(names)
            if at is not None:
                entry.names, entry.names_at = names, at
        format.pack_cold(self._slots.map, entry.at, entry.socket, entry.names_at, len(entry.names))
        format.pack_hot(self._slots.map, entry.at, entry.socket)

    def _write_header(self, ring_size: int) -> None:
        wall, monotonic = time.time_ns(), time.monotonic_ns()
        format.HEADER.pack_into(
            self._header, 0, b"", format.VERSION, format.RECORD_SIZE, *(0,) * 8, ring_size, wall, monotonic, 0
        )  # fmt: skip
        write_meta(self.path, wall, monotonic)
        self._header[: len(format.MAGIC)] = format.MAGIC
