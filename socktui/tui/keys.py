"""Every key of the program, once: bindings, footer, palette, help page and docs/keys.md come from this table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from textual.binding import Binding, BindingType

Where = Literal["workbench", "everywhere", "lists", "find", "send", "dialog"]
"""Where keys work: on one screen, on every one, or while a widget of a kind has the focus."""

TITLES: dict[Where, str] = {
    "workbench": "Workbench",
    "everywhere": "Everywhere",
    "lists": "Lists and logs",
    "find": "Find bar",
    "send": "Send box",
    "dialog": "Dialogs",
}


def action_id(action: str) -> str:
    """An action without its namespace, its argument made plain: "jump('calls')" is "jump_calls"."""
    return re.sub(r"\W+", "_", action.rpartition(".")[2]).strip("_")


@dataclass(frozen=True)
class Key:
    """One action and the keys that start it.

    key     as Textual names it; it may name several keys ("j,down")
    action  as Textual runs it, of the node that has the binding unless a namespace says otherwise ("app.quit")
    label   for the footer and the palette; `help` is a sentence for the help page and the README
    footer  whether the footer shows it
    shown   a sign for each of the keys ("j ↓")
    engine  whether it works only where an engine runs, not on a capture that is only looked at
    """

    key: str
    action: str
    label: str
    help: str
    where: Where
    footer: bool
    shown: str
    engine: bool = False

    @property
    def id(self) -> str:
        """Name of the binding for a keymap."""
        return action_id(self.action)

    @property
    def keys(self) -> list[str]:
        """The names of its keys."""
        return self.key.split(",")

    def sign(self, key: str) -> str | None:
        """How one key of this action is printed; None for a key that only a keymap put there."""
        return dict(zip(self.keys, self.shown.split(), strict=True)).get(key)


def _everywhere(key: str, action: str, label: str, help: str, shown: str = "", footer: bool = True) -> Key:
    return Key(key, action, label, help, "everywhere", footer, shown or key)


def _workbench(key: str, action: str, label: str, help: str, shown: str = "", footer: bool = True) -> Key:
    return Key(key, action, label, help, "workbench", footer, shown or key)


def _engine(key: str, action: str, label: str, help: str, shown: str = "", footer: bool = True) -> Key:
    return Key(key, action, label, help, "workbench", footer, shown or key, engine=True)


def _lists(key: str, action: str, label: str, help: str, shown: str) -> Key:
    return Key(key, action, label, help, "lists", False, shown)


def _find(key: str, action: str, label: str, help: str, shown: str = "", footer: bool = True) -> Key:
    return Key(key, action, label, help, "find", footer, shown or key)


def _send(key: str, action: str, label: str, help: str, shown: str = "", footer: bool = True) -> Key:
    return Key(key, action, label, help, "send", footer, shown or key)


def _dialog(key: str, action: str, label: str, help: str, shown: str) -> Key:
    return Key(key, action, label, help, "dialog", False, shown)


# In a group the order is the order of importance: a footer that is too narrow drops keys from the end.
KEYS: tuple[Key, ...] = (
    _engine("e", "echo_server", "Echo", "Start an echo server."),
    _engine("c", "client", "Client", "Connect a client to the selected server."),
    _engine("l", "listen", "Listen", "Start a server with a service you choose."),
    _engine("o", "connect_to", "Connect", "Connect a client to an endpoint you name."),
    _engine("x", "close", "Close", "Close the selected socket."),
    _workbench("slash", "find", "Find", "Find bytes in what the byte log shows.", "/"),
    _workbench("v", "view", "View", "Show bytes as hex, as text, or as both."),
    _workbench("w", "layer", "Layer", "Show clear text, the wire, or every layer."),
    _engine("s", "half_close", "Half-close", "Shut down a connection's sending side."),
    _engine("f", "follow", "Follow", "Stick to the newest bytes, or stop that."),
    _workbench("a", "all", "All", "Show all connections' bytes, or just one's."),
    _workbench("y", "copy_row", "Copy", "Copy the selected row to the clipboard."),
    _engine("asterisk", "mark", "Mark", "Mark the selected connection, or unmark it.", "*"),
    _workbench("m", "maximize", "Maximize", "Enlarge the focused pane, or shrink it."),
    _engine("space", "pause", "Pause", "Hold the view still; the capture goes on."),
    _workbench("t", "time", "Time", "Time of day, since the start, or row to row."),
    _workbench("E", "encoding", "Encoding", "Choose the encoding for showing text."),
    _engine("R", "reset", "Reset", "Abort the selected connection with a reset."),
    _engine("B", "receive_buffer", "Buffer", "Set the size of a listener's receive buffer."),
    _engine("C", "clear_closed", "Clear", "Take closed sockets off the lists."),
    _workbench("n", "find_next", "Next", "Find the next match."),
    _workbench("N", "find_previous", "Previous", "Find the match before."),
    _workbench("escape", "end_find", "End find", "Stop a search, or take its marks away.", "esc"),
    _engine("f7", "template", "Template", "Fill the send box from a template."),
    _engine("f8", "stop_repeat", "Stop", "Stop a send that repeats, or is stuck."),
    _workbench("1", "jump('listening')", "Listening", "Go to the listening sockets.", footer=False),
    _workbench("2", "jump('connections')", "Connections", "Go to the connections.", footer=False),
    _workbench("3", "jump('bytes')", "Bytes", "Go to the byte log.", footer=False),
    _workbench("4", "jump('calls')", "Calls", "Go to the calls.", footer=False),
    _engine("5", "jump('send')", "Send", "Go to the send box.", footer=False),
    _everywhere("tab", "app.focus_next", "Next pane", "Go to the next pane.", footer=False),
    _everywhere("shift+tab", "app.focus_previous", "Previous pane", "Go to the previous pane.", footer=False),
    _everywhere("ctrl+r", "app.restart", "Restart", "Start a new engine after one has ended.", "^r"),
    _everywhere("ctrl+t", "screens", "Screens", "Go to another screen, if there are several.", "^t"),
    _everywhere("ctrl+p", "app.command_palette", "Palette", "Find any action by its name.", "^p"),
    _everywhere("question_mark,f1", "help", "Help", "Show this page.", "? f1"),
    _everywhere("ctrl+q", "app.quit", "Quit", "Close all sockets and leave.", "^q"),
    _lists("j,down", "cursor_down", "Down", "Go down one row.", "j ↓"),
    _lists("k,up", "cursor_up", "Up", "Go up one row.", "k ↑"),
    _lists("g,home", "first", "First", "Go to the first row.", "g home"),
    _lists("G,end", "last", "Last", "Go to the last row, and follow.", "G end"),
    _lists("ctrl+d", "half_down", "Half down", "Go down half a page.", "^d"),
    _lists("ctrl+u", "half_up", "Half up", "Go up half a page.", "^u"),
    _lists("pagedown", "page_down", "Page down", "Go down one page.", "pgdn"),
    _lists("pageup", "page_up", "Page up", "Go up one page.", "pgup"),
    _lists("enter", "choose", "Choose", "Choose the row, as a double click does.", "enter"),
    _find("enter", "look", "Find", "Find it, from where the log stands.", "enter"),
    _find("escape", "leave", "Back", "Leave the bar.", "esc"),
    _find("f2", "pattern_mode", "Mode", "Type text, escapes, or hex."),
    _find("f3", "ignore_case", "Case", "Tell capitals from small letters, or not."),
    _find("up", "older_pattern", "Older", "Bring back what was looked for before.", "↑", footer=False),
    _find("down", "newer_pattern", "Newer", "Bring back what was looked for after that.", "↓", footer=False),
    _send("enter", "send", "Send", "Send what the box holds."),
    _send("escape", "back", "Back", "Leave the box.", "esc"),
    _send("f2", "mode", "Mode", "Type text, escapes, hex, or a file's name."),
    _send("f3", "line_ending", "Line end", "End lines with nothing, LF, CRLF or NUL."),
    _send("f4", "target", "Target", "Send to one, the marked, or all clients."),
    _send("f5", "screen.repeat", "Repeat", "Send again and again."),
    _send("f9", "kind", "Kind", "Of a WebSocket: text, binary, ping or close."),
    _send("f6", "send_encoding", "Encoding", "Choose the encoding of what is typed."),
    _send("up", "older", "Older", "Bring back what was sent before.", "↑", footer=False),
    _send("down", "newer", "Newer", "Bring back what was sent after that.", "↓", footer=False),
    _dialog("enter", "submit", "OK", "Do it.", "enter"),
    _dialog("escape", "cancel", "Cancel", "Leave all as it was.", "esc"),
    _dialog("tab,down", "next_field", "Next field", "Go to the next field.", "tab ↓"),
    _dialog("shift+tab,up", "previous_field", "Previous field", "Go to the previous field.", "shift+tab ↑"),
    _dialog("right,l,space", "next_choice", "Next choice", "Take the next choice of a field.", "→ l space"),
    _dialog("left,h", "previous_choice", "Previous choice", "Take the choice before.", "← h"),
)

# What a footer always ends with, however narrow it is.
ALWAYS = ("help", "quit")

# Keys that hardly ever work. When they do they are what is wanted, and a footer begins with them.
RARE = ("stop_repeat", "restart", "find_next", "find_previous", "end_find")


def group(where: Where, *, engine: bool = True) -> list[Key]:
    """The keys of one place, the most important first; without those that need an engine, where there is none."""
    return [key for key in KEYS if key.where == where and (engine or not key.engine)]


def bindings(group: Iterable[Key]) -> list[BindingType]:
    """Keys as Textual wants them, each with an id so that a keymap can move it."""
    return [Binding(key.key, key.action, key.label, show=key.footer, id=key.id) for key in group]


def rank(key: Key) -> int:
    """What a footer shows first: keys of the widget that has the focus, then of the screen, then of every screen."""
    return {"everywhere": 2, "workbench": 1}.get(key.where, 0)


def markdown() -> str:
    """The table of docs/keys.md."""
    lines: list[str] = []
    for where in get_args(Where):
        if keys := group(where):
            lines += ["", f"**{TITLES[where]}**", "", "| Key | Does |", "|---|---|"]
            lines += [f"| {_signs(key)} | {key.help} |" for key in keys]
    return "\n".join(lines).strip() + "\n"


def _signs(key: Key) -> str:
    return " ".join(f"`{sign}`" for sign in key.shown.split())
