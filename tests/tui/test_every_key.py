"""No key without a test of what it does."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from socktui.tui import keys
from tests.tui.key_coverage import TESTED

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = [
    import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in sorted(HERE.rglob("test_*.py"))
]


def test_every_key_has_a_test() -> None:
    assert {key.id for key in keys.KEYS} == set(TESTED)
    for names in TESTED.values():
        assert all(any(hasattr(module, name) for module in MODULES) for name in names)
