"""The send box: what is typed, the bytes that it makes, and to whom they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message

from socktui.core.payload import ENCODINGS, ENDINGS, PayloadError, to_hex
from socktui.tui import keys
from socktui.tui.history import History
from socktui.tui.outgoing import KINDS, MODES, TARGETS, WITH_ENDING, Addressee, Mode, Payload, Target, payload_of
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.typed import About, TypedBox, TypedInput, next_of

if TYPE_CHECKING:
    from socktui.templates import Template

PREVIEWED = 64
"""Bytes that the box shows of what is typed."""


class SendInput(TypedInput):
    """The line of the box."""

    # By this id the footer and a keymap know what enter does here.
    BINDINGS: ClassVar = [Binding("enter", "submit", "Send", show=False, id="send")]


class SendBox(TypedBox, Pane):
    """Type, see the bytes, send. The screen says to whom."""

    PLACEHOLDERS: ClassVar[Mapping[Mode, str]] = {
        "text": "type a message, enter sends it",
        "escapes": r"text with \r \n \t \x00 \u0416",
        "hex": "48 65 6c 6c 6f, or 0x48,0x65 …",
        "file": "the path of a file, sent as it is",
    }
    BINDINGS: ClassVar = keys.bindings(keys.group("send"))
    DEFAULT_CSS = """
    SendBox {
        height: 4;
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
        super().__init__(title="Send", id=id)
        self.line = SendInput(history, id="typed", select_on_focus=False)
        self.about = About()
        self._who: Callable[[Target], Addressee] = lambda target: Addressee()

    def compose(self) -> ComposeResult:
        yield self.line
        yield self.about

    def on_mount(self) -> None:
        self.show()

    def addressed(self, who: Callable[[Target], Addressee]) -> None:
        """`who` says who gets what is sent to a target; called whenever that may be another."""
        kinds = self.to.websocket
        self._who = who
        self.show()
        if self.to.websocket != kinds:
            self.refresh_bindings()

    @property
    def to(self) -> Addressee:
        """Who gets what is sent."""
        return self._who(self.settings.target)

    def type(self) -> None:
        """Go there."""
        self.line.focus()

    def payload(self) -> Payload:
        """The bytes of what is typed. Raises PayloadError."""
        settings = self.settings if self.to.websocket else replace(self.settings, kind="")
        return payload_of(self.line.value, settings)

    def fill(self, template: Template) -> None:
        """Put a template there, in place of what was typed."""
        line = template.one_line()
        self.line.put(line.text)
        self.change(mode=line.mode, ending=line.ending, encoding="utf-8")

    # Keys

    def action_send(self) -> None:
        typed = self.line.value
        try:
            payload = self.payload()
        except PayloadError as error:
            self._preview(error.message, error=True)
            return
        if payload.file is None and not payload.data and not self.to.messages:
            ending = ", or choose a line end (f3)" if self.settings.mode in WITH_ENDING else ""
            self._preview(f"nothing to send: type something{ending}", error=True)
            return
        self.line.remember()
        self.line.value = ""
        self.post_message(self.Sent(payload, typed))

    def restore(self, typed: str) -> None:
        """Bring back what could not be sent, unless something else was typed meanwhile."""
        if not self.line.value:
            self.line.value = typed
            self.line.cursor_position = len(typed)

    def action_back(self) -> None:
        self.post_message(self.Left())

    def action_mode(self) -> None:
        self.change(mode=next_of(MODES, self.settings.mode))

    def action_line_ending(self) -> None:
        self.change(ending=next_of(tuple(ENDINGS), self.settings.ending))

    def action_kind(self) -> None:
        self.change(kind=next_of(KINDS, self.settings.kind))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.to.websocket if action == "kind" else True

    def action_send_encoding(self) -> None:
        self.change(encoding=next_of(ENCODINGS, self.settings.encoding))

    def action_target(self) -> None:
        self.change(target=next_of(TARGETS, self.settings.target))

    def aim(self, target: Target) -> None:
        """Send to this target from now on."""
        if target != self.settings.target:
            self.change(target=target)

    def action_older(self) -> None:
        self.line.older()

    def action_newer(self) -> None:
        self.line.newer()

    # What is shown

    def submit(self) -> None:
        self.action_send()

    def change(self, **settings: str) -> None:
        super().change(**settings)
        self.post_message(self.Changed())

    @property
    def placeholder(self) -> str:
        if self.to.websocket and self.settings.kind == "close":
            return "1000 and a reason, or nothing"
        if self.to.messages and self.settings.mode == "text":
            return f"enter alone sends an empty {self.to.message}"
        return super().placeholder

    def show(self) -> None:
        super().show()
        self._entitle()
        try:
            payload = self.payload()
        except PayloadError as error:
            self._preview(error.message if self.line.value else "", error=bool(self.line.value))
            return
        if payload.file is not None:
            self._preview(f"{payload.size} bytes of a file")
        elif payload.data:
            shown = to_hex(payload.data[:PREVIEWED])
            rest = " …" if len(payload.data) > PREVIEWED else ""
            unit = "byte" if len(payload.data) == 1 else "bytes"
            self._preview(f"{len(payload.data)} {unit}: {shown}{rest}")
        else:
            self._preview("")

    def _entitle(self) -> None:
        settings, to = self.settings, self.to
        self.title = to.words or "Send"
        parts: list[str] = [settings.mode]
        if to.websocket:
            parts.insert(0, settings.kind or "text or binary")
        if settings.mode in WITH_ENDING:
            parts.append(settings.encoding)
            if settings.ending != "none":
                parts.append(f"+ {settings.ending}")
        self.subtitle = " · ".join(parts)

    def _preview(self, text: str, *, error: bool = False) -> None:
        self.say(text, error=error, cells=max(10, self.size.width - 2) if self.size.width else 200)
