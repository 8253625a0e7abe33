"""What RFC 6455 and RFC 7692 want of an end that is strict: the wire, and what has to come of it."""

import os
import zlib
from dataclasses import dataclass

from tests.engine.websocket.wire import (
    HELLO,
    bomb,
    close,
    deflated,
    deflated_with_a_last_block,
    fragments,
    frame,
)

_KAPPA = "κόσμε".encode()
_context = zlib.compressobj(wbits=-15)


@dataclass(frozen=True)
class Wrong:
    """What is answered by a close of this code, as soon as these bytes are there."""

    name: str
    wire: bytes
    code: int
    deflate: bool = False


@dataclass(frozen=True)
class Right:
    """What brings these messages: kind and data."""

    name: str
    wire: bytes
    messages: tuple[tuple[str, bytes], ...]
    deflate: bool = False


WRONG = [
    Wrong("a ping of 126 bytes", frame(9, length=126), 1002),
    Wrong("a pong of 2^62 bytes", frame(10, length=1 << 62), 1002),
    Wrong("a close of 126 bytes", frame(8, length=126), 1002),
    Wrong("a ping in fragments", frame(9, length=5, final=False), 1002),
    Wrong("a close in fragments", frame(8, length=5, final=False), 1002),
    Wrong("RSV1 without deflate", frame(1, length=5, reserved=4), 1002),
    Wrong("RSV2", frame(1, length=5, reserved=2), 1002),
    Wrong("RSV2 with deflate", frame(1, length=5, reserved=6), 1002, deflate=True),
    Wrong("RSV3 of a ping", frame(9, length=5, reserved=1), 1002, deflate=True),
    Wrong("RSV1 of a ping", frame(9, length=5, reserved=4), 1002, deflate=True),
    Wrong("RSV1 of a close", frame(8, length=5, reserved=4), 1002, deflate=True),
    Wrong("RSV1 of a continuation", frame(1, b"a", final=False) + frame(0, length=5, reserved=4), 1002, deflate=True),
    *(Wrong(f"opcode {number}", frame(number, length=5), 1002) for number in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    Wrong("no mask", frame(1, length=5, key=b""), 1002),
    Wrong("no mask on a ping", frame(9, b"x", key=b""), 1002),
    Wrong("a length of 5 in 16 bits", frame(1, length=5, length_bytes=2), 1002),
    Wrong("a length of 125 in 64 bits", frame(2, length=125, length_bytes=8), 1002),
    Wrong("a length of 65535 in 64 bits", frame(2, length=65535, length_bytes=8), 1002),
    Wrong("a length of 2^63", frame(2, length=1 << 63), 1002),
    Wrong("a length of 2^62", frame(2, length=1 << 62), 1009),
    Wrong("a length of 2^62, compressed", frame(2, length=1 << 62, reserved=4), 1009, deflate=True),
    Wrong("a byte more than there may be", frame(2, length=(4 << 20) + 1), 1009),
    Wrong("more than there may be, by a fragment", frame(2, b"x", final=False) + frame(0, length=4 << 20), 1009),
    Wrong("100,000 fragments", frame(1, b"x", final=False) + frame(0, b"x", final=False) * 100_000, 1009),
    Wrong("100,000 empty fragments", frame(2, final=False) + frame(0, final=False) * 100_000, 1009),
    Wrong("a bomb of 300 MiB", frame(2, bomb(300), reserved=4), 1009, deflate=True),
    Wrong("a bomb in fragments", fragments(2, [bomb(300)[:200_000], b""], reserved=4), 1009, deflate=True),
    Wrong("a continuation of nothing", frame(0, length=5), 1002),
    Wrong("a last continuation of nothing", frame(0, length=0), 1002),
    Wrong("a continuation after the last", fragments(1, [b"a", b"b"]) + frame(0, length=5), 1002),
    Wrong("a text inside a text", frame(1, b"a", final=False) + frame(1, length=5), 1002),
    Wrong("a binary inside a text", frame(1, b"a", final=False) + frame(2, length=5), 1002),
    Wrong("bad UTF-8", frame(1, b"\xce\xba\xed\xa0\x80edited"), 1007),
    Wrong("bad UTF-8 in a frame that is not whole", frame(1, _KAPPA + b"\xed\xa0", length=100), 1007),
    Wrong("an overlong slash in a frame that is not whole", frame(1, b"\xc0", length=100), 1007),
    Wrong("above U+10FFFF by its second byte", frame(1, b"\xf4\x90", length=100), 1007),
    Wrong("bad UTF-8 in the first fragment", frame(1, _KAPPA + b"\xff", final=False), 1007),
    Wrong("bad UTF-8 across fragments", frame(1, b"\xed", final=False) + frame(0, b"\xa0", final=False), 1007),
    Wrong("UTF-8 cut off", frame(1, _KAPPA[:-1]), 1007),
    Wrong("UTF-8 cut off in the last fragment", fragments(1, [_KAPPA, b"\xf0\x9f"]), 1007),
    Wrong("bad UTF-8, compressed", frame(1, deflated(b"\xff"), reserved=4), 1007, deflate=True),
    Wrong(
        "bad UTF-8, compressed, first fragment",
        frame(1, deflated(_KAPPA + b"\xff") + b"\0\0\xff\xff", reserved=4, final=False),
        1007,
        deflate=True,
    ),
    Wrong("what is not deflated", frame(1, b"\xff" * 4, reserved=4), 1007, deflate=True),
    Wrong("a compressed message cut off", frame(2, deflated(os.urandom(500))[:200], reserved=4), 1007, deflate=True),
    Wrong("a close of one byte", frame(8, b"\x03"), 1002),
    *(
        Wrong(f"close {code}", close(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
    Wrong("a reason that is not UTF-8", close(1000, b"\xff"), 1007),
    Wrong("a reason cut off", close(1000, _KAPPA[:-1]), 1007),
]

RIGHT = [
    *(
        Right(f"a text of {size} bytes", frame(1, b"*" * size), (("text", b"*" * size),))
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 65537)
    ),
    *(
        Right(f"a binary message of {size} bytes", frame(2, b"\xfe" * size), (("binary", b"\xfe" * size),))
        for size in (0, 125, 126, 65535, 65536)
    ),
    Right("a ping and its bytes", frame(9, b"\x00\xff\xfe"), (("ping", b"\x00\xff\xfe"),)),
    Right("a ping of 125 bytes", frame(9, b"p" * 125), (("ping", b"p" * 125),)),
    Right("a pong that nobody asked for", frame(10, b"p"), (("pong", b"p"),)),
    Right("fragments", fragments(1, [b"a", b"b", b"c"]), (("text", b"abc"),)),
    Right("empty fragments", fragments(1, [b"", b"x", b"", b""]), (("text", b"x"),)),
    Right("nothing in fragments", fragments(2, [b"", b""]), (("binary", b""),)),
    Right("a text a byte at a time", fragments(1, [bytes([byte]) for byte in HELLO]), (("text", HELLO),)),
    Right("4096 fragments", fragments(2, [b"x"] * 4096), (("binary", b"x" * 4096),)),
    Right(
        "a ping between fragments",
        frame(1, b"a", final=False) + frame(9, b"p") + frame(10) + frame(0, b"b"),
        (("ping", b"p"), ("pong", b""), ("text", b"ab")),
    ),
    Right("a close between fragments", frame(1, b"a", final=False) + close(1000), (("close", b"\x03\xe8"),)),
    Right(
        "U+10FFFF and U+FFFF", frame(1, b"\xf4\x8f\xbf\xbf\xef\xbf\xbf"), (("text", b"\xf4\x8f\xbf\xbf\xef\xbf\xbf"),)
    ),
    Right("zero bytes in a text", frame(1, b"\0\0"), (("text", b"\0\0"),)),
    Right("a key of zeroes", frame(1, b"abc", key=b"\0\0\0\0"), (("text", b"abc"),)),
    *(
        Right(f"close {code}", close(code), (("close", code.to_bytes(2, "big")),))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
    ),
    Right("a close of nothing", frame(8), (("close", b""),)),
    Right("a reason of 123 bytes", close(1000, b"r" * 123), (("close", b"\x03\xe8" + b"r" * 123),)),
    Right("what follows a close", close(1000) + frame(1, b"late"), (("close", b"\x03\xe8"),)),
    Right("compressed", frame(1, deflated(HELLO), reserved=4), (("text", HELLO),), deflate=True),
    Right("not compressed, though it may be", frame(1, HELLO), (("text", HELLO),), deflate=True),
    Right("an empty message, compressed", frame(1, b"\x00", reserved=4), (("text", b""),), deflate=True),
    Right(
        "a ping between compressed fragments",
        frame(1, deflated(HELLO * 9)[:9], final=False, reserved=4) + frame(9, b"p") + frame(0, deflated(HELLO * 9)[9:]),
        (("ping", b"p"), ("text", HELLO * 9)),
        deflate=True,
    ),
    Right(
        "a window that is kept",
        frame(1, deflated(HELLO, _context), reserved=4) + frame(1, deflated(HELLO, _context), reserved=4),
        (("text", HELLO), ("text", HELLO)),
        deflate=True,
    ),
    Right(
        "a last block, and another message",
        frame(1, deflated_with_a_last_block(HELLO), reserved=4) + frame(2, deflated(b"more"), reserved=4),
        (("text", HELLO), ("binary", b"more")),
        deflate=True,
    ),
    Right(
        "what cannot be compressed",
        frame(2, deflated(bytes(range(256)) * 16), reserved=4),
        (("binary", bytes(range(256)) * 16),),
        deflate=True,
    ),
    Right(
        "as much as there may be, compressed",
        frame(2, deflated(bytes(4 << 20)), reserved=4),
        (("binary", bytes(4 << 20)),),
        deflate=True,
    ),
]
