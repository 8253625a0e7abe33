"""The two ways in which plain TCP connections are served: by C, where there is a compiler, and by Python everywhere."""

import pytest

from socktui.engine import fastpath

COMPILED, PURE = "compiled", "pure"
LOOPS = [COMPILED, PURE]

each_loop = pytest.mark.parametrize("inner_loop", LOOPS, indirect=True)
"""Run a test both ways."""


def choose(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the engines that are started from now on do it in one of these ways."""
    if loop == PURE:
        monkeypatch.setenv(fastpath.PURE, "1")
    elif fastpath.COMPILED:
        monkeypatch.delenv(fastpath.PURE, raising=False)
    else:
        pytest.skip("there was no compiler when the program was installed")
