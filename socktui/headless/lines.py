"""A call of a capture as a line of text, as a line of JSON, or as the bytes that it received."""

import base64
import json
import re
import time
from collections.abc import Callable

from socktui.core.call import Argument, Call, Function, errno_name
from socktui.core.payload import to_escapes
from socktui.core.rows import tail
from socktui.core.sockets import Socket
from socktui.core.source import c_line, meaning, remark
from socktui.journal.reader import Reader

PREVIEW = 60
REMEMBERED = 4096
PACKET = 65536

Format = Callable[[Reader, Call], bytes]
"""What to print of a call."""

_CONTROL = (("ping",), ("pong",), ("close",))
_SIGN = re.compile(r"\\x..|\\u....|\\U........|\\.|.")
_LAST_SECOND = 253_402_300_799  # the year 9999; damage can make a time anything


class NotKept(Exception):
    """Bytes that have to be printed are missing in the capture."""


def wall(reader: Reader, call: Call) -> int:
    """When a call was made, ns since 1970."""
    return min(max(reader.start_wall + call.time - reader.start_monotonic, 0), _LAST_SECOND * 1_000_000_000)


def utc(ns: int) -> str:
    """`2025-01-31T12:00:00.123456Z` (RFC 3339) of ns since 1970."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"


class Descriptors:
    """Which descriptor a socket has, as the calls tell, and its scheme: a line needs no look at the socket's slot.

    Peers of a datagram socket are never closed: what is known of sockets is forgotten where it gets too much.
    """

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._schemes: dict[int, str] = {}

    def of(self, reader: Reader, call: Call) -> int:
        """The descriptor of a call; -1 where there is none. Calls come in their order."""
        if len(self._open) > REMEMBERED:
            self._open.clear()
        if call.name is Function.SOCKET:
            self._open[call.socket] = call.result
        elif call.name is Function.ACCEPT and call.made:
            self._open[call.made] = call.result
        fd = self._open.get(call.socket)
        if fd is None:
            fd = self._open[call.socket] = _recorded(reader, call.socket).fd
        if call.name is Function.CLOSE:
            self._open.pop(call.socket, None)
        return fd

    def scheme(self, reader: Reader, call: Call) -> str:
        """The scheme of a call's socket."""
        if len(self._schemes) > REMEMBERED:
            self._schemes.clear()
        scheme = self._schemes.get(call.socket)
        if scheme is None:
            scheme = self._schemes[call.socket] = _recorded(reader, call.socket).scheme
        if call.name is Function.CLOSE:
            self._schemes.pop(call.socket, None)
        return scheme


def text_lines(encoding: str = "utf-8") -> Format:
    """`12:00:00.123456  #3 recv(7, 65536) = 13  "Hello, World!"`: safe on any terminal, whatever the peer sent."""
    descriptors = Descriptors()

    def line(reader: Reader, call: Call) -> bytes:
        seconds, rest = divmod(wall(reader, call), 1_000_000_000)
        clock = f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{rest // 1000:06d}"
        whose = f"#{call.socket} " if call.socket else ""
        text = f"{clock}  {whose}{c_line(call, descriptors.of(reader, call))}"
        means = meaning(descriptors.scheme(reader, call), call, lambda: reader.data(call, 0, PACKET))
        notes = [text, preview(reader, call) if call.length else "", means, remark(call)]
        return ("  ".join(note for note in notes if note) + "\n").encode(encoding, "backslashreplace")

    return line


def preview(reader: Reader, call: Call) -> str:
    """The first bytes that a call moved, in quotes, with escapes as in C."""
    data = reader.data(call, 0, PREVIEW)
    if data is None:
        return "(not kept)"
    whole = len(data) == call.length
    if not whole:
        data = data[: len(data) - len(tail(data, "utf-8"))]
    text = to_escapes(data, "utf-8").replace('"', '\\"')
    if len(text) > PREVIEW:
        text, whole = _cut(text), False
    return f'"{text}"' if whole else f'"{text}…" ({call.length} bytes)'


def _cut(text: str) -> str:
    """As many whole signs as there is room for: half an escape would be another one."""
    kept, used = [], 0
    for sign in _SIGN.findall(text):
        used += len(sign)
        if used > PREVIEW:
            break
        kept.append(sign)
    return "".join(kept)


def json_lines() -> Format:
    """One JSON object a call."""
    descriptors = Descriptors()

    def line(reader: Reader, call: Call) -> bytes:
        return json.dumps(as_json(reader, call, descriptors.of(reader, call)), separators=(",", ":")).encode() + b"\n"

    return line


def as_json(reader: Reader, call: Call, fd: int) -> dict[str, object]:
    """The object of a call; `answer` and `made` are what it wrote back and the number of the socket it made.

    That of a note has its kind and its fields besides, and no socket where it is on the capture as a whole.
    """
    args: list[Argument] = [call.size, *call.args] if call.sends or call.receives else list(call.args)
    data = reader.data(call) if call.length else None
    found: dict[str, object] = {
        "seq": call.seq,
        "time": utc(wall(reader, call)),
        "duration_us": round(call.duration / 1000, 3),
        "socket": call.socket or None,
        "fd": fd if fd >= 0 else None,
        "call": str(call.name),
        "args": args,
        "result": call.result,
        "errno": errno_name(call.errno) if call.errno else None,
        "layer": str(call.layer),
        "data": None if data is None else base64.b64encode(data).decode(),
        "answer": call.answer,
        "made": call.made or None,
        "via": call.via or None,
    }
    if call.name is Function.NOTE:
        note = reader.note(call.seq)
        found["note"] = {"kind": note.kind, **note.fields}
    return found


def received(number: int) -> Format:
    """Just the bytes that one socket received, in clear, and of a WebSocket those of its texts and binary messages.

    Raises NotKept rather than leave any of them out.
    """

    def piece(reader: Reader, call: Call) -> bytes:
        if call.socket != number or not call.receives or not call.length or call.under or call.args[:1] in _CONTROL:
            return b""
        data = reader.data(call)
        if data is None:
            raise NotKept(f"bytes from {call.offset} on were not kept: the output ends before them")
        return data

    return piece


def _recorded(reader: Reader, number: int) -> Socket:
    """A socket as its slot tells; in a damaged capture there may be none."""
    try:
        return reader.socket(number)
    except IndexError:
        return Socket(number)
