"""Doing as far as possible what is wanted before a socket is closed, without waiting for anything."""

from collections.abc import Coroutine
from typing import Any


def at_once(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine as far as it gets without waiting for anything but its turn (asyncio.sleep(0)).

    Raises what it raises.
    """
    try:
        while coroutine.send(None) is None:
            pass
    except StopIteration:
        pass
    finally:
        coroutine.close()
