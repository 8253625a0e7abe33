"""What is typed into the send box, and what is sent: bytes or a file, of a kind, to somebody."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from socktui.core.call import Layer, errno_name
from socktui.core.endpoint import SCHEMES
from socktui.core.payload import ENDINGS, PayloadError, from_escapes, from_hex, from_text
from socktui.core.safe import safe

Mode = Literal["text", "escapes", "hex", "file"]
Target = Literal["one", "marked", "all"]
Kind = Literal["", "text", "binary", "ping", "pong", "close"]

MODES: tuple[Mode, ...] = ("text", "escapes", "hex", "file")
TARGETS: tuple[Target, ...] = ("one", "marked", "all")
KINDS: tuple[Kind, ...] = ("", "text", "binary", "ping", "pong", "close")
"""Of the messages of a WebSocket; without one it is text where the bytes are UTF-8, else binary."""

WITH_ENDING: tuple[Mode, ...] = ("text", "escapes")

_CLOSE = re.compile(r"(\d{4})(?: (.*))?", re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """How what is typed becomes bytes, of what kind of message they are, and who gets them."""

    mode: Mode = "text"
    ending: str = "none"
    encoding: str = "utf-8"
    target: Target = "one"
    kind: Kind = ""


@dataclass(frozen=True)
class Addressee:
    """Who gets what is sent, in words, and the scheme of the endpoint that they were made for."""

    words: str = ""
    scheme: str = ""

    @property
    def messages(self) -> bool:
        """Whether empty messages can be sent there."""
        return self.scheme in SCHEMES and SCHEMES[self.scheme].messages

    @property
    def websocket(self) -> bool:
        """Whether messages have a kind there."""
        return self.scheme in SCHEMES and Layer.WS in SCHEMES[self.scheme].layers

    @property
    def message(self) -> str:
        """What one is called there."""
        return "datagram" if self.scheme in ("udp", "unix-dgram") else "message" if self.websocket else "packet"


@dataclass(frozen=True)
class Payload:
    """What is to be sent: bytes, or a file."""

    data: bytes = b""
    file: Path | None = None
    size: int = 0
    kind: Kind = ""


def payload_of(typed: str, settings: Settings) -> Payload:
    """The bytes of what is typed. Raises PayloadError."""
    match settings.mode:
        case "text" if settings.kind == "close":
            return Payload(_close(typed), kind="close")
        case "text":
            return Payload(from_text(typed, settings.encoding, settings.ending), kind=settings.kind)
        case "escapes":
            return Payload(from_escapes(typed, settings.encoding) + ENDINGS[settings.ending], kind=settings.kind)
        case "hex":
            return Payload(from_hex(typed), kind=settings.kind)
        case "file":
            return _file(typed)


def _close(typed: str) -> bytes:
    """The code and the reason of a close (RFC 6455, 5.5.1): `1000 bye`; nothing where none is given."""
    if not typed.strip():
        return b""
    found = _CLOSE.fullmatch(typed.strip())
    if found is None:
        raise PayloadError("a close has a code of four digits and perhaps a reason, such as 1000 bye", 0)
    return int(found[1]).to_bytes(2, "big") + (found[2] or "").encode()


def _file(typed: str) -> Payload:
    path = Path(os.path.expanduser(typed.strip()))
    if not typed.strip():
        raise PayloadError("name a file", 0)
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise PayloadError(f"there is no file {safe(str(path))}", 0) from None
    except OSError as error:
        raise PayloadError(f"{error.strerror} ({errno_name(error.errno or 0)}): {safe(str(path))}", 0) from None
    if not stat.S_ISREG(found.st_mode):
        raise PayloadError(f"there is no file {safe(str(path))}", 0)
    if not os.access(path, os.R_OK):
        raise PayloadError(f"you may not read {safe(str(path))}", 0)
    return Payload(file=path, size=found.st_size)
