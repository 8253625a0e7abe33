"""What the palette offers: the actions of the key table that work now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from textual.actions import parse

from socktui.tui import keys

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from socktui.tui.screens.main import Main
    from socktui.tui.widgets.findbar import FindBar
    from socktui.tui.widgets.sendbox import SendBox

# What is of no use from there: moving about, and the palette itself.
LEFT_OUT = frozenset(
    {
        "command_palette", "focus_next", "focus_previous", "back", "older", "newer", "leave", "older_pattern",
        "newer_pattern",
    }
)  # fmt: skip

Run = Callable[[], Awaitable[None]]


def commands(main: Main, bar: FindBar, box: SendBox) -> Iterator[tuple[keys.Key, Run]]:
    """Each action with what carries it out; those of the find bar and of the send box where they are there."""
    where: list[tuple[keys.Where, DOMNode]] = [("everywhere", main)]
    if bar.display:
        where.append(("find", bar))
    if box.is_attached:
        where.append(("send", box))
    for place, node in where:
        for key in keys.group(place):
            namespace, name, parameters = parse(key.action)
            target = {"app": main.app, "screen": main}.get(namespace, node)
            if key.id not in LEFT_OUT and target.check_action(name, parameters):
                yield key, _runner(main, node, key.action)


def _runner(main: Main, node: DOMNode, action: str) -> Run:
    async def run() -> None:
        await main.app.run_action(action, node)

    return run
