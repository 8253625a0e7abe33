"""No key without a test of what it does."""

from __future__ import annotations

from socktui.tui import keys
from tests.tui import (
    test_dialogs,
    test_hostile,
    test_kinds,
    test_layers,
    test_list_keys,
    test_send_keys,
    test_socket_errors,
    test_socket_keys,
    test_view_keys,
)
from tests.tui.tested import TESTED

MODULES = (
    test_dialogs,
    test_hostile,
    test_kinds,
    test_layers,
    test_list_keys,
    test_send_keys,
    test_socket_errors,
    test_socket_keys,
    test_view_keys,
)


def test_every_key_has_a_test() -> None:
    assert {key.id for key in keys.KEYS} == set(TESTED)
    for names in TESTED.values():
        assert all(any(hasattr(module, name) for module in MODULES) for name in names)
