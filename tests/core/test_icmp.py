"""Packets made, taken apart and told in words; anything at all may be given to be told."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.icmp import Header, Message, checksum, describe, echo_request, message

HEADER = bytes.fromhex("45 00 00 54 12 34 00 00 40 01 00 00 7f 00 00 01 7f 00 00 02")
PAYLOAD = bytes(range(56))
FOUR = "IPv4 ttl 64 · ICMP "


def ipv4(data: bytes, *, total: int | None = None, protocol: int = 1) -> bytes:
    packet = bytearray(HEADER)
    struct.pack_into("!H", packet, 2, 20 + len(data) if total is None else total)
    packet[9] = protocol
    return bytes(packet) + data


def test_the_checksum_of_the_rfc() -> None:
    assert checksum(bytes.fromhex("00 01 f2 03 f4 f5 f6 f7")) == ~0xDDF2 & 0xFFFF  # RFC 1071, section 3
    assert checksum(b"") == 0xFFFF
    assert checksum(b"\xff") == 0x00FF


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_a_request_is_what_it_was_made_of(identifier: int, sequence: int, payload: bytes) -> None:
    for version, kind in ((4, 8), (6, 128)):
        packet = echo_request(version, identifier, sequence, payload)
        assert message(packet) == Message(kind, 0, identifier, sequence, payload)
        assert describe(packet).startswith(
            f"ICMP{'v6' if version == 6 else ''} echo request id 0x{identifier:04x} seq "
        )
    assert checksum(echo_request(4, identifier, sequence, payload)) == 0


def test_a_request_as_ping_sends_it() -> None:
    """The first one of `ping -c 1 -p ff -s 4`, but for its identifier."""
    assert echo_request(4, 0x1A2B, 1, b"\xff" * 4) == bytes.fromhex("08 00 dd d3 1a 2b 00 01 ff ff ff ff")


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (echo_request(4, 0x1A2B, 1, PAYLOAD), "ICMP echo request id 0x1a2b seq 1 · 56 bytes · checksum ok"),
        (echo_request(6, 0x1A2B, 2, b"x"), "ICMPv6 echo request id 0x1a2b seq 2 · 1 byte"),
        (b"\x81\0\0\0\0\x07\0\x01", "ICMPv6 echo reply id 0x0007 seq 1 · 0 bytes"),
        (b"\0\0\0\0\x1a\x2b\0\x01", "ICMP echo reply id 0x1a2b seq 1 · 0 bytes · checksum wrong"),
        (
            ipv4(echo_request(4, 1, 9, PAYLOAD)),
            "IPv4 ttl 64 · ICMP echo request id 0x0001 seq 9 · 56 bytes · checksum ok",
        ),
        (
            ipv4(echo_request(4, 1, 9, PAYLOAD))[:48],
            "IPv4 ttl 64 · ICMP echo request id 0x0001 seq 9 · 56 bytes · cut off after 20",
        ),
        (ipv4(b"\x03\x03\xfc\xfc" + bytes(4)), f"{FOUR}destination unreachable (port) · 0 bytes · checksum ok"),
        (ipv4(b"\x0b\0\xf4\xff" + bytes(4)), f"{FOUR}time exceeded (ttl ran out in transit) · 0 bytes · checksum ok"),
        (ipv4(b"\x03\x63" + bytes(6)), f"{FOUR}destination unreachable (code 99) · 0 bytes · checksum wrong"),
        (ipv4(b"\x2a\0\xd5\xff" + bytes(4)), f"{FOUR}type 42 · 0 bytes · checksum ok"),
        (ipv4(b"Hello, World!", protocol=253), "IPv4 ttl 64 · protocol 253 · 13 bytes"),
        (ipv4(b"Hello", total=33, protocol=253), "IPv4 ttl 64 · protocol 253 · 13 bytes · cut off after 5"),
        (ipv4(b"abc"), "IPv4 ttl 64 · too short for ICMP: 3 bytes"),
        (b"", "too short for ICMP: 0 bytes"),
        (b"1", "too short for ICMP: 1 byte"),
        (HEADER[:19], "ICMP type 69 · 11 bytes · checksum wrong"),
    ],
)  # fmt: skip
def test_in_words(packet: bytes, told: str) -> None:
    assert describe(packet) == told


@given(st.binary(max_size=100) | st.binary(max_size=80).map(lambda rest: HEADER + rest))
def test_anything_can_be_told(packet: bytes) -> None:
    told = describe(packet)
    assert told.isprintable()
    assert len(told) < 120
    message(packet)


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=40))
def test_a_header_that_lies_is_none_or_within_the_packet(first: int, total: int, rest: bytes) -> None:
    packet = bytearray(HEADER + rest)
    packet[0] = first
    struct.pack_into("!H", packet, 2, total)
    header = Header.of(bytes(packet))
    assert header is None or 20 <= header.length <= min(len(packet), total)
    describe(bytes(packet))
