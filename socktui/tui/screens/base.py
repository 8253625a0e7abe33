"""What every screen has: a line of keys and messages, warnings that stay, a strip that names the screens, a clock.

A screen of the program is a `BaseScreen` plus its panes. It has a name (`TITLE`), and keys of its own from the key
table (`OWN_KEYS`) besides those that work everywhere; it yields its panes in `body()` and looks for news in `tick()`.
Dialogs stand above a screen and are none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.content import Content
from textual.events import ScreenResume
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from socktui.core.safe import safe
from socktui.tui import keys
from socktui.tui.palette import Place, Run, commands
from socktui.tui.widgets.footer import FooterBar
from socktui.tui.widgets.strip import ScreenStrip

TICK_SECONDS = 1 / 15
"""How often a screen looks for news."""

BACKLOG_OF_FRAMES = 2
"""How many frames may wait for the terminal before no new ones are made."""


class BaseScreen(Screen[None]):
    """A screen of the program; it is not shown itself."""

    TITLE: ClassVar[str] = ""
    OWN_KEYS: ClassVar[Sequence[keys.Key]] = ()
    """A screen that has some binds them too: `BINDINGS = keys.bindings(OWN_KEYS)`."""

    BINDINGS: ClassVar = keys.bindings(keys.group("everywhere"))
    DEFAULT_CSS = """
    BaseScreen {
        layout: vertical;
        #banner { height: auto; background: $error; color: $text; text-style: bold; padding: 0 1; display: none; }
    }
    """

    def __init__(self, screens: Sequence[str] = ()) -> None:
        """`screens` names all screens that there are, this one among them, in the order of the strip."""
        super().__init__()
        self._strip = ScreenStrip(screens, self.TITLE) if len(screens) > 1 else None
        self._banner = Static(id="banner", markup=False)
        self._footer = FooterBar()
        self._warnings: dict[str, str] = {}
        self._shown = False
        self._before: Widget | None = None

    # What a screen provides

    def body(self) -> ComposeResult:
        """The panes, between the strip and the footer."""
        return iter(())

    @property
    def home(self) -> Widget | None:
        """What has the focus at first."""
        return None

    def tick(self) -> None:
        """Look for news. It is called all the time: `watched` tells whether there is anybody to paint them for."""

    def places(self) -> Iterator[Place]:
        """Where there are keys now; the palette offers them in this order."""
        yield self.OWN_KEYS, self
        yield keys.group("everywhere"), self

    # Making and showing

    def compose(self) -> ComposeResult:
        if self._strip:
            yield self._strip
        yield self._banner
        yield from self.body()
        yield self._footer

    def on_mount(self) -> None:
        if self.home is not None:
            self.set_focus(self.home)
        self.set_interval(TICK_SECONDS, self.tick)

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Show the screen again; the first time its styles are just made."""
        event.refresh_styles = event.refresh_styles and self._shown
        self._shown = True

    @property
    def watched(self) -> bool:
        """Whether this screen is seen, be it behind a dialog, and the terminal takes its frames."""
        return self.is_current and not terminal_behind(self.app)

    # Messages

    def say(self, text: str, seconds: float = 5.0) -> None:
        """Say something in place of the keys; for `seconds`, or until something else happens where they are 0."""
        self._footer.show(text, seconds=seconds)

    def complain(self, text: str, seconds: float = 10.0) -> None:
        """Say in red what went wrong, in place of the keys."""
        self._footer.show(text, "error", seconds)

    def clear_message(self) -> None:
        """Show the keys again where a message stands."""
        self._footer.clear()

    def warn(self, about: str, text: str) -> None:
        """Say something in red that stays; one line for each thing that it is about."""
        if self._warnings.get(about) != text:
            self._warnings[about] = text
            self._banner.update(Content("\n".join(map(safe, self._warnings.values()))))
            self._banner.display = True

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "screens":
            return self._strip is not None
        return super().check_action(action, parameters)

    def commands(self) -> Iterator[tuple[keys.Key, Run]]:
        """What the palette offers: each action that works now, and what carries it out."""
        return commands(self, self.places())

    def action_screens(self) -> None:
        if self._strip:
            self._before = self.focused
            self._strip.choose()

    @on(ScreenStrip.Left)
    def _left_strip(self) -> None:
        self.set_focus(self._before or self.home)

    def action_help(self) -> None:
        from socktui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())


def terminal_behind(app: App[Any]) -> bool:
    """Whether frames wait for a slow terminal: then no new ones are made, so that keys still get through."""
    thread = getattr(app._driver, "_writer_thread", None)
    return thread is not None and thread._queue.qsize() > BACKLOG_OF_FRAMES
