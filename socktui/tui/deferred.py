"""What is loaded after the first paint.

A person waits for the first paint, and most of that time is imports. So a module that no first paint needs (dialogs,
verbs, the help page) is imported where it is used: that is the reason for every import inside a function in `tui/`.
Right after the first paint `load()` imports what keys need, so that no key waits for it either. `run.py` goes one step
further: it launches the engine's process before it imports anything of the screen, and the engine boots meanwhile.
The figures are held by `tests/tui/test_start.py` and `tests/bench/starting.py`.
"""

from importlib import import_module

MODULES = (
    "socktui.tui.verbs",
    "socktui.tui.screens.help",
    "socktui.tui.screens.choose",
    "socktui.core.icmp",
    "socktui.core.telnet",
)
"""The modules that keys and the byte log need, with all that these import themselves."""


def load() -> None:
    """Import them all."""
    for name in MODULES:
        import_module(name)
