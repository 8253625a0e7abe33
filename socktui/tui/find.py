"""Finding bytes in what the byte log shows: from where it stands, in both directions, round the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from socktui.core.safe import safe
from socktui.journal.matching import Pattern
from socktui.journal.reader import CaptureError, Reader
from socktui.journal.search import BytePosition, Hit, Hits, Scope, Search

if TYPE_CHECKING:
    from socktui.tui.bytelog.byte_log import ByteLog
    from socktui.tui.screens.viewer import Viewer

SLICE = 0.02
"""Seconds after which a search tells how far it is, and can be stopped."""

TURN, REST = 0.001, 0.0002
"""Seconds after which a search lets the screen have its turn, and for how long."""

PATIENCE = 0.3
"""Seconds for which nothing is said of a search that is under way, and after which it is said again."""

IMPATIENCE = 50
"""How often a key may be pressed before the first search is over."""

_GROUP = "find"


class Find:
    """What is looked for, and the search that is under way.

    A search has a reader of its own, for it runs in a thread, a slice at a time.

    pattern  what was asked for last; None where nothing is to be found any more
    """

    def __init__(self, screen: Viewer, log: ByteLog) -> None:
        self._screen = screen
        self._log = log
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._closed = False
        self._hit: Hit | None = None
        self._stood: BytePosition | None = None
        self.pattern: Pattern | None = None
        self._asked: deque[bool] = deque(maxlen=IMPATIENCE)

    def close(self) -> None:
        """Let go of the capture."""
        self.stop()
        with self._lock:
            self._closed = True
            if self._reader:
                self._reader.close()

    def look_for(self, pattern: Pattern | None) -> None:
        """Look for something else from now on, or for nothing."""
        self.stop()
        self.pattern = pattern
        self._hit = None
        self._log.mark(pattern)
        self._screen.refresh_bindings()

    def stop(self) -> None:
        """End the search that is under way."""
        self._screen.workers.cancel_group(self._screen, _GROUP)
        self._asked.clear()

    @property
    def running(self) -> bool:
        """Whether a search is under way."""
        return bool(self._asked)

    def go(self, *, backward: bool) -> None:
        """Find the next match, or the one before, and show it; after those that were asked for before."""
        running = self.running
        self._asked.append(backward)
        if not running:
            self._screen.run_worker(self._go(), group=_GROUP)

    async def _go(self) -> None:
        while self._asked:
            standing = self._log.standing
            if self.pattern is None or standing is None:
                self._asked.clear()
                self._screen.say("there are no bytes to look through yet")
                return
            backward = self._asked[0]
            try:
                found, wrapped = await self._found(self.pattern, standing, backward)
            except (CaptureError, OSError) as error:
                self._asked.clear()
                self._screen.complain(str(error))
                return
            self._tell(found, wrapped, backward)
            if self._asked:
                self._asked.popleft()

    async def _found(self, pattern: Pattern, standing: BytePosition, backward: bool) -> tuple[Hit | None, bool]:
        """The next match, and whether it was found on the other side of the end."""
        self._scope = Scope(self._log.sequence.number, self._log.lens.layers)
        search = Search(await asyncio.to_thread(self._opened), pattern, self._scope)
        way = search.backward if backward else search.forward
        if self._hit and standing == self._stood:
            start = self._hit.end
        else:
            start = standing if backward else BytePosition(standing.seq, standing.offset - 1)
        began = time.monotonic()
        found = await self._first(search, way(start), 0, began)
        if found:
            return found, False
        return await self._first(search, way(None), search.of, began), True

    async def _first(self, search: Search, hits: Hits, known: int, began: float) -> Hit | None:
        """The first match; the last `known` calls need not be looked at, but for the one where the search began."""
        told = began
        over, hit = False, None
        while not over:
            over, hit = await asyncio.to_thread(self._slice, hits)
            over = over or search.looked > search.of - known
            if time.monotonic() - told > PATIENCE:
                told = time.monotonic()
                self._screen.say(f"looking … {100 * search.looked // max(1, search.of)} % · esc stops", seconds=0)
        return hit

    # In a thread

    def _opened(self) -> Reader:
        with self._lock:
            if self._reader is None:
                self._reader = Reader(self._screen.reader.path)
            return self._reader

    def _slice(self, hits: Hits) -> tuple[bool, Hit | None]:
        """Go on for a while: whether it is over, and the match that was found."""
        with self._lock:
            if self._closed or self._reader is None:
                return True, None
            self._reader.refresh()
            if self._screen.paused:  # what is not seen is not found
                self._reader.count = min(self._reader.count, self._screen.reader.count)
            began = rested = time.monotonic()
            for hit in hits:
                now = time.monotonic()
                if hit or now - began > SLICE:
                    return hit is not None, hit
                if now - rested > TURN:
                    time.sleep(REST)
                    rested = time.monotonic()
            return True, None

    # What came of it

    def _tell(self, hit: Hit | None, wrapped: bool, backward: bool) -> None:
        if hit is None:
            self._asked.clear()
            self._screen.say("not found")
            return
        if self._scope != Scope(self._log.sequence.number, self._log.lens.layers):
            self._screen.say("found, but the log shows others by now: n looks there")
            return
        self._screen.reach(hit.end.seq)
        self._log.go_to(BytePosition(hit.seq, hit.offset))
        self._hit, self._stood = hit, self._log.standing
        ways = {False: "no more below: from the top", True: "no more above: from the end"}
        socket = self._screen.reader.call(hit.seq).socket
        parts = [ways[backward] if wrapped else "", f"found in call {hit.seq}", f"socket {socket}"]
        self._screen.say(safe(" · ".join(part for part in parts if part)))
