"""The two ways in which plain TCP connections are served: by C, where there is a compiler, and by Python everywhere."""

import pytest

from socktui.engine import carrying
from socktui.jobs import loop as loops

COMPILED, PURE = "compiled", "pure"
LOOPS = [COMPILED, PURE]

each_loop = pytest.mark.parametrize("inner_loop", LOOPS, indirect=True)
"""Run a test both ways."""


def choose(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the engines that are started from now on do it in one of these ways."""
    if loop == PURE:
        monkeypatch.setenv(loops.PURE, "1")
    elif carrying.COMPILED:
        monkeypatch.delenv(loops.PURE, raising=False)
    else:
        pytest.skip("there was no compiler when the program was installed")
