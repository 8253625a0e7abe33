"""WebSocket frames as they stand on the wire, made by hand, wrong ones too."""

import base64
import functools
import hashlib
import re
import zlib
from collections.abc import Iterable

KEY = b"\x01\x02\x03\x04"
HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
ACCEPT_OF_THE_RFC = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = (
    b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
"""Without the empty line that ends it, so that headers can be added. The key is that of RFC 6455, section 1.3."""


def accepting(request: bytes) -> bytes:
    """The answer that opens a WebSocket (RFC 6455, section 4.2.2)."""
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    assert key is not None, request
    accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + b"\r\n\r\n"
    )


def frame(
    opcode: int,
    data: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    key: bytes = KEY,
    length: int | None = None,
    length_bytes: int | None = None,
) -> bytes:
    """One frame.

    reserved      the three bits, RSV1 is 4
    key           empty: not masked
    length        what the header says, where that is not the truth
    length_bytes  0, 2 or 8 bytes for it, where that is not the least that is needed
    """
    said = len(data) if length is None else length
    if length_bytes is None:
        length_bytes = 0 if said < 126 else 2 if said < 1 << 16 else 8
    short = {0: said, 2: 126, 8: 127}[length_bytes]
    head = bytes([final << 7 | reserved << 4 | opcode, bool(key) << 7 | short])
    return head + (said.to_bytes(length_bytes, "big") if length_bytes else b"") + key + masked(data, key)


def masked(data: bytes, key: bytes) -> bytes:
    """RFC 6455, section 5.3."""
    stream = (key * (len(data) // 4 + 1))[: len(data)] if key else bytes(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def close(code: int, reason: bytes = b"", *, key: bytes = KEY) -> bytes:
    return frame(8, code.to_bytes(2, "big") + reason, key=key)


def deflated(data: bytes, stream: "zlib._Compress | None" = None) -> bytes:
    """The payload of a compressed message (RFC 7692, section 7.2.1)."""
    stream = stream or zlib.compressobj(wbits=-15)
    return (stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def deflated_with_a_last_block(data: bytes) -> bytes:
    """The same as RFC 7692, section 7.2.3.4 has it."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush(zlib.Z_FINISH) + b"\x00"


@functools.cache
def bomb(mib: int) -> bytes:
    """The payload of a compressed message of so many MiB of zeroes: a thousandth of that."""
    stream = zlib.compressobj(9, wbits=-15)
    block = bytes(1 << 20)
    return b"".join(stream.compress(block) for _ in range(mib)) + stream.flush(zlib.Z_SYNC_FLUSH)[:-4]


def fragments(opcode: int, pieces: Iterable[bytes], *, reserved: int = 0, key: bytes = KEY) -> bytes:
    """A message in several frames."""
    pieces = list(pieces)
    last = len(pieces) - 1
    wire = [frame(opcode, pieces[0], final=last == 0, reserved=reserved, key=key)]
    wire += [frame(0, piece, final=at == last, key=key) for at, piece in enumerate(pieces[1:], 1)]
    return b"".join(wire)


def unframed(wire: bytes) -> tuple[int, bytes, bytes]:
    """The first byte of the first frame, its payload in clear, and what follows it. EOFError where it is not whole."""
    at = 2 + {126: 2, 127: 8}.get(wire[1] & 0x7F, 0) if len(wire) > 1 else 2
    length = int.from_bytes(wire[2:at], "big") if at > 2 else wire[1] & 0x7F if len(wire) > 1 else 0
    key = wire[at : at + 4] if len(wire) > 1 and wire[1] & 0x80 else b""
    start = at + len(key)
    if len(wire) < max(at, start + length):
        raise EOFError
    return wire[0], masked(wire[start : start + length], key), wire[start + length :]
