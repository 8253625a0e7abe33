"""What is said over the control socket: one JSON object a line.

A request is `{"id": 1, "verb": "listen", "args": {...}}`. Its answer is `{"id": 1, "result": {...}}` or
`{"id": 1, "error": {"errno": "EADDRINUSE", "text": "one sentence"}}`. Answers come in any order.
"""

import json
from typing import Any

LINE_LIMIT = 64 << 20


class VerbError(Exception):
    """The kernel, the peer or the engine said no.

    errno   by name, or empty where there is none
    text    one sentence that says what happened and what to do
    """

    def __init__(self, text: str, errno: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.errno = errno


def pack(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    """The object in a line. Raises ValueError where there is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message
