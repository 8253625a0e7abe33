"""What crosses the control socket: one JSON object a line, in either direction.

A request is `{"id": 1, "verb": "listen", "args": {...}}`. Its answer is `{"id": 1, "result": {...}}` or
`{"id": 1, "error": {"code": "kernel", "errno": "EADDRINUSE", "fields": {...}}}`. Answers come in any order. The answer
with the id 0 tells that the engine is up; one without an id is to a line that could not be read as a request.
Which verbs there are, and what their arguments are, is laid down in `control.verbs`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from socktui.core.errors import ErrorCode, Fields

LINE_LIMIT = 64 << 20
"""Bytes that a line may have, its end included."""


@dataclass(frozen=True)
class Failure:
    """Why a verb was not carried out, for programs.

    errno   by name, as in errno(3) or, of names, in getaddrinfo(3); empty where there is none
    fields  what `control.explain` needs to say it in words
    """

    code: ErrorCode
    errno: str = ""
    fields: Fields = field(default_factory=dict)

    @classmethod
    def unpack(cls, error: Any) -> "Failure":
        """Out of an answer. Raises ValueError."""
        try:
            fields = {
                str(name): value if isinstance(value, int) else str(value) for name, value in error["fields"].items()
            }
            return cls(ErrorCode(error["code"]), str(error["errno"]), fields)
        except (KeyError, TypeError, AttributeError) as wrong:
            raise ValueError("an error has a code, an errno and fields") from wrong

    def pack(self) -> dict[str, Any]:
        """For an answer."""
        return {"code": str(self.code), "errno": self.errno, "fields": self.fields}


class VerbError(Exception):
    """The kernel, the peer or the engine said no.

    text    one sentence that says what happened and what to do
    """

    def __init__(self, text: str, failure: Failure) -> None:
        super().__init__(text)
        self.text = text
        self._failure = failure

    @property
    def code(self) -> ErrorCode:
        """What happened, for programs."""
        return self._failure.code

    @property
    def errno(self) -> str:
        """By name, such as EADDRINUSE or EAI_NONAME; empty where there is none."""
        return self._failure.errno

    @property
    def fields(self) -> Fields:
        """What the sentence names."""
        return self._failure.fields


def pack(message: Mapping[str, Any]) -> bytes:
    """A message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def unpack(line: bytes) -> dict[str, Any]:
    """The object in a line. Raises ValueError where there is none."""
    try:
        message = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message
