"""No key without a test of what it does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from socktui.tui import keys
from tests.tui.tested import TESTED

MODULES = [import_module(f"tests.tui.{path.stem}") for path in sorted(Path(__file__).parent.glob("test_*.py"))]


def test_every_key_has_a_test() -> None:
    assert {key.id for key in keys.KEYS} == set(TESTED)
    for names in TESTED.values():
        assert all(any(hasattr(module, name) for module in MODULES) for name in names)
