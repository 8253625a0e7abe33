"""The base of all virtual panes: lines painted on demand, a scroll bar of their own, the frame around them.

A paint costs what is visible. The stock ScrollView with its scroll bar and style cache costs about ten times
as much, so `render_lines` is overridden and the bar is drawn in the widget's own last column.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.cache import LRUCache
from textual.containers import Container
from textual.content import Content
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from socktui.core.safe import safe
from socktui.tui import keys

# Strips to keep, in screens. More only gives the garbage collector more to walk through.
CACHED_SCREENS = 3
WHEEL_LINES = 3
THUMB, TRACK = "▐", " "


_Key = tuple[Hashable | None, bool]
"""What a row shows, and whether the thumb of the scroll bar is beside it."""


class WholeStrip(Strip):
    """A strip across the whole widget. Textual's remembers that undivided it is itself, which only the garbage
    collector finds: its walks took a sixth of the time of a paint.
    """

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        cuts = list(cuts)
        return [self] if cuts == [self.cell_length] else super().divide(cuts)


class Lines(Widget, can_focus=True):
    """Lines of text with a scroll bar; what they show and where they stand is up to the subclass.

    The widget owns no scroll position, so a log that stands at (record, row in the record) and a table with
    plain row numbers fit equally well. A subclass provides

    * `line(y, width)`: the segments of row y of the screen, exactly `width` cells, each with a style that has
      a background (take it from `style()`);
    * `line_key(y)`: what row y shows, as a hashable value: rows with equal keys look equal. It is the key of
      the strip cache; None means "do not cache";
    * `bar()`: start and size of the scroll bar's thumb as fractions of the whole, or None for no bar;
    * `scroll_by(lines)` and `scroll_to_fraction(f)`, where f is 0.0 at the top and 1.0 when the last page is
      shown. Both end with `repaint()`;
    * `clicked(y, x, double)`, if clicks mean something;
    * `head`: how many rows at the top stand still (a header); the bar begins below them.

    It tells what changed: `repaint()` when the view moved, `refresh_lines(ys)` for some rows, `refresh_bar()` for
    growth out of sight, `invalidate()` when the same keys have come to look different.

    The keys of all lists come with it and move the view; a widget with a cursor overrides their actions.
    Nothing here paints a border, padding, tint or opacity of this widget: put them on a `Pane` around it.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar = keys.bindings(keys.group("lists"))
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "lines--good",
        "lines--warn",
        "lines--bad",
        "lines--dim",
        "lines--accent",
        "lines--strong",
        "lines--header",
        "lines--cursor",
        "lines--cursor-blurred",
        "lines--bar",
    }
    DEFAULT_CSS = """
    Lines {
        width: 1fr;
        height: 1fr;
        background: $surface;
        color: $foreground;
        & > .lines--good { color: $text-success; }
        & > .lines--warn { color: $text-warning; }
        & > .lines--bad { color: $text-error; }
        & > .lines--dim { color: $foreground 55%; }
        & > .lines--accent { color: $text-primary; }
        & > .lines--strong { color: $foreground; text-style: bold; }
        & > .lines--header { color: $foreground 55%; text-style: none; }
        & > .lines--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        & > .lines--cursor-blurred { background: $block-cursor-blurred-background; }
        & > .lines--bar { color: $foreground 35%; }
        &:focus > .lines--bar { color: $primary; }
        &:ansi > .lines--dim, &:ansi > .lines--header { text-style: dim; }
        &:ansi > .lines--cursor-blurred { background: ansi_bright_black; }
    }
    """

    head = 0

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: LRUCache[_Key, Strip] = LRUCache(128)
        self._looks: dict[tuple[str, str], Style] = {}
        self._thumb: range | None = None
        self._grabbed: int | None = None

    # What a subclass provides

    def line(self, y: int, width: int) -> Iterable[Segment]:
        """Row y of the screen."""
        return Strip.blank(width, self.style())

    def line_key(self, y: int) -> Hashable | None:
        """What row y shows, for the cache."""
        return None

    def bar(self) -> tuple[float, float] | None:
        """Start and size of the thumb, as fractions of the whole."""
        return None

    def scroll_by(self, lines: int) -> None:
        """Move the view down by so many lines (up when negative)."""

    def scroll_to_fraction(self, fraction: float) -> None:
        """Move the view: 0.0 is the top, 1.0 shows the last page."""

    def clicked(self, y: int, x: int, double: bool) -> None:
        """A click on row y of the screen, outside the scroll bar."""

    # What a subclass uses

    @property
    def page(self) -> int:
        """Rows below the head."""
        return max(0, self.size.height - self.head)

    @property
    def line_width(self) -> int:
        """Cells of a line: the last column belongs to the bar, shown or not, so that nothing jumps."""
        return max(0, self.size.width - 1)

    def style(self, name: str = "", on: str = "") -> Style:
        """The style `lines--<name>` (the plain one without a name), on the background of `lines--<on>`."""
        look = self._looks.get((name, on))
        if look is None:
            look = self.get_component_rich_style(f"lines--{name}") if name else self.rich_style
            if on:
                look += Style(bgcolor=self.style(on).bgcolor)
            self._looks[name, on] = look
        return look

    def refresh_lines(self, ys: Iterable[int]) -> None:
        """Repaint some rows."""
        regions = [Region(0, y, self.size.width, 1) for y in ys]
        if regions:  # without one, all would be painted
            self.refresh(*regions)

    def refresh_bar(self) -> None:
        """Repaint the scroll bar if its thumb has moved."""
        thumb = self._place_thumb()
        # Kept rather than worked out while painting: a paint of some rows must not draw half a thumb.
        if thumb != self._thumb:
            self._thumb = thumb
            self.refresh(Region(self.line_width, 0, 1, self.size.height))

    def repaint(self) -> None:
        """Repaint all rows, from the cache where they were painted before."""
        self._thumb = self._place_thumb()
        self.refresh()

    def invalidate(self) -> None:
        """Forget all painted lines and repaint: the lens, the columns or the colours have changed."""
        self._strips = LRUCache(max(CACHED_SCREENS * self.size.height, 32))
        self.repaint()

    # Painting

    def render_lines(self, crop: Region) -> list[Strip]:
        x, y, width, height = crop
        whole = self.size.width
        bars = Segment(TRACK, self.style("bar")), Segment(THUMB, self.style("bar"))
        strips = [self._row(row, whole, bars) for row in range(y, y + height)]
        if x or width != whole:
            strips = [strip.crop(x, x + width) for strip in strips]
        # The truecolor filter costs more than the paint and has nothing to do: colours come from the theme.
        filters = [each for each in self.get_line_filters() if not isinstance(each, ANSIToTruecolor)]
        if filters:
            background = self.background_colors[1]
            for each in filters:
                strips = [strip.apply_filter(each, background) for strip in strips]
        return strips

    def _row(self, y: int, width: int, bars: tuple[Segment, Segment]) -> Strip:
        thumb = self._thumb is not None and y in self._thumb
        key = self.line_key(y), thumb
        strip = self._strips.get(key)
        if strip is None:
            strip = WholeStrip([*self.line(y, width - 1), bars[thumb]], width)
            if key[0] is not None:
                self._strips.set(key, strip)
        return strip

    def _place_thumb(self) -> range | None:
        """The rows of the thumb."""
        where = self.bar()
        if where is None or self.page < 2:
            return None
        start, size = where
        length = min(self.page, max(1, round(size * self.page)))
        room = self.page - length
        top = self.head + round(start / max(1e-9, 1 - size) * room)
        top = max(self.head, min(self.head + room, top))
        return range(top, top + length)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looks.clear()
        self.invalidate()

    def on_resize(self) -> None:
        self.invalidate()

    # Mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_by(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_by(-WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        thumb = self._thumb
        if event.x != self.line_width or thumb is None:
            return
        event.stop()
        self.capture_mouse()
        # Beside the thumb, its middle jumps to the mouse.
        self._grabbed = event.y - thumb.start if event.y in thumb else len(thumb) // 2
        self._drag(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._grabbed is not None:
            event.stop()
            self._drag(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self._grabbed is not None:
            event.stop()
            self.release_mouse()
            self._grabbed = None

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if event.x < self.line_width:
            self.clicked(event.y, event.x, event.chain == 2)

    def _drag(self, y: int) -> None:
        if self._thumb is None or self._grabbed is None:
            return
        room = self.page - len(self._thumb)
        if room > 0:
            self.scroll_to_fraction(min(1.0, max(0.0, (y - self._grabbed - self.head) / room)))

    # Keys: without a cursor they move the view

    def action_cursor_down(self) -> None:
        self.scroll_by(1)

    def action_cursor_up(self) -> None:
        self.scroll_by(-1)

    def action_half_down(self) -> None:
        self.scroll_by(max(1, self.page // 2))

    def action_half_up(self) -> None:
        self.scroll_by(-max(1, self.page // 2))

    def action_page_down(self) -> None:
        self.scroll_by(max(1, self.page - 1))

    def action_page_up(self) -> None:
        self.scroll_by(-max(1, self.page - 1))

    def action_first(self) -> None:
        self.scroll_to_fraction(0.0)

    def action_last(self) -> None:
        self.scroll_to_fraction(1.0)

    def action_choose(self) -> None:
        raise SkipAction


class Pane(Container):
    """The frame around a pane: a border with a title, brighter while the focus is inside."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    Pane {
        width: 1fr;
        height: 1fr;
        background: $surface;
        border: round $foreground 25%;
        border-title-color: $foreground 70%;
        border-subtitle-color: $foreground 55%;
        &:focus-within {
            border: heavy $primary;
            border-title-color: $foreground;
            border-title-style: bold;
        }
    }
    """

    def __init__(self, *children: Widget, title: str = "", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(*children, id=id, classes=classes)
        self._pane_title = self._pane_subtitle = self._pane_alert = ""
        self.title = title

    @property
    def title(self) -> str:
        """What stands at the top of the frame."""
        return self._pane_title

    @title.setter
    def title(self, text: str) -> None:
        if text != self._pane_title:
            self._pane_title = text
            self._show_title()

    @property
    def alert(self) -> str:
        """What stands behind the title in red."""
        return self._pane_alert

    @alert.setter
    def alert(self, text: str) -> None:
        if text != self._pane_alert:
            self._pane_alert = text
            self._show_title()

    @property
    def subtitle(self) -> str:
        """What stands at the bottom of the frame."""
        return self._pane_subtitle

    @subtitle.setter
    def subtitle(self, text: str) -> None:
        if text != self._pane_subtitle:
            self._pane_subtitle = text
            self.border_subtitle = Content(safe(text)) if text else None

    def _show_title(self) -> None:
        """Names of peers and files come into titles: never as markup."""
        title, alert = safe(self._pane_title), safe(self._pane_alert)
        self.border_title = Content.assemble(title, (alert, "$text-error")) if title or alert else None
