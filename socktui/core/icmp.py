"""Packets of IP and ICMP: built, parsed and described in words (RFC 791, RFC 792, RFC 4443, RFC 1071).

The parsers take any bytes and raise nothing.
"""

import struct
from dataclasses import dataclass

ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
"""Types of messages, by the version of IP."""

PROTOCOL = 1
HEADER_SIZE = 8

_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_FIRST_OF_6 = 128  # RFC 4443: informational messages have types from 128 on; those of ICMP for IPv4 are below

_TYPES = {
    0: "echo reply",
    3: "destination unreachable",
    4: "source quench",
    5: "redirect",
    8: "echo request",
    9: "router advertisement",
    10: "router solicitation",
    11: "time exceeded",
    12: "parameter problem",
    13: "timestamp",
    14: "timestamp reply",
    128: "echo request",
    129: "echo reply",
    133: "router solicitation",
    134: "router advertisement",
    135: "neighbour solicitation",
    136: "neighbour advertisement",
    137: "redirect",
}
_UNREACHABLE = {0: "network", 1: "host", 2: "protocol", 3: "port", 4: "fragmentation needed", 13: "prohibited"}
_EXCEEDED = {0: "ttl ran out in transit", 1: "fragments were missing"}


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071), 16 bits; 0 for data that contains its own correct checksum."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(version: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """An echo request for IPv4 or IPv6, whose checksum the kernel fills in (RFC 3542, section 3.1)."""
    blank = _HEADER.pack(ECHO_REQUEST[version], 0, 0, identifier, sequence)
    if version == 6:
        return blank + payload
    return _HEADER.pack(ECHO_REQUEST[4], 0, checksum(blank + payload), identifier, sequence) + payload


@dataclass(frozen=True, slots=True)
class Header:
    """The header of an IPv4 packet (RFC 791, section 3.1): `length` bytes of header in `total` bytes of packet."""

    length: int
    total: int
    ttl: int
    protocol: int
    source: bytes
    destination: bytes

    @classmethod
    def of(cls, packet: bytes) -> "Header | None":
        """Parse the header at the start of a packet from a raw socket (raw(7)); None where there is none."""
        if len(packet) < _IPV4.size:
            return None
        first, _, total, _, _, ttl, protocol, _, source, destination = _IPV4.unpack_from(packet)
        length = (first & 0x0F) * 4
        if first >> 4 != 4 or not _IPV4.size <= length <= min(total, len(packet)):
            return None
        return cls(length, total, ttl, protocol, source, destination)


@dataclass(frozen=True, slots=True)
class Message:
    """An ICMP message (RFC 792, RFC 4443). `identifier` and `sequence` are defined for echo messages only."""

    type: int
    code: int
    identifier: int
    sequence: int
    payload: bytes

    @classmethod
    def of(cls, data: bytes) -> "Message | None":
        """Parse an ICMP message without an IP header; None where the data are too short."""
        if len(data) < HEADER_SIZE:
            return None
        kind, code, _, identifier, sequence = _HEADER.unpack_from(data)
        return cls(kind, code, identifier, sequence, data[HEADER_SIZE:])


def message(packet: bytes) -> Message | None:
    """Parse the ICMP message of a packet with or without its IPv4 header; None where there is none."""
    header = Header.of(packet)
    if header is None:
        return Message.of(packet)
    return Message.of(packet[header.length :]) if header.protocol == PROTOCOL else None


def describe(packet: bytes) -> str:
    """A packet in one line: `IPv4 ttl 64 · ICMP echo reply id 0x1a2b seq 1 · 56 bytes · checksum ok`.

    packet  an ICMP message, or any packet that begins with an IPv4 header
    """
    header = Header.of(packet)
    if header is None:
        return _describe_message(packet, len(packet))
    data, size = packet[header.length : header.total], header.total - header.length
    told = _describe_message(data, size) if header.protocol == PROTOCOL else _of_protocol(header.protocol, data, size)
    return f"IPv4 ttl {header.ttl} · {told}"


def _describe_message(data: bytes, size: int) -> str:
    """size  bytes that it was sent with"""
    found = Message.of(data)
    if found is None:
        return f"too short for ICMP: {_bytes(len(data))}"
    six = found.type >= _FIRST_OF_6
    words = [f"{'ICMPv6' if six else 'ICMP'} {_TYPES.get(found.type, f'type {found.type}')}"]
    if found.type in (ECHO_REQUEST[4], ECHO_REPLY[4], ECHO_REQUEST[6], ECHO_REPLY[6]):
        words.append(f"id 0x{found.identifier:04x} seq {found.sequence}")
    elif found.type in (3, 11):
        codes = _UNREACHABLE if found.type == 3 else _EXCEEDED
        words.append(f"({codes.get(found.code, f'code {found.code}')})")
    parts = [" ".join(words), _bytes(size - HEADER_SIZE)]
    if size > len(data):
        parts.append(f"cut off after {len(data) - HEADER_SIZE}")
    elif not six:  # that of ICMPv6 covers addresses, too, which are not here: the kernel has looked at it
        parts.append("checksum wrong" if checksum(data) else "checksum ok")
    return " · ".join(parts)


def _of_protocol(number: int, data: bytes, size: int) -> str:
    cut = f" · cut off after {len(data)}" if size > len(data) else ""
    return f"protocol {number} · {_bytes(size)}{cut}"


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"
