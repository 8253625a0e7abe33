"""The key table: what is made from it, and that nothing in it contradicts itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import pytest
from textual.binding import Binding

from socktui.tui import keys

PLACES = get_args(keys.Where)


def made(where: keys.Where) -> list[Binding]:
    return [each for each in keys.bindings(keys.group(where)) if isinstance(each, Binding)]


@pytest.mark.parametrize("where", PLACES)
def test_no_key_has_two_meanings_in_one_place(where: keys.Where) -> None:
    count = Counter(name for key in keys.group(where) for name in key.keys)
    assert [name for name, times in count.items() if times > 1] == []


def test_ids_are_unique_and_plain() -> None:
    ids = [key.id for key in keys.KEYS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z_]+", each) for each in ids)


def test_every_key_is_told_in_full() -> None:
    for key in keys.KEYS:
        assert len(key.shown.split()) == len(key.keys)
        assert 1 <= len(key.label.split()) <= 2
        assert key.help.endswith(".")


def test_a_sign_is_that_of_the_key() -> None:
    down = next(key for key in keys.KEYS if key.action == "cursor_down")
    assert (down.sign("j"), down.sign("down"), down.sign("z")) == ("j", "↓", None)


def test_bindings_are_those_of_the_table() -> None:
    for where in PLACES:
        assert [binding.id for binding in made(where)] == [key.id for key in keys.group(where)]
    quit = next(binding for binding in made("everywhere") if binding.id == "quit")
    assert (quit.key, quit.action, quit.show) == ("ctrl+q", "app.quit", True)


def test_letters_of_lists_and_of_everywhere_do_not_meet() -> None:
    everywhere = {name for key in keys.group("everywhere") for name in key.keys}
    assert everywhere.isdisjoint(name for key in keys.group("lists") for name in key.keys)


def test_readme_table_has_every_key() -> None:
    table = keys.markdown()
    for key in keys.KEYS:
        assert f"| {key.help} |" in table
    assert "`j` `↓`" in table
