"""What a service is: a coroutine function of one connection."""

from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from typing import Any

from socktui.core.connection import Connection
from socktui.core.endpoint import Endpoint

ServiceFunction = Callable[[Connection], Coroutine[Any, Any, None]]
"""Run as an asyncio task for every connection; when it returns, the connection is closed."""

Dial = Callable[[Endpoint], Awaitable[Connection]]
"""Opens a connection for the task that calls it, which is closed at the latest when the task ends. Raises OSError."""


class RelayTo(Enum):
    """Where a service sends all that it receives, where it does nothing else: such a service needs no task."""

    ITSELF = "itself"
    NOWHERE = "nowhere"
