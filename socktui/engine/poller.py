"""Readiness: one epoll(7) for asyncio's own descriptors and for our sockets, which are called back at once.

It is the selector of the engine's event loop. asyncio resumes its tasks from what select() returns; a relay
(relay.py) is called from within, so that a byte costs no task switch.
"""

import math
import select
import selectors
from collections.abc import Callable, Mapping
from typing import Any, Protocol

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
HANGUP = select.EPOLLHUP | select.EPOLLERR


class Watcher(Protocol):
    """What is called when a descriptor is ready."""

    def ready(self, events: int) -> None:
        """`events` are those of epoll_wait(2)."""


class Poller(selectors.BaseSelector):
    """What asyncio registers is reported to it. What watch() registers is called at once.

    wait  epoll_wait(2): from seconds (None: without end) to the descriptors and events found. The fast path puts its
          own in the place.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.wait: Callable[[float | None], list[tuple[int, int]]] = self._epoll.poll
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._watched: dict[int, Watcher] = {}

    def fileno(self) -> int:
        """Return the descriptor of the epoll instance."""
        return self._epoll.fileno()

    def unhook(self) -> None:
        """Wait by epoll_wait(2) alone, as at first."""
        self.wait = self._epoll.poll

    # Our sockets

    def watch(self, fd: int, events: int, watcher: Watcher) -> None:
        """Call `watcher.ready(events)` while any of them holds or the peer hung up (epoll(7)), until forgotten."""
        self._epoll.register(fd, events)
        self._watched[fd] = watcher

    def change(self, fd: int, events: int) -> None:
        """Wait for other events of a watched descriptor."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more. It has to be open still."""
        del self._watched[fd]
        self._epoll.unregister(fd)

    # asyncio's descriptors

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._epoll.register(fd, _epoll_events(events))
        self._keys[fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys.pop(fd)
        self._epoll.unregister(fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._epoll.modify(fd, _epoll_events(events))
        self._keys[fd] = key
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._epoll.close()
        self._keys.clear()
        self._watched.clear()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None:
            # epoll counts milliseconds: never wake too early.
            timeout = math.ceil(timeout * 1e3) * 1e-3 if timeout > 0 else 0
        try:
            found = self.wait(timeout)
        except InterruptedError:
            return []
        ready = []
        watched = self._watched
        for fd, events in found:
            watcher = watched.get(fd)
            if watcher is not None:
                watcher.ready(events)
            elif (key := self._keys.get(fd)) is not None:
                mask = (events & ~WRITE and selectors.EVENT_READ) | (events & ~READ and selectors.EVENT_WRITE)
                ready.append((key, mask & key.events))
        return ready


def _epoll_events(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
