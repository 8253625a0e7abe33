"""Numbers of the format, with a name and without."""

import copy
import pickle
from typing import Any

import pytest

from socktui.core.call import Function, Layer
from socktui.core.numbered import Members, Numbered
from socktui.core.sockets import End, Role, State

KINDS: list[type[Numbered]] = [Function, Layer, Role, State, End]


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_without_a_name_is_shown_and_is_none_of_the_others(kind: type[Numbered]) -> None:
    newer = kind(200)
    assert str(newer) == f"{newer}" == f"{kind.__name__.lower()} 200"
    assert (int(newer), newer.known) == (200, False)
    assert newer not in list(kind)
    assert all(member.known and member != newer for member in kind)
    assert newer == kind(200)
    assert {newer: 1}[kind(200)] == 1
    assert copy.deepcopy(newer) == pickle.loads(pickle.dumps(newer)) == newer


@pytest.mark.parametrize("value", [-1, 256, 1 << 40, "24", None, 2.5])
def test_what_is_no_byte_is_no_number(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid Function"):
        Function(value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_is_a_member_and_always_the_same(kind: type[Numbered]) -> None:
    members = Members(kind)
    assert [int(members[number]) for number in range(256)] == list(range(256))
    assert all(members[number] is members[number] for number in range(256))
    assert all(members[member] is member for member in kind)
