"""States as ss(8) spells them, and rows that do not change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from socktui.host.rows import EVERY_STATE, LISTEN, STATES, Row, state_name


def test_states_are_numbered_as_the_kernel_does() -> None:
    assert [state_name(number) for number in (1, 7, 10)] == ["ESTAB", "UNCONN", "LISTEN"]
    assert state_name(99) == "99"
    assert 1 << next(number for number, name in STATES.items() if name == "LISTEN") == LISTEN
    assert all(EVERY_STATE & 1 << number for number in STATES)


def test_a_row_does_not_change() -> None:
    row = Row("LISTEN", ("::", 80), ("::", 0), 0, 128, 7)
    assert row.netid == "tcp"
    with pytest.raises(FrozenInstanceError):
        row.state = "ESTAB"  # type: ignore[misc]
