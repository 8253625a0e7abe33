"""Bytes a second as a small graph, on a clock of the test's own."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from socktui.core.sockets import Socket
from socktui.tui import rates
from socktui.tui.rates import RATES, REMEMBERED, Rates


class Clock(SimpleNamespace):
    """In place of the module `time`."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    return clock


def test_a_graph_begins_empty_and_moves_to_the_left(clock: Clock) -> None:
    graphs, socket = Rates(), Socket(1)
    assert graphs.graph(socket) == " " * RATES
    seen = []
    for received in (800, 100, 0, 400):
        socket.received += received
        clock.now += 1
        seen.append(graphs.graph(socket))
    assert seen == ["     █", "    █▁", "   █▁ ", "  █▁ ▄"]


def test_both_directions_count_and_time_is_divided_by(clock: Clock) -> None:
    graphs, socket = Rates(), Socket(1)
    graphs.graph(socket)
    socket.received, socket.sent = 300, 100
    clock.now += 2
    graphs.graph(socket)
    socket.sent += 100
    clock.now += 1
    assert graphs.graph(socket) == "    █▄"


def test_within_a_second_nothing_moves(clock: Clock) -> None:
    graphs, socket = Rates(), Socket(1)
    graphs.graph(socket)
    socket.sent = 10
    clock.now += 0.5
    assert graphs.graph(socket) == " " * RATES


def test_only_so_many_are_remembered(clock: Clock) -> None:
    graphs = Rates()
    for number in range(3 * REMEMBERED):
        graphs.graph(Socket(number))
        assert len(graphs._samples) <= REMEMBERED + 1
