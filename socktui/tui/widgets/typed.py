"""A line that is typed, into which nothing comes that is not fit to be shown."""

from __future__ import annotations

import re

from textual import events
from textual.message import Message
from textual.widgets import Input

from socktui.core.payload import to_escapes
from socktui.core.safe import safe
from socktui.tui.history import History
from socktui.tui.outgoing import Mode


class TypedInput(Input):
    """The line. What is pasted is left to whoever has it: it may be fit for no line."""

    class Pasted(Message):
        """This was pasted, and is not there yet."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Pasted(event.text))

    def __init__(self, history: History, *, id: str | None = None, select_on_focus: bool = True) -> None:
        super().__init__(id=id, select_on_focus=select_on_focus)
        self._history = history

    def check_consume_key(self, key: str, character: str | None) -> bool:
        # Of the keys that the library names in its own way it does not know that they are typed.
        return key == "slash" or super().check_consume_key(key, character)

    def put(self, text: str) -> None:
        """A line in place of the one there is, with the cursor at its end."""
        self.value = safe(text)
        self.cursor_position = len(self.value)

    def remember(self) -> None:
        """Keep the line, so that it can be brought back."""
        self._history.add(self.value)

    def older(self) -> None:
        """Bring back the line before, if there is one."""
        self._recall(self._history.older(self.value))

    def newer(self) -> None:
        """Bring back the line after it, if there is one."""
        self._recall(self._history.newer())

    def _recall(self, line: str | None) -> None:
        if line is not None:
            self.put(line)

    def take(self, text: str, mode: Mode) -> Mode:
        """Take in what was pasted, and say how the line is to be read from now on.

        Control characters come as escapes, for none of them may reach the terminal.
        """
        at = self.cursor_position
        before, after = self.value[:at], self.value[at:]
        if mode == "hex":
            text = re.sub(r"\s+", " ", text)
        elif mode == "file":
            text = text.strip("\r\n")
        if safe(text) != text:
            text = _escaped(text)
            if mode == "text":
                before, after = _escaped(before), _escaped(after)
                mode = "escapes"
        self.value = before + text + after
        self.cursor_position = len(before + text)
        return mode


def _escaped(text: str) -> str:
    return to_escapes(text.encode("utf-8", "surrogatepass"), "utf-8")
