"""Messages of netlink(7), as bytes and over a socket pair in the kernel's place."""

from __future__ import annotations

import errno as errnos
import os
import socket as sockets
import struct
import threading
from collections.abc import Iterator

import pytest

from socktui.host.netlink import NETLINK_SOCK_DIAG, Netlink, attributes

HEADER = struct.Struct("=IHHII")
DONE, ERROR, ROW = 3, 2, 20


def message(kind: int, asked: int, body: bytes = b"") -> bytes:
    padded = body.ljust((len(body) + 3) & ~3, b"\0")
    return HEADER.pack(HEADER.size + len(body), kind, 0, asked, 0) + padded


def done(asked: int, code: int = 0) -> bytes:
    return message(DONE if not code else ERROR, asked, struct.pack("=i", -code))


@pytest.fixture
def ends() -> Iterator[tuple[Netlink, sockets.socket]]:
    """A netlink whose other end is ours."""
    netlink = Netlink()
    netlink.close()
    netlink._socket, other = sockets.socketpair(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
    netlink._socket.settimeout(20)
    with other:
        yield netlink, other
    netlink.close()


def test_a_dump_is_all_messages_up_to_the_end(ends: tuple[Netlink, sockets.socket]) -> None:
    netlink, kernel = ends
    kernel.send(message(ROW, 1, b"one") + message(ROW, 1, b"three"))
    kernel.send(message(ROW, 1, b"four") + done(1))
    assert netlink.ask(b"request!", dump=True) == [b"one", b"three", b"four"]
    asked = kernel.recv(1000)
    length, kind, flags, sequence, _ = HEADER.unpack_from(asked)
    assert (length, kind, flags, sequence, asked[HEADER.size :]) == (24, 20, 0x301, 1, b"request!")


def test_one_answer_is_enough_where_no_dump_is_asked_for(ends: tuple[Netlink, sockets.socket]) -> None:
    netlink, kernel = ends
    kernel.send(message(ROW, 1, b"one"))
    assert netlink.ask(b"", dump=False) == [b"one"]


def test_the_kernels_error_is_raised(ends: tuple[Netlink, sockets.socket]) -> None:
    netlink, kernel = ends
    kernel.send(done(1, errnos.ENOENT))
    with pytest.raises(FileNotFoundError, match=os.strerror(errnos.ENOENT)):
        netlink.ask(b"", dump=False)


def test_a_late_answer_to_an_earlier_question_is_passed_over(ends: tuple[Netlink, sockets.socket]) -> None:
    netlink, kernel = ends
    netlink._socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        netlink.ask(b"", dump=True)
    netlink._socket.settimeout(20)
    kernel.send(message(ROW, 1, b"late") + done(1))
    threading.Timer(0.01, kernel.send, [message(ROW, 2, b"now") + done(2)]).start()
    assert netlink.ask(b"", dump=True) == [b"now"]


def test_the_kernel_itself_answers() -> None:
    netlink = Netlink()
    try:
        assert netlink._socket.proto == NETLINK_SOCK_DIAG
        with pytest.raises(OSError, match=r".+"):
            netlink.ask(b"\xff" * 4, dump=False)  # there is no such family
    finally:
        netlink.close()


def test_attributes_are_padded_to_four_bytes() -> None:
    packed = struct.pack("=HH", 7, 1) + b"abc\0" + struct.pack("=HH", 8, 5) + b"wxyz"
    assert attributes(b"fixed part.." + packed, 12) == {1: b"abc", 5: b"wxyz"}
    assert attributes(b"fixed part..", 12) == {}


def test_an_attribute_of_no_length_does_not_go_on_for_ever() -> None:
    assert attributes(struct.pack("=HH", 0, 3) + struct.pack("=HH", 4, 4), 0) == {3: b"", 4: b""}
