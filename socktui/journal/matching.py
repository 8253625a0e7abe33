"""What to find, and finding it in some bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 4096
"""Bytes of a pattern at most."""


class PatternError(ValueError):
    """Nothing can be found with this pattern; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What to find: some bytes; letters of ASCII in either case where that is ignored. Raises PatternError."""

    data: bytes
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if not self.data:
            raise PatternError("nothing to find: the pattern is empty")
        if len(self.data) > LONGEST:
            raise PatternError(f"the pattern has {len(self.data)} bytes, and at most {LONGEST} can be found")


class Matcher:
    """A pattern, made ready to look for it. All bytes that it is given have to be `folded` before.

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
        """The same bytes, in one case where case is ignored."""
        return data.lower() if self._fold else data

    def within(self, data: bytes, start: int = 0, stop: int | None = None) -> bool:
        """Whether there is a match between two places."""
        return data.find(self._pattern, start, stop) >= 0

    def places(self, data: bytes, *, backward: bool = False) -> Iterator[int]:
        """Where matches begin. They may overlap."""
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
        """Whether `data` may begin in the midst of a match, and that match end after the first `known` bytes."""
        ends = self._ends.get(data[0], ()) if data else ()
        return any(self.size - at > known and data.startswith(self._pattern[at:]) for at in ends)

    def begins(self, data: bytes) -> bool:
        """Whether a match may have begun in `data`, or before it, and end after it."""
        inside = len(data) < self.size - 1 and data in self._pattern
        return inside or any(data.endswith(self._pattern[:size]) for size in range(1, min(len(data) + 1, self.size)))

    def may_go_on(self, firsts: bytes) -> Iterator[int]:
        """Which of these bytes can be in a match, and not its first."""
        return (match.start() for match in self._later.finditer(firsts))
