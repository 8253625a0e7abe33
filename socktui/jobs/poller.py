"""Readiness: one epoll for asyncio's own descriptors and for our sockets, which are called back at once."""

import math
import select
import selectors
from collections.abc import Callable, Mapping
from typing import Any

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
HANGUP = select.EPOLLHUP | select.EPOLLERR


class Poller(selectors.BaseSelector):
    """The selector of the engine's event loop.

    What asyncio registers is reported to it. What watch() registers is called at once, with its events.

    wait  how it waits: epoll_wait(2), for so many seconds (None: without end), and the descriptors and events found
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.wait: Callable[[float | None], list[tuple[int, int]]] = self._epoll.poll
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._watch: dict[int, Callable[[int], None]] = {}
        self.soon: list[Callable[[], None]] = []

    def fileno(self) -> int:
        return self._epoll.fileno()

    def unhook(self) -> None:
        """Wait as at first."""
        self.wait = self._epoll.poll

    # Our sockets

    def watch(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Call `callback(events)` while any of them holds or the peer hung up (epoll(7)), until forgotten."""
        self._epoll.register(fd, events)
        self._watch[fd] = callback

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        del self._watch[fd]
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
        self._watch.clear()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.soon:
            timeout = 0
        elif timeout is not None:
            # epoll counts milliseconds: never wake too early.
            timeout = math.ceil(max(timeout, 0) * 1e3) * 1e-3
        soon, self.soon = self.soon, []
        ready = []
        try:
            found = self.wait(timeout)
        except InterruptedError:
            found = []
        for fd, events in found:
            callback = self._watch.get(fd)
            if callback is not None:
                callback(events)
                continue
            key = self._keys.get(fd)
            if key is not None:
                mask = (events & ~WRITE and selectors.EVENT_READ) | (events & ~READ and selectors.EVENT_WRITE)
                ready.append((key, mask & key.events))
        for resume in soon:
            resume()
        return ready


def _epoll_events(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
