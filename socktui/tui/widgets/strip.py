"""The strip that names the screens: one line at the top, there only where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from socktui.core.safe import clip, width


class ScreenStrip(Widget, can_focus=False):
    """The names of the screens, numbered, the current one highlighted. It has the focus while one is chosen."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar = [
        Binding("left,h", "move(-1)", "Screen before", id="screen_before"),
        Binding("right,l,ctrl+t", "move(1)", "Screen after", id="screen_after"),
        Binding("enter,space", "choose", "Go there", id="choose_screen"),
        Binding("escape", "leave", "Stay", id="leave_strip"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"strip--current", "strip--cursor", "strip--hint"}
    DEFAULT_CSS = """
    ScreenStrip {
        height: 1;
        background: $panel;
        color: $foreground 70%;
        & > .strip--current { color: $foreground; text-style: bold; }
        & > .strip--hint { color: $foreground 55%; }
        & > .strip--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
    }
    """

    class Chosen(Message):
        """Go to the screen of this name."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Left(Message):
        """Nothing was chosen."""

    def __init__(self, names: Sequence[str], current: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = tuple(names)
        self._current = current
        self._cursor = self.names.index(current)

    def choose(self) -> None:
        """Take the focus, so that keys choose a screen: arrows and enter, or a number."""
        self._cursor = self.names.index(self._current)
        self.can_focus = True
        self.focus()

    # Keys

    def action_move(self, by: int) -> None:
        self._cursor = (self._cursor + by) % len(self.names)
        self.refresh()

    def action_choose(self) -> None:
        self._go(self._cursor)

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        if event.key.isdigit() and 0 < int(event.key) <= len(self.names):
            event.stop()
            self._go(int(event.key) - 1)

    def on_blur(self) -> None:
        self.can_focus = False  # tab goes from pane to pane, and not here
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        for i, (start, text) in enumerate(self._places()):
            if start <= event.x < start + width(text):
                self._go(i)

    def _go(self, i: int) -> None:
        """Leave, or go to another screen."""
        self.post_message(self.Left())
        if self.names[i] != self._current:
            self.post_message(self.Chosen(self.names[i]))

    # Painting

    def _places(self) -> list[tuple[int, str]]:
        """Each name as it is printed, with its first cell."""
        places, at = [], 0
        for number, name in enumerate(self.names, 1):
            text = f" {number} {name} "
            places.append((at, text))
            at += width(text)
        return places

    def render_line(self, y: int) -> Strip:
        """The names, cut off where there is no room for all, and at the right the keys that choose among them."""
        segments, room = [], self.size.width
        for i, (_, text) in enumerate(self._places()):
            part = "cursor" if self.has_focus and i == self._cursor else "current"
            shown = (self.has_focus and i == self._cursor) or self.names[i] == self._current
            style = self.get_component_rich_style(f"strip--{part}") if shown else self.rich_style
            segments.append(Segment(clip(text, max(0, room)), style))
            room -= width(text)
        hint = f"← → or 1-{len(self.names)} · enter · esc " if self.has_focus else "^t Screens "
        if room > width(hint):
            hinting = self.get_component_rich_style("strip--hint")
            segments += [Segment(" " * (room - width(hint)), self.rich_style), Segment(hint, hinting)]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)
