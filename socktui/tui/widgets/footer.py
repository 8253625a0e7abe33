"""The last line of the screen: the keys that work where the focus is, or a message in their place.

The stock Footer makes a widget of every key, anew on each change of focus, and never lets go of them all.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from socktui.core.safe import clip, safe, width
from socktui.tui.keys import ALWAYS, KEYS, RARE, action_id, rank

Level = Literal["info", "error"]

MESSAGE_LINES = 2


class Item(NamedTuple):
    """A key in the footer: what it sends, how it is printed, what it does."""

    key: str
    sign: str
    label: str

    @property
    def cells(self) -> int:
        """How many cells it takes."""
        # " e Echo "
        return width(self.sign) + width(self.label) + 3


def fit_items(items: list[Item], always: list[Item], room: int) -> list[Item]:
    """As many keys as fit, in their order, before those that are always there."""
    room -= sum(item.cells for item in always)
    shown = []
    for item in items:
        room -= item.cells
        if room < 0:
            break
        shown.append(item)
    return shown


def wrap(text: str, room: int) -> list[str]:
    """A safe text in at most two lines, broken between words where that can be."""
    lines: list[str] = []
    while width(text) > room and len(lines) < MESSAGE_LINES - 1:
        # Not clip(): that would leave its sign of cutting in the middle of a sentence.
        cut = room
        while width(text[:cut]) > room:
            cut -= 1
        space = text.rfind(" ", 1, cut + 1)
        lines.append(text[: space if space > 0 else cut])
        text = text[space if space > 0 else cut :].lstrip(" ")
    return [*lines, clip(text, room)]


class FooterBar(Widget):
    """The keys that work now, chosen and ordered by the key table; or a message in their place."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"footer--key", "footer--label", "footer--error", "footer--info"}  # noqa: RUF012
    DEFAULT_CSS = """
    FooterBar {
        dock: bottom;
        width: 1fr;
        height: auto;
        background: $panel;
        color: $foreground;
        & > .footer--key { color: $text-accent; text-style: bold; }
        & > .footer--label { color: $foreground 80%; }
        & > .footer--info { background: $primary-muted; color: $foreground; }
        & > .footer--error { background: $error; color: $text; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: list[Item] = []
        self._always: list[Item] = []
        self._message = ""
        self._level: Level = "info"
        self._end: Timer | None = None

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)
        self.refresh_keys()

    # Messages

    def show(self, text: str, level: Level = "info", seconds: float = 5.0) -> None:
        """Say something in place of the keys; seconds <= 0 leaves it there until `clear()` or a click."""
        if self._end is not None:
            self._end.stop()
        self._end = self.set_timer(seconds, self.clear) if seconds > 0 else None
        # An error must be told from other messages where there are no colours.
        self._message = ("Error: " if level == "error" else "") + safe(" ".join(text.split()))
        self._level = level
        self.refresh(layout=True)

    def clear(self) -> None:
        """Show the keys again."""
        if self._end is not None:
            self._end.stop()
            self._end = None
        if self._message:
            self._message = ""
            self.refresh(layout=True)

    # Keys

    def refresh_keys(self) -> None:
        """Look at the active bindings again; call it where a key has begun or ceased to work."""
        pressed: dict[str, str] = {}
        for name, active in self.screen.active_bindings.items():
            if active.enabled:
                pressed.setdefault(active.binding.id or action_id(active.binding.action), name)
        found = {}
        for known in sorted(KEYS, key=lambda each: (each.id not in RARE, rank(each))):
            if known.footer and known.id in pressed:
                key = pressed[known.id]
                sign = known.sign(key) or self.app.get_key_display(Binding(key, known.action))
                found[known.id] = Item(key, sign, known.label)
        always = [found.pop(name) for name in ALWAYS if name in found]
        items = list(found.values())
        if (items, always) != (self._items, self._always):
            self._items, self._always = items, always
            self.refresh()

    def _bindings_updated(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.refresh_keys()

    # Painting

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(wrap(self._message, max(1, width - 2)))

    def render_line(self, y: int) -> Strip:
        room = self.size.width
        if self._message:
            style = self.get_component_rich_style(f"footer--{self._level}")
            lines = wrap(self._message, max(1, room - 2))
            text = " " + lines[y] if y < len(lines) else ""
            return Strip([Segment(text, style)]).adjust_cell_length(room, style)
        plain = self.rich_style
        key, label = (self.get_component_rich_style(f"footer--{part}") for part in ("key", "label"))
        segments: list[Segment] = []
        at = 0
        for start, item in self._places():
            segments += [
                Segment(" " * (start - at + 1), plain),
                Segment(item.sign, key),
                Segment(f" {item.label} ", label),
            ]
            at = start + item.cells
        return Strip(segments).adjust_cell_length(room, plain)

    def _places(self) -> list[tuple[int, Item]]:
        """Each key with its first cell; those that are always there stand at the right."""
        shown = fit_items(self._items, self._always, self.size.width)
        places, at = [], 0
        for item in shown:
            places.append((at, item))
            at += item.cells
        at = max(at, self.size.width - sum(item.cells for item in self._always))
        for item in self._always:
            places.append((at, item))
            at += item.cells
        return places

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if self._message:
            self.clear()
            return
        for start, item in self._places():
            if start <= event.x < start + item.cells:
                self.app.simulate_key(item.key)
