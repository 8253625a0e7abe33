"""Which keys have a test: a test says so itself, and `test_every_key.py` asks for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

TESTED: dict[str, list[str]] = defaultdict(list)
"""The ids of keys, and the tests of each."""


def of(*ids: str) -> Callable[[F], F]:
    """Marks a test as one of what these keys do."""

    def mark(test: F) -> F:
        for each in ids:
            TESTED[each].append(test.__qualname__)
        return test

    return mark
