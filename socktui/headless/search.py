"""What is found in a capture, a line each, and an exit status as grep has it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from socktui.core.call import Call
from socktui.core.payload import to_escapes
from socktui.core.safe import safe
from socktui.headless.lines import utc, wall
from socktui.headless.printing import BATCH, say_what_is_missing
from socktui.headless.stdio import STDOUT, say, terminal_encoding, write, write_line
from socktui.journal.matching import Pattern
from socktui.journal.reader import CaptureError, Reader
from socktui.journal.search import Hit, Scope, Search

AROUND = 24
"""Bytes that are shown before and after a match."""

FOUND, NOT_FOUND, WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Options:
    """What to print: a line for each match, as JSON where wanted, or only how many there are."""

    count: bool = False
    as_json: bool = False


def search(path: Path, pattern: Pattern, scope: Scope, options: Options) -> int:
    """Print what is found in a capture as it is now; the exit status. Raises OSError where standard output fails."""
    try:
        with Reader(path) as reader:
            if scope.socket is not None and not 1 <= scope.socket <= reader.sockets:
                say(f"{path} has no socket {scope.socket}: they are numbered from 1 to {reader.sockets}")
                return WRONG
            found = _print(reader, Search(reader, pattern, scope), options)
            say_what_is_missing(reader.health)
    except CaptureError as error:
        say(str(error))
        return WRONG
    return FOUND if found else NOT_FOUND


def _print(reader: Reader, one: Search, options: Options) -> int:
    """How many matches there are, printed in batches of bounded size."""
    hits = (hit for hit in one.forward() if hit)
    if options.count:
        found = sum(1 for _ in hits)
        write_line(str(found))
        return found
    form: Callable[[Reader, Hit], str] = _as_json if options.as_json else _as_text
    encoding = terminal_encoding()
    lines = bytearray()
    found = 0
    for hit in hits:
        lines += f"{form(reader, hit)}\n".encode(encoding, "backslashreplace")
        found += 1
        if len(lines) >= BATCH or found == 1:
            write(STDOUT, bytes(lines))
            lines.clear()
    write(STDOUT, bytes(lines))
    return found


def _as_text(reader: Reader, hit: Hit) -> str:
    """`12:00:00.123456  #3 recv, call 1234, byte 5  "…Hello, World!…"`"""
    call = reader.call(hit.seq)
    seconds, rest = divmod(wall(reader, call), 1_000_000_000)
    clock = f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{rest // 1000:06d}"
    end = f" to call {hit.end.seq}" if hit.end.seq != hit.seq else ""
    where = f"#{call.socket} {call.name}, call {hit.seq}, byte {hit.offset}{end}"
    return safe(f"{clock}  {where}  {_around(reader, call, hit)}")


def _around(reader: Reader, call: Call, hit: Hit) -> str:
    """The bytes of its first call in which a match stands, in quotes, with escapes as in C."""
    start, stop = (
        max(0, hit.offset - AROUND),
        min(call.length, hit.offset + hit.length + AROUND, hit.offset + 4 * AROUND),
    )
    data = reader.data(call, start, stop)
    if data is None:
        return "(not kept around it)"
    text = to_escapes(data, "utf-8").replace('"', '\\"')
    return f'{"…" if start else ""}"{text}"{"…" if stop < call.length else ""}'


def _as_json(reader: Reader, hit: Hit) -> str:
    call = reader.call(hit.seq)
    found = {
        "seq": hit.seq,
        "time": utc(wall(reader, call)),
        "socket": call.socket,
        "call": str(call.name),
        "layer": str(call.layer),
        "byte": hit.offset,
        "offset": call.offset + hit.offset,
        "length": hit.length,
        "end_seq": hit.end.seq,
        "end_byte": hit.end.offset,
    }
    return json.dumps(found, separators=(",", ":"))
