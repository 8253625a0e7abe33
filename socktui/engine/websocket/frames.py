"""Parsing of received frames (RFC 6455, section 5; RFC 7692), which finds mistakes as early as their bytes allow.

A mistake in a header is found before the payload is received, one in a text at the byte that is wrong. That is why
frames are parsed here: the library that makes frames checks only whole ones.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from websockets.exceptions import ProtocolError
from websockets.frames import Close, CloseCode, Opcode

MESSAGE_MAX = 4 << 20
"""Bytes of one message, as it is after inflating."""

FRAGMENTS_MAX = 4096
"""Frames of one message."""

CONTROL_MAX = 125
"""Bytes of a ping, a pong or a close (RFC 6455, section 5.5)."""

_INFLATE_AT_ONCE = 4096
_FLUSH = b"\x00\x00\xff\xff"  # taken off by who deflates: RFC 7692, section 7.2.1
_LAST_BLOCK = b"\x03\x00"
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")  # Python's decoder waits for the third byte before it calls that wrong
_KINDS = {opcode: opcode.name.lower() for opcode in Opcode}


class Violation(Exception):
    """The peer broke the protocol or a limit.

    code    of the close that answers it (RFC 6455, section 7.4.1)
    reason  one sentence
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = int(code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message.

    kind  text (then `data` is UTF-8), binary, ping, pong or close
    """

    kind: str
    data: bytes


def close_of(data: bytes) -> tuple[int, str]:
    """The code and the reason in the payload of a close; 1005 where there is none. Raises Violation."""
    try:
        close = Close.parse(data)
    except ProtocolError as error:
        raise Violation(CloseCode.PROTOCOL_ERROR, f"close frame: {error}") from None
    except UnicodeDecodeError:
        raise Violation(CloseCode.INVALID_DATA, "the reason of the close is not UTF-8") from None
    return int(close.code), close.reason


class Inflater:
    """The receiving half of permessage-deflate (RFC 7692, section 7.2.2).

    window    bits of the window that the peer deflates with, 8 to 15
    takeover  whether the peer keeps its window from one message to the next
    """

    def __init__(self, window: int, *, takeover: bool) -> None:
        self._window = window
        self._takeover = takeover
        self._stream = zlib.decompressobj(-window)

    def inflate(self, data: bytes, room: int) -> bytes:
        """Inflate the next bytes of a message. Raises Violation where that makes more than `room` bytes."""
        parts = bytearray()
        for at in range(0, len(data), _INFLATE_AT_ONCE):
            rest = data[at : at + _INFLATE_AT_ONCE]
            while rest:
                try:
                    parts += self._stream.decompress(rest, room - len(parts) + 1)
                except zlib.error:
                    raise Violation(CloseCode.INVALID_DATA, "the message cannot be inflated") from None
                if len(parts) > room:
                    raise Violation(CloseCode.MESSAGE_TOO_BIG, "the inflated message is too big")
                rest = self._stream.unused_data
                if self._stream.eof:  # RFC 7692, section 7.2.3.4: a last block ends the stream, not the message
                    self._stream = zlib.decompressobj(-self._window)
        return bytes(parts)

    def end(self, room: int) -> bytes:
        """Return the last inflated bytes of the message, which ends here. Raises Violation."""
        rest = self.inflate(_FLUSH, room)
        probe = self._stream.copy()
        probe.decompress(_LAST_BLOCK, 1)
        if not probe.eof:  # in the middle of a block, what follows was taken for data
            raise Violation(CloseCode.INVALID_DATA, "the compressed message is cut off")
        if not self._takeover:
            self._stream = zlib.decompressobj(-self._window)
        return rest


class _Assembly:
    """A data message on its way."""

    __slots__ = ("_data", "_inflater", "_max", "_utf8", "fragments", "kind")

    def __init__(self, opcode: Opcode, inflater: Inflater | None, message_max: int) -> None:
        self.kind = _KINDS[opcode]
        self.fragments = 0
        self._data = bytearray()
        self._inflater = inflater
        self._max = message_max
        self._utf8 = codecs.getincrementaldecoder("utf-8")() if opcode is Opcode.TEXT else None

    def expect(self, length: int) -> None:
        """A frame of `length` bytes has begun. Raises Violation where it is too much."""
        self.fragments += 1
        if self.fragments > FRAGMENTS_MAX:
            raise Violation(CloseCode.MESSAGE_TOO_BIG, f"more than {FRAGMENTS_MAX} fragments")
        # What cannot be compressed grows a little by it.
        most = self._max - len(self._data) if self._inflater is None else self._max + (self._max >> 8) + 1024
        if length > most:
            raise Violation(CloseCode.MESSAGE_TOO_BIG, f"a message of more than {self._max} bytes")

    def add(self, piece: bytes) -> None:
        self._keep(piece if self._inflater is None else self._inflater.inflate(piece, self._max - len(self._data)))

    def end(self) -> Message:
        if self._inflater is not None:
            self._keep(self._inflater.end(self._max - len(self._data)))
        self._check(b"", final=True)
        return Message(self.kind, bytes(self._data))

    def _keep(self, piece: bytes) -> None:
        self._check(piece, final=False)
        self._data += piece

    def _check(self, piece: bytes, *, final: bool) -> None:
        if self._utf8 is not None:
            try:
                self._utf8.decode(piece, final)
                wrong = _SURROGATE.match(self._utf8.getstate()[0]) is not None
            except UnicodeDecodeError:
                wrong = True
            if wrong:
                raise Violation(CloseCode.INVALID_DATA, "the text is not UTF-8")


class FrameReader:
    """Parses frames out of bytes, which may be cut anywhere.

    masked       whether the peer has to mask: clients must, servers must not
    inflater     where permessage-deflate was negotiated
    message_max  bytes that a message may have, inflated
    """

    def __init__(self, *, masked: bool, inflater: Inflater | None = None, message_max: int = MESSAGE_MAX) -> None:
        self._masked = masked
        self._inflater = inflater
        self._max = message_max
        self._head = bytearray()
        self._key = b""
        self._opcode: Opcode | None = None  # of the frame whose payload is coming
        self._left = 0
        self._control = bytearray()
        self._message: _Assembly | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that the next bytes complete, in order. Raises Violation; feed it no more then."""
        at = 0
        while True:
            if self._opcode is None:
                at = self._read_head(data, at)
                if self._opcode is None:
                    return
            piece = data[at : at + self._left]
            if piece:
                at += len(piece)
                self._left -= len(piece)
                self._read_payload(self._unmask(piece))
            if self._left:
                return
            message = self._end_frame()
            if message is not None:
                yield message

    def _read_head(self, data: bytes, at: int) -> int:
        """Read on in a header; the position after it, or the end of `data` where it is not whole yet."""
        head = self._head
        while (missing := self._head_size() - len(head)) > 0:
            piece = data[at : at + missing]
            if not piece:
                return at
            head += piece
            at += len(piece)
            if len(head) == 2:
                self._judge(head[0], head[1])
        self._begin_frame()
        return at

    def _head_size(self) -> int:
        """RFC 6455, section 5.2. The first two bytes tell how many there are."""
        if len(self._head) < 2:
            return 2
        length = self._head[1] & 0x7F
        return 2 + (8 if length == 127 else 2 if length == 126 else 0) + (4 if self._masked else 0)

    def _judge(self, first: int, second: int) -> None:
        """All that is wrong already with the first two bytes of a header. Raises Violation."""
        final, opcode, compressed = first & 0x80, first & 0x0F, first & 0x40
        may_be_compressed = self._inflater is not None and opcode in (Opcode.TEXT, Opcode.BINARY)
        wrong = ""
        if opcode not in _KINDS:
            wrong = f"opcode {opcode} is reserved"
        elif first & 0x30 or (compressed and not may_be_compressed):
            wrong = "a reserved bit is set"
        elif bool(second & 0x80) != self._masked:
            wrong = "the frame is not masked" if self._masked else "the frame is masked"
        elif opcode >= Opcode.CLOSE and not final:
            wrong = "a control frame is fragmented"
        elif opcode >= Opcode.CLOSE and second & 0x7F > CONTROL_MAX:
            wrong = f"a control frame of more than {CONTROL_MAX} bytes"
        elif opcode == Opcode.CONT and self._message is None:
            wrong = "a continuation of nothing"
        elif opcode in (Opcode.TEXT, Opcode.BINARY) and self._message is not None:
            wrong = "a new message inside another"
        if wrong:
            raise Violation(CloseCode.PROTOCOL_ERROR, wrong)

    def _begin_frame(self) -> None:
        head = self._head
        length = head[1] & 0x7F
        if length >= 126:
            least, end = (126, 4) if length == 126 else (1 << 16, 10)
            length = int.from_bytes(head[2:end], "big")
            if not least <= length < 1 << 63:
                raise Violation(CloseCode.PROTOCOL_ERROR, "the length is not written in as few bytes as it needs")
        opcode = Opcode(head[0] & 0x0F)
        if opcode in (Opcode.TEXT, Opcode.BINARY):
            self._message = _Assembly(opcode, self._inflater if head[0] & 0x40 else None, self._max)
        if opcode < Opcode.CLOSE and self._message is not None:
            self._message.expect(length)
        self._key = bytes(head[-4:]) if self._masked else b""
        self._opcode, self._left = opcode, length

    def _read_payload(self, piece: bytes) -> None:
        if self._opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG) or self._message is None:
            self._control += piece
        else:
            self._message.add(piece)

    def _end_frame(self) -> Message | None:
        """The message that the frame completes, if it does."""
        opcode, self._opcode = self._opcode, None
        final = self._head[0] & 0x80
        self._head.clear()
        if opcode in (Opcode.CLOSE, Opcode.PING, Opcode.PONG):
            payload = bytes(self._control)
            self._control.clear()
            return Message(_KINDS[opcode], payload)
        if not final or self._message is None:
            return None
        message, self._message = self._message.end(), None
        return message

    def _unmask(self, piece: bytes) -> bytes:
        """RFC 6455, section 5.3. The key is left as the next piece of the same payload needs it."""
        if not self._masked:
            return piece
        key = self._key * (len(piece) // 4 + 1)
        turn = len(piece) % 4
        self._key = self._key[turn:] + self._key[:turn]
        return (int.from_bytes(piece, "little") ^ int.from_bytes(key[: len(piece)], "little")).to_bytes(
            len(piece), "little"
        )
