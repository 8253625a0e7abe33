"""The parts of a form that was posted as multipart/form-data (RFC 7578)."""

import re
from dataclasses import dataclass

PARTS_MOST = 1000

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data\s*(;[^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(rb';\s*(name|filename)="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: a field's name and value. `filename` is None where the part is not a file."""

    name: str
    filename: str | None
    data: bytes


def parts(content_type: str, body: bytes) -> list[Part]:
    """Parse the body of a form (RFC 7578, RFC 2046). Raises ValueError, one sentence, where it is not well formed."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ValueError("the content type multipart/form-data needs a boundary")
    delimiter = b"\r\n--" + (match[1] or match[2]).encode("latin-1")
    pieces = (b"\r\n" + body).split(delimiter, PARTS_MOST + 2)
    if len(pieces) > PARTS_MOST + 2:
        raise ValueError(f"the form has more than {PARTS_MOST} parts")
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the form has no end: its last boundary is missing")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, blank, data = piece.partition(b"\r\n\r\n")
    disposition = _DISPOSITION.search(head)
    if not blank or disposition is None:
        raise ValueError("a part of the form has no Content-Disposition")
    named = {name.lower(): value.decode("utf-8", "replace") for name, value in _PARAMETER.findall(disposition[1])}
    return Part(named.get(b"name", ""), named.get(b"filename"), data)
