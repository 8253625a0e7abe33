"""The send box: what is typed, the bytes that it makes, and to whom they go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from socktui.core.payload import ENCODINGS, ENDINGS, PayloadError, to_hex
from socktui.core.safe import clip, safe
from socktui.tui import keys
from socktui.tui.history import History
from socktui.tui.outgoing import KINDS, MODES, TARGETS, WITH_ENDING, Addressee, Payload, Settings, Target, payload_of
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.typed import TypedInput

if TYPE_CHECKING:
    from socktui.templates import Template

T = TypeVar("T")

_PLACEHOLDERS = {
    "text": "type a message, enter sends it",
    "escapes": r"text with \r \n \t \x00 \u0416",
    "hex": "48 65 6c 6c 6f, or 0x48,0x65 …",
    "file": "the path of a file, sent as it is",
}
PREVIEWED = 64


class SendInput(TypedInput):
    """The line of the box."""

    # By this id the footer and a keymap know what enter does here.
    BINDINGS: ClassVar = [Binding("enter", "submit", "Send", show=False, id="send")]


class SendBox(Pane):
    """Type, see the bytes, send. The screen says to whom."""

    BINDINGS: ClassVar = keys.bindings(keys.group("send"))
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
        self._input = SendInput(history, id="typed", select_on_focus=False)
        self._preview = Static(id="preview", markup=False)
        super().__init__(self._input, self._preview, title="Send", id=id)
        self._who: Callable[[Target], Addressee] = lambda target: Addressee()
        self.settings = Settings()

    def on_mount(self) -> None:
        self._show()

    def addressed(self, who: Callable[[Target], Addressee]) -> None:
        """`who` says who gets what is sent to a target; called whenever that may be another."""
        kinds = self.to.websocket
        self._who = who
        self._show()
        if self.to.websocket != kinds:
            self.refresh_bindings()

    @property
    def to(self) -> Addressee:
        """Who gets what is sent."""
        return self._who(self.settings.target)

    def type(self) -> None:
        """Go there."""
        self._input.focus()

    def payload(self) -> Payload:
        """The bytes of what is typed. Raises PayloadError."""
        settings = self.settings if self.to.websocket else replace(self.settings, kind="")
        return payload_of(self._input.value, settings)

    def fill(self, template: Template) -> None:
        """Put a template there, in place of what was typed."""
        line = template.one_line()
        self._input.put(line.text)
        self._set(mode=line.mode, ending=line.ending, encoding="utf-8")

    # Keys

    def action_send(self) -> None:
        typed = self._input.value
        try:
            payload = self.payload()
        except PayloadError as error:
            self._say(error.message, error=True)
            return
        if payload.file is None and not payload.data and not self.to.messages:
            ending = ", or choose a line end (f3)" if self.settings.mode in WITH_ENDING else ""
            self._say(f"nothing to send: type something{ending}", error=True)
            return
        self._input.remember()
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

    def action_kind(self) -> None:
        self._set(kind=next_of(KINDS, self.settings.kind))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.to.websocket if action == "kind" else True

    def action_send_encoding(self) -> None:
        self._set(encoding=next_of(ENCODINGS, self.settings.encoding))

    def action_target(self) -> None:
        self._set(target=next_of(TARGETS, self.settings.target))

    def aim(self, target: Target) -> None:
        """Send to this target from now on."""
        if target != self.settings.target:
            self._set(target=target)

    def action_older(self) -> None:
        self._input.older()

    def action_newer(self) -> None:
        self._input.newer()

    # What is shown

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_send()

    def on_typed_input_pasted(self, event: TypedInput.Pasted) -> None:
        event.stop()
        mode = self._input.take(event.text, self.settings.mode)
        if mode != self.settings.mode:
            self._set(mode=mode)

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
            self._say(f"{payload.size} bytes of a file")
        elif payload.data:
            shown = to_hex(payload.data[:PREVIEWED])
            rest = " …" if len(payload.data) > PREVIEWED else ""
            unit = "byte" if len(payload.data) == 1 else "bytes"
            self._say(f"{len(payload.data)} {unit}: {shown}{rest}")
        else:
            self._say("")

    def _entitle(self) -> None:
        settings, to = self.settings, self.to
        self._input.placeholder = _PLACEHOLDERS[settings.mode]
        if to.websocket and settings.kind == "close":
            self._input.placeholder = "1000 and a reason, or nothing"
        elif to.messages and settings.mode == "text":
            self._input.placeholder = f"enter alone sends an empty {to.message}"
        self.title = to.words or "Send"
        parts: list[str] = [settings.mode]
        if to.websocket:
            parts.insert(0, settings.kind or "text or binary")
        if settings.mode in WITH_ENDING:
            parts.append(settings.encoding)
            if settings.ending != "none":
                parts.append(f"+ {settings.ending}")
        self.subtitle = " · ".join(parts)

    def _say(self, text: str, *, error: bool = False) -> None:
        cells = max(10, self.size.width - 2) if self.size.width else 200
        self._preview.update(Content(clip(safe(text), cells)))
        self._preview.set_class(error, "error")


def next_of(choices: tuple[T, ...], current: T) -> T:
    """The choice after the current one; the first after the last."""
    return choices[(choices.index(current) + 1) % len(choices)]
