"""A line that is typed, and the box around it: what is pasted, what was typed before, and a word about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from socktui.core.payload import to_escapes
from socktui.core.safe import clip, safe
from socktui.tui.history import History
from socktui.tui.outgoing import Mode, Settings

T = TypeVar("T")


class TypedInput(Input):
    """The line. What is pasted is left to the box around it: it may be fit for no line."""

    DEFAULT_CSS = """
    TypedInput, TypedInput:focus { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    """

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


class About(Static):
    """A word about a line."""

    DEFAULT_CSS = """
    About {
        height: 1;
        color: $foreground 55%;
        &.error { color: $text-error; }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)


class TypedBox:
    """What a widget with a line has besides, whatever else it is: it comes first among the bases.

    line      what is typed
    about     what is said of it
    settings  how it is read, which keys of the box change
    """

    PLACEHOLDERS: ClassVar[Mapping[Mode, str]] = {}

    line: TypedInput
    about: About
    settings = Settings()

    # What a box provides

    @property
    def placeholder(self) -> str:
        """What the line says while it is empty."""
        return self.PLACEHOLDERS[self.settings.mode]

    def show(self) -> None:
        """Show what the line makes, with its settings as they are now; a box adds what it says in `about`."""
        self.line.placeholder = self.placeholder

    def submit(self) -> None:
        """Enter."""

    # What it uses

    def change(self, **settings: str) -> None:
        """Read the line in another way from now on."""
        self.settings = replace(self.settings, **settings)  # type: ignore[arg-type]
        self.show()

    def say(self, text: str, *, error: bool = False, cells: int | None = None) -> None:
        """Say something about the line, in at most so many cells."""
        text = safe(text)
        self.about.update(Content(text if cells is None else clip(text, cells)))
        self.about.set_class(error, "error")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submit()

    def on_typed_input_pasted(self, event: TypedInput.Pasted) -> None:
        event.stop()
        mode = self.line.take(event.text, self.settings.mode)
        if mode != self.settings.mode:
            self.change(mode=mode)


def next_of(choices: tuple[T, ...], current: T) -> T:
    """The choice after the current one; the first after the last."""
    return choices[(choices.index(current) + 1) % len(choices)]


def _escaped(text: str) -> str:
    return to_escapes(text.encode("utf-8", "surrogatepass"), "utf-8")
