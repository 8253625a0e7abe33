"""The send box: what is typed, the bytes that it makes, and to whom they go."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from socktui.core.payload import ENCODINGS, ENDINGS, PayloadError, from_escapes, from_hex, from_text, to_escapes, to_hex
from socktui.core.safe import clip, safe
from socktui.tui import keys
from socktui.tui.history import History
from socktui.tui.widgets.lines import Pane

T = TypeVar("T")

Mode = Literal["text", "escapes", "hex", "file"]
Target = Literal["one", "marked", "all"]

MODES: tuple[Mode, ...] = ("text", "escapes", "hex", "file")
TARGETS: tuple[Target, ...] = ("one", "marked", "all")

_PLACEHOLDERS = {
    "text": "type a message, enter sends it",
    "escapes": r"text with \r \n \t \x00 \u0416",
    "hex": "48 65 6c 6c 6f, or 0x48,0x65 …",
    "file": "the path of a file, sent as it is",
}
PREVIEWED = 64


@dataclass(frozen=True)
class Settings:
    """How what is typed becomes bytes, and who gets them."""

    mode: Mode = "text"
    ending: str = "none"
    encoding: str = "utf-8"
    target: Target = "one"


@dataclass(frozen=True)
class Payload:
    """What is to be sent: bytes, or a file."""

    data: bytes = b""
    file: Path | None = None


class TypedInput(Input):
    """The line that is typed. Pasted control characters come in as escapes: none of them can reach the terminal."""

    class PastedControls(Message):
        """What was pasted held control characters; it was written as escapes."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = event.text
        if safe(text) != text:
            text = to_escapes(text.encode("utf-8", "surrogatepass"), "utf-8")
            self.post_message(self.PastedControls())
        self.insert_text_at_cursor(text)


class SendBox(Pane):
    """Type, see the bytes, send. The screen says to whom."""

    BINDINGS: ClassVar = keys.bindings("send")
    DEFAULT_CSS = """
    SendBox {
        height: 4;
        & > Input, & > Input:focus { height: 1; border: none; padding: 0; background: $surface; }
        & > #preview { height: 1; color: $foreground 55%; }
        & > #preview.error { color: $text-error; }
    }
    """

    class Sent(Message):
        """Enter: this is to be sent."""

        def __init__(self, payload: Payload, typed: str) -> None:
            super().__init__()
            self.payload = payload
            self.typed = typed

    class Left(Message):
        """Escape."""

    class Changed(Message):
        """The settings are others."""

    def __init__(self, history: History, *, id: str | None = None) -> None:
        self._input = TypedInput(id="typed", select_on_focus=False)
        self._preview = Static(id="preview", markup=False)
        super().__init__(self._input, self._preview, title="Send", id=id)
        self._history = history
        self._who: Callable[[Target], str] = lambda target: ""
        self.settings = Settings()

    def on_mount(self) -> None:
        self._show()

    def addressed(self, who: Callable[[Target], str]) -> None:
        """`who` says in words who gets what is sent to a target; called whenever that may be another."""
        self._who = who
        self._entitle()

    def type(self) -> None:
        """Go there."""
        self._input.focus()

    def payload(self) -> Payload:
        """The bytes of what is typed. Raises PayloadError."""
        settings, typed = self.settings, self._input.value
        match settings.mode:
            case "text":
                return Payload(from_text(typed, settings.encoding, settings.ending))
            case "escapes":
                return Payload(from_escapes(typed, settings.encoding) + ENDINGS[settings.ending])
            case "hex":
                return Payload(from_hex(typed))
            case "file":
                return Payload(file=_file(typed))

    # Keys

    def action_send(self) -> None:
        typed = self._input.value
        try:
            payload = self.payload()
        except PayloadError:
            return  # the preview says what is wrong, and where
        if payload.file is None and not payload.data:
            self._say("nothing to send: type something, or choose a line end (f3)", error=True)
            return
        self._history.add(typed)
        self._input.value = ""
        self.post_message(self.Sent(payload, typed))

    def restore(self, typed: str) -> None:
        """Bring back what could not be sent, unless something else was typed meanwhile."""
        if not self._input.value:
            self._input.value = typed
            self._input.cursor_position = len(typed)

    def action_back(self) -> None:
        self.post_message(self.Left())

    def action_mode(self) -> None:
        self._set(mode=next_of(MODES, self.settings.mode))

    def action_line_ending(self) -> None:
        self._set(ending=next_of(tuple(ENDINGS), self.settings.ending))

    def action_send_encoding(self) -> None:
        self._set(encoding=next_of(ENCODINGS, self.settings.encoding))

    def action_target(self) -> None:
        self._set(target=next_of(TARGETS, self.settings.target))

    def aim(self, target: Target) -> None:
        """Send to this target from now on."""
        if target != self.settings.target:
            self._set(target=target)

    def action_older(self) -> None:
        self._recall(self._history.older(self._input.value))

    def action_newer(self) -> None:
        self._recall(self._history.newer())

    # What is shown

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_send()

    def on_typed_input_pasted_controls(self) -> None:
        if self.settings.mode == "text":
            self._set(mode="escapes")

    def _recall(self, line: str | None) -> None:
        if line is not None:
            self._input.value = safe(line)
            self._input.cursor_position = len(self._input.value)

    def _set(self, **changes: str) -> None:
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        self._show()
        self.post_message(self.Changed())

    def _show(self) -> None:
        self._entitle()
        try:
            payload = self.payload()
        except PayloadError as error:
            self._say(error.message if self._input.value else "", error=bool(self._input.value))
            return
        if payload.file is not None:
            self._say(f"{payload.file.stat().st_size} bytes of a file")
        elif payload.data:
            shown = to_hex(payload.data[:PREVIEWED])
            rest = " …" if len(payload.data) > PREVIEWED else ""
            unit = "byte" if len(payload.data) == 1 else "bytes"
            self._say(f"{len(payload.data)} {unit}: {shown}{rest}")
        else:
            self._say("")

    def _entitle(self) -> None:
        settings = self.settings
        self._input.placeholder = _PLACEHOLDERS[settings.mode]
        parts = [self._who(settings.target) or "Send", settings.mode]
        if settings.mode in ("text", "escapes"):
            parts.append(settings.encoding)
            if settings.ending != "none":
                parts.append(f"+ {settings.ending}")
        self.title = " · ".join(parts)

    def _say(self, text: str, *, error: bool = False) -> None:
        cells = max(10, self.size.width - 2) if self.size.width else 200
        self._preview.update(Content(clip(safe(text), cells)))
        self._preview.set_class(error, "error")


def next_of(choices: tuple[T, ...], current: T) -> T:
    """The choice after the current one; the first after the last."""
    return choices[(choices.index(current) + 1) % len(choices)]


def _file(typed: str) -> Path:
    path = Path(os.path.expanduser(typed.strip()))
    if not typed.strip():
        raise PayloadError("name a file", 0)
    if not path.is_file():
        raise PayloadError(f"there is no file {safe(str(path))}", 0)
    if not os.access(path, os.R_OK):
        raise PayloadError(f"you may not read {safe(str(path))}", 0)
    return path
