"""The rows of the lists: each kind of socket, and thousands of them, of which a turn looks at a bounded number."""

from __future__ import annotations

import errno as errnos
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from socktui.tui.lists import AT_ONCE, Clock, Connections, Listening
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened, running
from tests.tui.frozen_app import standing, still

__all__ = ["running", "standing"]

WIDE = (260, 30)
PAIRS = 5000


def words(drive: Drive, part: str) -> list[str]:
    """The cells of the only row of a connection in which a text stands."""
    return drive.row(drive.connections, part).split()


@pytest.mark.usefixtures("standing")
async def test_a_server_of_datagrams_listens_and_its_peers_are_connections(capture: Path) -> None:
    canned = Canned(capture)
    server = canned.bound("udp", "127.0.0.1:5005")
    canned.bound("raw", "0.0.0.0:253", "discard")
    peer = canned.speaker(server, "127.0.0.1:4000")
    canned.carry(peer, Function.RECVFROM, b"Hello", answer=["127.0.0.1", 4000])
    canned.carry(peer, Function.SENDTO, b"Hello", size=5, args=(["127.0.0.1", 4000],))
    canned.close()
    async with still(capture, WIDE) as (drive, _):
        first = drive.row(drive.listening, "127.0.0.1:5005").split()
        assert first[:2] == ["udp", "UNCONN"]
        assert "echo" in first
        assert drive.row(drive.listening, "0.0.0.0:253").split()[:2] == ["raw", "UNCONN"]
        cells = drive.main._listening.cells(1)
        assert ("0.0.0.0:253", "bad") in cells
        assert words(drive, "127.0.0.1:4000")[:3] == ["3", "udp", "UNCONN"]
        state = drive.main._connections.cells(0)[2]
        assert state == "UNCONN"


@pytest.mark.parametrize(
    ("scheme", "netid"),
    [
        ("tcp", "tcp"), ("udp", "udp"), ("unix", "u_str"), ("unix-dgram", "u_dgr"), ("unix-seqpacket", "u_seq"),
        ("tls", "tls"), ("ws", "ws"), ("wss", "wss"), ("telnet", "telnet"), ("icmp", "icmp"), ("raw", "raw"),
    ],
)  # fmt: skip
async def test_the_netid_of_each_kind(capture: Path, scheme: str, netid: str) -> None:
    canned = Canned(capture)
    path = scheme.startswith("unix")
    client = canned.stream(scheme, "" if path else "127.0.0.1:4000", "/run/x" if path else "127.0.0.1:5005")
    if scheme == "icmp":
        client.socket.netid = "icmp"
        canned.journal._write_slot(client)
    canned.close()
    async with opened(capture, WIDE) as drive:
        assert drive.row(drive.connections, " ESTAB ").split()[1] == netid


async def test_an_unnamed_peer_is_the_process_at_the_other_end(capture: Path) -> None:
    canned = Canned(capture)
    canned.stream("unix", "/run/x", "", service="echo", who="ncat (pid 1234, root)")
    canned.stream("unix", "", "/run/x", who="socktui (pid 1, root)")
    canned.close()
    async with opened(capture, WIDE) as drive:
        assert "ncat (pid 1234, root)" in drive.text
        assert "connect /run/x" in drive.text
        await drive.press("2", "g", "a")
        assert drive.pane("bytes").title == "3 Bytes · #1 u_str client ncat (pid 1234, root)"
        await drive.press("j")
        assert drive.pane("bytes").title == "3 Bytes · #2 u_str client /run/x socktui (pid 1, root)"


async def test_a_peer_that_was_not_verified_stays_red(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.journal.describe(client, insecure=True)
    good = canned.stream("tls", "127.0.0.1:4001", "127.0.0.1:5005")
    canned.close_socket(good)
    canned.close_socket(client)
    canned.close()
    async with opened(capture, WIDE) as drive:
        red, plain = (drive.main._connections.cells(i) for i in range(2))
        assert red[1] == ("tls!", "bad")
        assert red[6] == ("127.0.0.1:5005", "bad")
        assert red[12] == ("not verified, closed here", "bad")
        assert plain[1] == ("tls", "dim")
        await drive.press("2", "g", "a")
        assert drive.pane("bytes").alert == " · not verified"
        await drive.press("j")
        assert drive.pane("bytes").alert == ""


async def test_a_handshake_that_failed_says_why(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("tls", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.call(client, Function.SSL_DO_HANDSHAKE, -1, answer="certificate verify failed: self-signed certificate")
    canned.close_socket(client)
    canned.close()
    async with opened(capture, WIDE) as drive:
        cells = drive.main._connections.cells(0)
        assert cells[2] == ("EPROTO", "bad")
        assert cells[12] == ("certificate verify failed: self-signed certificate", "bad")
        assert "✗ SSL_do_handshake: certificate verify failed: self-signed certificate" in drive.text


async def test_what_fails_on_a_datagram_ends_nothing(capture: Path) -> None:
    canned = Canned(capture)
    client = canned.stream("udp", "127.0.0.1:4000", "127.0.0.1:5005")
    canned.call(client, Function.RECV, -1, errnos.ECONNREFUSED, size=65536)
    async with opened(capture, WIDE) as drive:
        await drive.until(lambda: len(drive.log.sequence) == drive.journal.count)
        cells = [cell if isinstance(cell, str) else cell[0] for cell in drive.main._connections.cells(0)]
        assert (cells[2], cells[12]) == ("ESTAB", "ECONNREFUSED")
        assert "✗ ECONNREFUSED recv" in drive.text
    canned.close()


# Many


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sockets that readers look at."""
    looked: list[int] = []
    socket, is_open = Reader.socket, Reader.open

    def counting(self: Reader, number: int) -> Socket:
        looked.append(number)
        return socket(self, number)

    def counting_open(self: Reader, number: int) -> bool:
        looked.append(number)
        return is_open(self, number)

    monkeypatch.setattr(Reader, "socket", counting)
    monkeypatch.setattr(Reader, "open", counting_open)
    return looked


async def test_ten_thousand_sockets_cost_a_turn_what_a_thousand_do(capture: Path, looks: list[int]) -> None:
    canned = Canned(capture, ring=1 << 24)
    listener = canned.listener()
    pairs = [canned.pair(listener, 10_000 + i) for i in range(PAIRS)]
    async with opened(capture) as drive:
        main = drive.main
        await drive.until(lambda: len(drive.connections.source) == 2 * PAIRS)
        most = 0
        for turn in range(30):
            canned.echo(*pairs[turn * 100], b"hello")
            looks.clear()
            main._looked_slowly = 0.0
            main.tick()
            most = max(most, len(looks))
            await drive.settle()
        assert most < AT_ONCE + 500
        looks.clear()
        await drive.press("2", "G", "pageup", "g", "j", "3", "pageup")
        assert len(looks) < 5000
        for client, accepted in pairs[:100]:
            canned.close_socket(client)
            canned.fin(accepted)
        await drive.until(lambda: drive.pane("connections").subtitle == f"{2 * PAIRS - 200} open of {2 * PAIRS}")
        looks.clear()
        canned.pair(listener, 9000)
        await drive.until(lambda: len(drive.connections.source) == 2 * PAIRS + 2)
    canned.close()


def test_sockets_are_found_in_turns_and_in_order(capture: Path, looks: list[int]) -> None:
    canned = Canned(capture)
    listener = canned.listener()
    for i in range(AT_ONCE):
        canned.pair(listener, 10_000 + i)
    canned.close()
    looks.clear()
    with Reader(capture) as reader:
        connections = Connections(reader, None, Clock(reader))
        listening = Listening(reader, None, Clock(reader))
        turns = 0
        while connections.behind:
            looks.clear()
            connections.refresh()
            assert len(looks) <= AT_ONCE
            turns += 1
        assert turns == 3
        listening.refresh()
        assert [connections.key(i) for i in range(len(connections))] == list(range(2, 2 * AT_ONCE + 2))
        assert [listening.key(i) for i in range(len(listening))] == [1]
        assert connections.open_of(1) == list(range(3, 2 * AT_ONCE + 2, 2))
        assert connections.index(3) == 1
        assert connections.index(1) is None
        assert connections.index("x") is None
