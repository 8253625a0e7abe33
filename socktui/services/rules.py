"""Rules: patterns and the answers to them, matched against received bytes. Pure: no bytes are moved here."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from socktui.services import bounded_regex

_log = logging.getLogger(__name__)

BOUND = 8192
"""The most bytes that are kept where no rule matches, and that are examined of a line or a message."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait before the next step."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection, in order or with a RST."""

    reset: bool


Steps = tuple[Send | Wait | End, ...]


class Frame(Enum):
    """How a stream is cut into the pieces that the rules are matched against."""

    BUFFER = "buffer"
    LINE = "line"
    CHUNK = "chunk"


@dataclass(slots=True)
class Rule:
    """A pattern, and the steps of the answer.

    wanted  bytes, or an expression, searched for anywhere in the piece
    slow    the expression once took too long, and is not tried again
    """

    number: int
    wanted: bytes | re.Pattern[bytes]
    answer: Steps
    slow: bool = False

    def span(self, data: bytes) -> tuple[int, int] | None:
        """The first match in the data, as start and end; None where there is none."""
        if isinstance(self.wanted, bytes):
            at = data.find(self.wanted)
            return (at, at + len(self.wanted)) if at >= 0 else None
        if self.slow:
            return None
        try:
            match = bounded_regex.search(self.wanted, data)
        except bounded_regex.TooSlow:
            self.slow = True
            seconds = bounded_regex.SECONDS
            _log.warning("rule %d: 'regex' took longer than %g s and is left out from now on", self.number, seconds)
            return None
        return match.span() if match else None


@dataclass(frozen=True, slots=True)
class Rules:
    """The content of a file of rules.

    connect  the steps to begin with, before anything is received
    default  the answer where no rule matches; None for no answer
    """

    frame: Frame = Frame.BUFFER
    rules: tuple[Rule, ...] = ()
    connect: Steps = ()
    default: Steps | None = None

    def answer(self, data: bytes) -> Steps:
        """The answer to a line, a chunk or a message: that of the first rule that matches. It may have no steps."""
        looked_at = data[:BOUND]
        for rule in self.rules:
            if rule.span(looked_at) is not None:
                return rule.answer
        return self.default or ()

    def first(self, data: bytes) -> tuple[Steps, int] | None:
        """The answer of the rule with the first match in a buffer, and how many bytes it answers; None for no match.

        Of two that match at the same place the first in the file is taken; a match of no bytes answers all of it.
        """
        best: tuple[int, int, Steps] | None = None
        for rule in self.rules:
            span = rule.span(data)
            if span is not None and (best is None or span[0] < best[0]):
                best = (*span, rule.answer)
        return (best[2], best[1] or len(data)) if best else None


class Incoming:
    """The bytes received from one peer that are not answered yet."""

    def __init__(self) -> None:
        self._kept = b""

    def answers(self, rules: Rules, data: bytes, *, whole: bool) -> Iterator[Steps]:
        """Take received bytes; the answers to them, one after the other.

        whole  the data are a message, which is matched by itself
        """
        if whole or rules.frame is Frame.CHUNK:
            yield rules.answer(data)
        elif rules.frame is Frame.LINE:
            yield from self._lines(rules, data)
        else:
            yield from self._buffer(rules, data)

    def rest(self, rules: Rules) -> Iterator[Steps]:
        """The answer to a last line without an end, after the peer's FIN."""
        if self._kept and rules.frame is Frame.LINE:
            yield rules.answer(self._kept.rstrip(b"\r"))

    def _lines(self, rules: Rules, data: bytes) -> Iterator[Steps]:
        text = self._kept + data
        start = 0
        while end := text.find(b"\n", start) + 1:
            yield rules.answer(text[start : min(end, start + BOUND)].rstrip(b"\r\n"))
            start = end
        self._kept = text[start : start + BOUND]

    def _buffer(self, rules: Rules, data: bytes) -> Iterator[Steps]:
        for at in range(0, len(data), BOUND):
            self._kept += data[at : at + BOUND]
            while self._kept and (found := rules.first(self._kept)):
                steps, answered = found
                self._kept = self._kept[answered:]
                yield steps
            if self._kept and rules.default is not None:
                self._kept = b""
                yield rules.default
            self._kept = self._kept[-BOUND:]
