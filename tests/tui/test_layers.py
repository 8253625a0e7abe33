"""The byte log of protocols over others, and of messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.core.call import Function
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened
from tests.tui.key_coverage import of

WIDE = (160, 40)


def headings(drive: Drive) -> list[str]:
    """What moved, without when and whose."""
    lines = (line[:-1] for line in drive.rows(drive.log))
    return [line.split(maxsplit=1)[1].split("  ")[0] for line in lines if line[:1].isdigit()]


def secure(path: Path) -> Canned:
    """A WebSocket over TLS on which a word goes there and back."""
    canned = Canned(path)
    client = canned.stream("wss", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.send(client, b"\x16client hello")
    canned.call(client, Function.SSL_DO_HANDSHAKE, 1, answer=["TLSv1.3", "TLS_AES_256_GCM_SHA384", ""])
    canned.carry(client, Function.SSL_WRITE, b"\x81\x02Hi", size=4)
    canned.send(client, b"\x17" * 26)
    canned.carry(client, Function.WS_SEND, b"Hi", size=2, args=("text",))
    canned.recv(client, b"\x17" * 24)
    canned.carry(client, Function.SSL_READ, b"\x89\x00")
    canned.carry(client, Function.WS_RECV, b"", args=("ping",))
    canned.carry(client, Function.WS_RECV, b"\x03\xe8bye", args=("close", 1000, "bye"))
    canned.call(client, Function.SSL_READ, 0, size=65536)
    return canned


@of("layer")
async def test_w_shows_what_was_meant_the_wire_or_every_layer(capture: Path) -> None:
    secure(capture).close()
    async with opened(capture, WIDE) as drive:
        assert drive.pane("bytes").subtitle == "both · utf-8 · in clear"
        assert headings(drive) == [
            "─ connect 127.0.0.1:5005",
            "─ TLS handshake: TLSv1.3, TLS_AES_256_GCM_SHA384",
            "→ sent 2 · text",
            "← received 0 · ping",
            "← received 5 · close 1000 bye",
            "─ peer close_notify",
        ]
        await drive.press("w")
        assert drive.pane("bytes").subtitle == "both · utf-8 · the wire"
        assert headings(drive) == [
            "─ connect 127.0.0.1:5005", "→ sent 13", "→ sent 26 at 13", "← received 24",
        ]  # fmt: skip
        await drive.press("w")
        assert drive.pane("bytes").subtitle == "both · utf-8 · all layers"
        assert headings(drive) == [
            "─ connect 127.0.0.1:5005",
            "→ sent 13 · wire",
            "─ TLS handshake: TLSv1.3, TLS_AES_256_GCM_SHA384",
            "→ sent 4 · tls",
            "→ sent 26 at 13 · wire",
            "→ sent 2 · text · ws",
            "← received 24 · wire",
            "← received 2 · tls",
            "← received 0 · ping · ws",
            "← received 5 · close 1000 bye · ws",
            "─ peer close_notify",
        ]
        await drive.press("w")
        assert drive.pane("bytes").subtitle == "both · utf-8 · in clear"
        assert "w Layer" in drive.footer


@of("layer")
async def test_without_layers_there_is_nothing_to_choose(capture: Path) -> None:
    canned = Canned(capture)
    canned.pair(canned.listener())
    canned.close()
    async with opened(capture, WIDE) as drive:
        await drive.press("w")
        assert drive.log.lens.layers == "clear"
        assert "w Layer" not in drive.footer


async def test_messages_stand_alone(capture: Path) -> None:
    """An empty one is a row; a character that one cuts off does not go on in the next, and offsets begin anew."""
    canned = Canned(capture)
    server = canned.bound("udp", "127.0.0.1:5005")
    peer = canned.speaker(server, "127.0.0.1:4000")
    word = "Ж".encode()
    for data in (word[:1], word[1:], b"", b"x" * 20):
        canned.carry(peer, Function.RECVFROM, data, result=50 if len(data) == 20 else None, answer=["127.0.0.1", 4000])
    canned.close()
    async with opened(capture, WIDE) as drive:
        assert headings(drive) == [
            "─ bind 127.0.0.1:5005",
            "← received 1 · datagram",
            "← received 1 · datagram",
            "← received 0 · datagram",
            "← received 20 of 50 · datagram",
        ]
        assert [line.split()[1] for line in drive.rows(drive.log) if line.startswith("← ")] == [
            "0000",
            "0000",
            "0000",
            "0010",
        ]
        await drive.press("v", "v")
        rows = [line[2:-1].rstrip() for line in drive.rows(drive.log) if line.startswith("← ")]
        assert rows == [r"\xd0", r"\x96", "x" * 20]


@pytest.mark.parametrize("cut", range(1, 5))
async def test_a_stream_in_clear_is_decoded_across_calls(capture: Path, cut: int) -> None:
    """Though the wire's own calls stand between, whose bytes are others and more."""
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    text = "ЖЩ".encode()
    for part in (text[:cut], text[cut:]):
        canned.recv(client, b"\xff\xd0" * 30)
        if part:
            canned.carry(client, Function.SSL_READ, part)
    canned.recv(client, b"\x17" * 50)
    canned.close()
    async with opened(capture, WIDE) as drive:
        await drive.press("v", "v")
        assert "".join(line[2:-1].rstrip() for line in drive.rows(drive.log) if line.startswith("← ")) == "ЖЩ"


async def test_what_ends_in_the_middle_of_a_character_says_so(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.recv(client, b"\x17" * 50)
    canned.carry(client, Function.SSL_READ, b"a\xd0")
    canned.recv(client, b"\x17" * 50)
    canned.close()
    async with opened(capture, WIDE) as drive:
        await drive.press("v", "v")
        assert r"← a\xd0" in drive.text


async def test_packets_and_commands_say_what_they_are(capture: Path) -> None:
    canned = Canned(capture)
    pinger = canned.stream("icmp", "127.0.0.1:1", "127.0.0.1:1")
    canned.send(pinger, bytes.fromhex("0800f7fd00020000") + b"")
    telnet = canned.stream("telnet", "127.0.0.1:4000", "127.0.0.1:23")
    canned.send(telnet, b"\xff\xfb\x18")
    canned.close()
    async with opened(capture, WIDE) as drive:
        assert "ICMP echo request id 0x0002 seq 0" in drive.text
        await drive.press("w")
        assert "→ sent 3 · IAC WILL TERMINAL-TYPE" in drive.text
