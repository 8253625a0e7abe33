"""The inner loop, which carries plain connections: in C where there was a compiler, and else in Python."""

import os
from importlib.util import find_spec

COMPILED = "socktui.engine._carry"
"""The module in C; there is none where it could not be compiled."""

PURE = "SOCKTUI_PURE"
"""The environment variable that has everything done by Python, unless it is empty."""


def pure() -> bool:
    """Whether everything is to be done by Python, though there may be a compiled loop."""
    return bool(os.environ.get(PURE))


def name() -> str:
    """Which loop an engine takes that is started now; nothing is loaded to find out."""
    return "Python" if pure() or find_spec(COMPILED) is None else "compiled"
