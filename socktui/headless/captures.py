"""Captures that are there already: one of them printed call by call, or the list of them."""

import json
import time
from pathlib import Path

from socktui.core.safe import safe
from socktui.headless.lines import json_lines, text_lines, utc
from socktui.headless.printing import Printer, say_what_is_missing
from socktui.headless.stdio import say, terminal_encoding, write_line
from socktui.journal import folder
from socktui.journal.captures import CaptureInfo, list_captures
from socktui.journal.reader import CaptureError, Reader


def show(path: Path, *, as_json: bool) -> int:
    """Print the calls that a capture has now; the exit status. Raises OSError where standard output fails."""
    try:
        with Reader(path) as reader:
            printer = Printer(reader, json_lines() if as_json else text_lines(terminal_encoding()))
            while printer.advance():
                pass
            say_what_is_missing(reader.health)
    except CaptureError as error:
        say(str(error))
        return 1
    return 0


def listing(*, as_json: bool) -> int:
    """Print the captures that are kept, oldest first; the exit status. Raises OSError where standard output fails."""
    found = list_captures()
    if as_json:
        for capture in found:
            write_line(json.dumps(_as_json(capture), separators=(",", ":")))
    elif found:
        write_line(f"{'STARTED':<19} {'CALLS':>9} {'SOCKETS':>7} {'SIZE':>9}  CAPTURE")
        for capture in found:
            write_line(safe(_row(capture)))
    else:
        say(f"no captures are kept in {folder.captures_folder()} yet")
    return 0


def _row(capture: CaptureInfo) -> str:
    if not capture.started:
        return f"{'':<47}  {capture.state}"
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(capture.started // 1_000_000_000))
    state = "" if capture.state == "complete" else f" ({capture.state})"
    size = _size(capture.size)
    return f"{started} {capture.calls:>9} {capture.sockets:>7} {size:>9}  {capture.path}{state}"


def _size(size: int) -> str:
    """`1.5 MiB`"""
    power = min(max(size.bit_length() - 1, 10) // 10, 4)
    return f"{size / 1024**power:.1f} {'KMGT'[power - 1]}iB"


def _as_json(capture: CaptureInfo) -> dict[str, object]:
    return {
        "path": str(capture.path),
        "started": utc(capture.started) if capture.started else None,
        "calls": capture.calls,
        "sockets": capture.sockets,
        "bytes_on_disk": capture.size,
        "state": capture.state,
    }
