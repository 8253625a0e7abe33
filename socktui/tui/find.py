"""Finding bytes in a capture while it is shown: from a place on, in either direction, and round the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from socktui.journal.matching import Pattern
from socktui.journal.reader import Reader
from socktui.journal.search import BytePosition, Hit, Hits, Scope, Search

SLICE = 0.02
"""Seconds after which a search tells how far it is, and can be stopped."""

TURN, REST = 0.001, 0.0002
"""Seconds after which a search lets the screen have its turn, and for how long."""

PATIENCE = 0.3
"""Seconds for which nothing is said of a search that is under way, and after which it is said again."""


@dataclass(frozen=True, slots=True)
class Progress:
    """It goes on; so much has been looked through."""

    percent: int


@dataclass(frozen=True, slots=True)
class Found:
    """The next match; `wrapped` where it is on the other side of the end."""

    hit: Hit
    wrapped: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is no match anywhere."""


Report = Progress | Found | Nothing


class Finder:
    """Searches a capture in a thread, a slice at a time, with a reader of its own that is opened when it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._closed = False

    def close(self) -> None:
        """Let go of the capture; a search that is under way finds nothing more."""
        with self._lock:
            self._closed = True
            if self._reader:
                self._reader.close()

    async def look(
        self, pattern: Pattern, scope: Scope, start: BytePosition, *, backward: bool, count: Callable[[], int | None]
    ) -> AsyncIterator[Report]:
        """The next match whose end is after a place (before it, when backward), or Nothing; before that, Progress.

        count  how many calls of the capture may be looked at, asked again and again; None for all that there are

        Raises CaptureError and OSError where the capture cannot be read. Whoever stops iterating stops the search.
        """
        search = Search(await asyncio.to_thread(self._opened), pattern, scope)
        way = search.backward if backward else search.forward
        said = time.monotonic()
        known = 0
        for hits, wrapped in ((way(start), False), (way(None), True)):
            over, hit = False, None
            while not over:
                over, hit = await asyncio.to_thread(self._slice, hits, count())
                # After the end, what was looked at before need not be again, but for the call where it all began.
                over = over or search.looked > search.of - known
                if time.monotonic() - said > PATIENCE:
                    said = time.monotonic()
                    yield Progress(100 * search.looked // max(1, search.of))
            if hit:
                yield Found(hit, wrapped)
                return
            known = search.of
        yield Nothing()

    # In a thread

    def _opened(self) -> Reader:
        with self._lock:
            if self._reader is None:
                self._reader = Reader(self._path)
            return self._reader

    def _slice(self, hits: Hits, count: int | None) -> tuple[bool, Hit | None]:
        """Go on for a while: whether it is over, and the match that was found."""
        with self._lock:
            if self._closed or self._reader is None:
                return True, None
            self._reader.refresh()
            if count is not None:
                self._reader.count = min(self._reader.count, count)
            began = rested = time.monotonic()
            for hit in hits:
                now = time.monotonic()
                if hit or now - began > SLICE:
                    return hit is not None, hit
                if now - rested > TURN:
                    time.sleep(REST)
                    rested = time.monotonic()
            return True, None
