"""Appending calls to a capture. One writer, any number of readers.

There is one door, append(): a call and its bytes go in, and the capture, the socket's slot and its readers have them.
It waits where the disk is behind, and so serves importers, tracers and tests. An engine, which may not wait and has
received the bytes into the heap already, uses the other forms of it: append_call(), append_transfer() and
append_message().
"""

import errno as errnos
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from socktui.core.call import Argument, Call, Function, Layer
from socktui.core.limits import DISK_FLOOR
from socktui.core.note import TEXT, Field, Note
from socktui.core.sockets import Socket
from socktui.journal import format
from socktui.journal.capture_files import CaptureExists, CaptureFiles, Clocks
from socktui.journal.entry import Entry
from socktui.journal.heap import RESERVE, RING_SIZE

__all__ = ["DETAILS_ROOM", "CaptureExists", "Clocks", "Journal"]

_HEADER_SIZE, _RECORD_SIZE, _HOT_SIZE = format.HEADER_SIZE, format.RECORD_SIZE, format.SLOT_COLD_AT
_COUNT = slice(format.COUNT_AT, format.COUNT_END)
_pack_record, _pack_hot, _pack_u64 = format.RECORD.pack_into, format.SLOT_HOT.pack, format.U64.pack
"""What the hot path needs of the format, at hand."""

DETAILS_ROOM = 1024
"""Bytes to leave free behind those of a message, for its address."""

APPEND_SECONDS = 60.0
"""How long append() waits for a disk that takes nothing: much longer than one that is merely slow."""


class Journal(CaptureFiles):
    """A capture being written.

    clocks  when it begins, where that is not now: of calls that were made elsewhere or before. Their times are then on
            that monotonic clock, and their sockets nobody's until own() is told

    Raises CaptureExists where something is at `path` already, and OSError where the disk says no.
    """

    def __init__(
        self, path: Path, *, ring_size: int = RING_SIZE, floor: int = DISK_FLOOR, clocks: Clocks | None = None
    ) -> None:
        super().__init__(path, ring_size=ring_size, floor=floor, clocks=clocks)
        self._pid = 0 if clocks else os.getpid()
        self._whole = Entry(Socket(0))  # what notes on the capture are chained to: it has no slot

    # Sockets

    def entry(
        self, parent: Entry | None = None, accept: Call | None = None, service: str = "", scheme: str = "tcp"
    ) -> Entry:
        """A new socket; one that `accept`, a call on `parent`, has made, where these are given.

        Such a call is appended before, with `made=journal.next_socket`. Raises OSError where the disk has no room for
        one more socket; reserve() tells beforehand.
        """
        socket = self._socket(service, parent.socket.scheme if parent else scheme)
        if parent and accept:
            socket.accepted(accept, parent.socket)
        return self._enter(socket)

    def peer(self, bound: Entry, address: str, when: int, *, asked: bool) -> Entry:
        """A peer of a bound datagram socket: a socket of its own in the capture, on the same descriptor.

        when    of its first call, ns on the monotonic clock, which is appended next with `via=bound.socket.number`
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
        if not socket.parent:
            socket.pid = self._pid
        self._sockets += 1
        entry = Entry(socket)
        self._write_slot(entry)
        format.put_u32(self._header, format.SOCKETS_AT, self._sockets)
        return entry

    def describe(self, entry: Entry, *, who: str = "", reason: str = "", insecure: bool = False) -> None:
        """Add what is known of a socket and no call tells."""
        socket = entry.socket
        socket.who, socket.reason = who or socket.who, reason or socket.reason
        socket.insecure = insecure or socket.insecure
        self._write_slot(entry)

    def own(self, entry: Entry, pid: int, command: str = "") -> None:
        """Say whose socket it is: the process, and its command. Those that it accepts from now on are the same's."""
        entry.socket.pid, entry.socket.command = pid, command
        self._write_slot(entry)

    def pair(self, entry: Entry, other: Entry) -> None:
        """Say that two sockets are the legs of one tap."""
        for one, its in ((entry, other), (other, entry)):
            one.socket.pair = its.socket.number
            self._write_slot(one)

    def pending(self, entry: Entry, function: Function, since: int) -> None:
        """Show a call that has been made and not answered yet, until the next one of the socket is appended.

        since  when it was made, ns on the monotonic clock
        """
        entry.socket.pending, entry.socket.pending_since = function, since
        self._write_slot(entry)

    def settled(self, entry: Entry) -> None:
        """Show no pending call any more: it was given up, and nothing is to be recorded of it."""
        entry.socket.answered()
        self._write_slot(entry)

    def over(self, entry: Entry, when: int) -> None:
        """A datagram peer is talked to no more; no call says so."""
        entry.socket.over(when)
        self._write_slot(entry)

    def again(self, entry: Entry) -> None:
        """Count a call that only said EAGAIN."""
        entry.socket.again += 1
        format.pack_hot(self._slots.map, entry.at, entry.socket)

    # The door

    def append(self, entry: Entry, call: Call, data: bytes = b"") -> Call:
        """Record a call as it is told, with the bytes that it moved, and what it did to its socket.

        Returns the call as readers will have it, but that they are told its duration in seven digits.

        Of `call` everything is taken but seq, socket, offset, at and length, which the journal gives. Its layer and its
        marks (under, message) are taken as they are: Entry.classify() gives those of its function and socket.

        Waits while the disk is behind. Raises ValueError where `data` is larger than `largest`, OSError where there
        was no disk for the record (it is counted as lost), TimeoutError where the disk hangs.
        """
        details = format.pack_details(call.args, call.answer, call.made, call.via)
        end = len(data) + len(details)
        if end > self.largest:
            raise ValueError(f"{end} bytes in one call: the ring of this capture takes {self.largest}")
        at = self.heap.head
        if end:
            at, view = self._space(end)
            view[:] = data + details
            if details:
                self.heap.commit_kept(at + len(data), at + end)
            else:
                self.heap.commit(at + end)
        socket = entry.socket
        offset = socket.transferred(call.name, 0)
        told = replace(call, seq=self.count, socket=socket.number, offset=offset, at=at, length=len(data))
        if not self._append(entry, told, len(details)):
            raise OSError(errnos.ENOSPC, os.strerror(errnos.ENOSPC))
        return told

    @property
    def largest(self) -> int:
        """How many bytes append() takes at once. Half a ring is free in one piece as soon as it is drained."""
        return len(self.heap.map) // 2 - RESERVE

    def _space(self, size: int) -> tuple[int, memoryview]:
        """Where the next `size` bytes go in the heap, once the disk has made room. Raises TimeoutError."""
        until = time.monotonic() + APPEND_SECONDS
        while (found := self.heap.space(size)) is None:
            room = threading.Event()
            self.heap.when_room(room.set)
            if not room.wait(until - time.monotonic()):
                raise TimeoutError(errnos.ETIMEDOUT, f"the disk took nothing for {APPEND_SECONDS:g} s")
        return found

    def _append(self, entry: Entry, call: Call, details: int) -> bool:
        """Record a call and apply it to its socket; whether there was room for the record."""
        socket, last = entry.socket, entry.socket.last
        flags = format.UNDER * call.under | format.MESSAGE * call.message
        recorded = self._record(
            entry,
            call.name,
            call.time,
            call.time + call.duration,
            call.result,
            errno=call.errno,
            size=call.size,
            offset=call.offset,
            at=call.at,
            length=call.length,
            details=details,
            marks=(call.layer, flags),
        )
        socket.apply(call)
        if not recorded:
            socket.calls, socket.last = socket.calls - 1, last
        self._write_slot(entry)
        return recorded

    def note(
        self, entry: Entry | None, kind: str, what: str | Mapping[str, Field] = "", *, at: int | None = None
    ) -> Note:
        """Record what was done that is no call, to a socket, or (None) to the capture as a whole.

        kind  one word: `hold`, `drop`, `remark`
        what  it in words, or its fields, of which `text` is it in words
        at    when, ns on the monotonic clock of the capture; now, where that is not given

        It does not wait: where the disk is behind, its fields are lost, which is counted. Raises ValueError where they
        are more than a record can speak of, or no JSON values.
        """
        fields = dict(what) if isinstance(what, Mapping) else {TEXT: what} if what else {}
        details = format.pack_note(kind, fields)
        kept = self.heap.keep(details)
        about = entry or self._whole
        note = Note(self.count, time.monotonic_ns() if at is None else at, about.socket.number, kind, fields)
        call = Call(note.seq, note.time, 0, note.socket, Function.NOTE, 0, at=kept or 0)
        size = 0 if kept is None else len(details)
        if self._record(about, call.name, call.time, call.time, 0, at=call.at, details=size, marks=(Layer.WIRE, 0)):
            about.socket.apply(call)
            if kept is None:
                self._lost_call()
        if entry:
            self._write_slot(entry)
        return note

    # The forms of an engine, which does not wait

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

        began, ended  ns on the monotonic clock
        end           it told of the peer's end: of a kind that keeps borders, it was no empty message
        """
        details = format.pack_details(args, answer, made, via)
        at = self.heap.keep(details) if details else self.heap.head
        layer, flags = entry.marks[name]
        if end:
            flags &= ~format.MESSAGE
        call = Call(
            self.count,
            began,
            ended - began,
            entry.socket.number,
            name,
            result,
            errno,
            size,
            args,
            answer,
            made,
            entry.socket.transferred(name, 0),
            at or 0,
            layer=Layer(layer),
            under=bool(flags & format.UNDER),
            message=bool(flags & format.MESSAGE),
            via=via,
        )
        if self._append(entry, call, 0 if at is None else len(details)) and at is None:
            self._lost_call()
        return call

    def append_transfer(
        self,
        entry: Entry,
        name: Function,
        began: int,
        ended: int,
        at: int,
        length: int,
        size: int,
        *,
        result: int | None = None,
        details: int = 0,
    ) -> None:
        """Record a send or recv that moved `length` bytes, which stand at `at` in the heap. The hot path.

        It does what append() does for such a call, and makes no Call on the way.

        size     bytes asked for or offered
        result   where it is not the length
        details  bytes of JSON that follow those that moved
        """
        socket = entry.socket
        offset = socket.transferred(name, length)
        seq, nth = self.count, socket.calls
        place = _HEADER_SIZE + seq * _RECORD_SIZE
        if place < self._calls.size or self._more_calls():
            # As _record() does it: one call less, which would be a fifth of it all.
            layer, flags = entry.marks[name]
            _pack_record(
                self._calls.map,
                place,
                began,
                at,
                offset,
                socket.last if nth else seq,
                entry.link(seq),
                nth,
                socket.number,
                (ended - began) * 0.001,
                length if result is None else result,
                length,
                size,
                details,
                0,
                name,
                layer,
                flags,
            )
            self.count = seq + 1
            self._header[_COUNT] = _pack_u64(seq + 1)
            socket.last = seq
            socket.calls = nth + 1
        socket.active = began
        if socket.pending is not None:
            socket.answered()
        self._slots.map[entry.at : entry.at + _HOT_SIZE] = _pack_hot(
            socket.last, socket.calls, socket.again, 0, began, socket.received, socket.sent
        )

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
        self.append_transfer(entry, name, began, ended, at, length, size, result=result, details=len(details))
