"""Thousands of sockets: a turn looks at a bounded number of them, and keys are answered all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from socktui.core.sockets import Socket
from socktui.journal.reader import Reader
from socktui.tui.lists import AT_ONCE, Clock, Connections, Listening
from tests.tui.canned import Canned
from tests.tui.drive import opened

PAIRS = 5000


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
