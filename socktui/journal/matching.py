"""Patterns, and where some bytes match them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 4096
"""How many bytes a pattern may have."""


class PatternError(ValueError):
    """A pattern that cannot be searched for; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bytes to be found, from 1 to LONGEST of them. Raises PatternError for fewer or more.

    ignore_case  ASCII letters match in either case
    """

    data: bytes
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if not self.data:
            raise PatternError("nothing to find: the pattern is empty")
        if len(self.data) > LONGEST:
            raise PatternError(f"the pattern has {len(self.data)} bytes, and at most {LONGEST} can be found")


class Matcher:
    """A pattern that is compiled. All methods but folded() take bytes that are `folded`.

    size  of a match, in bytes
    """

    def __init__(self, pattern: Pattern) -> None:
        self._fold = pattern.ignore_case
        self._pattern = self.folded(pattern.data)
        self.size = len(self._pattern)
        self._ends: dict[int, list[int]] = {}
        for at in range(1, self.size):
            self._ends.setdefault(self._pattern[at], []).append(at)
        later = b"".join(re.escape(bytes([byte])) for byte in self._ends)
        self._later = re.compile(b"[" + later + b"]" if later else rb"(?!)")

    def folded(self, data: bytes) -> bytes:
        """The same bytes, in lower case where case is ignored."""
        return data.lower() if self._fold else data

    def within(self, data: bytes, start: int = 0, stop: int | None = None) -> bool:
        """Whether there is a match in data[start:stop]."""
        return data.find(self._pattern, start, stop) >= 0

    def places(self, data: bytes, *, backward: bool = False) -> Iterator[int]:
        """Where matches begin, from the first or from the last. Matches may overlap."""
        if backward:
            at = data.rfind(self._pattern)
            while at >= 0:
                yield at
                at = data.rfind(self._pattern, 0, at + self.size - 1)
        else:
            at = data.find(self._pattern)
            while at >= 0:
                yield at
                at = data.find(self._pattern, at + 1)

    def goes_on(self, data: bytes, known: int = 0) -> bool:
        """Whether a match that began before `data` may end in it, after its first `known` bytes."""
        ends = self._ends.get(data[0], ()) if data else ()
        return any(self.size - at > known and data.startswith(self._pattern[at:]) for at in ends)

    def begins(self, data: bytes) -> bool:
        """Whether a match may begin in `data`, or before it, and end after it."""
        inside = len(data) < self.size - 1 and data in self._pattern
        return inside or any(data.endswith(self._pattern[:size]) for size in range(1, min(len(data) + 1, self.size)))

    def may_go_on(self, firsts: bytes) -> Iterator[int]:
        """Which of these bytes, by their index, can stand in a match elsewhere than first."""
        return (match.start() for match in self._later.finditer(firsts))
