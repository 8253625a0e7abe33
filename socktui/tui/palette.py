"""What the palette offers: the actions of the key table that work now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from textual.actions import parse
from textual.dom import DOMNode
from textual.screen import Screen

from socktui.tui import keys

# What is of no use from there: moving about, and the palette itself.
LEFT_OUT = frozenset(
    {
        "command_palette", "focus_next", "focus_previous", "screens", "back", "older", "newer", "leave",
        "older_pattern", "newer_pattern",
    }
)  # fmt: skip

Run = Callable[[], Awaitable[None]]

Place = tuple[Iterable[keys.Key], DOMNode]
"""Keys, and the screen or widget whose bindings they are."""


def commands(screen: Screen[None], places: Iterable[Place]) -> Iterator[tuple[keys.Key, Run]]:
    """Each action of some groups of keys that works now, with what carries it out."""
    for group, node in places:
        for key in group:
            namespace, name, parameters = parse(key.action)
            target = {"app": screen.app, "screen": screen}.get(namespace, node)
            if key.id not in LEFT_OUT and target.check_action(name, parameters):
                yield key, _runner(screen, node, key.action)


def _runner(screen: Screen[None], node: DOMNode, action: str) -> Run:
    async def run() -> None:
        await screen.app.run_action(action, node)

    return run
