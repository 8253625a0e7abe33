"""A dialog made of a list of fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from socktui.core.safe import safe, width
from socktui.tui import keys

Check = Callable[[str], str | None]
"""Says in a sentence what is wrong with a value, or None."""

Submit = Callable[[dict[str, str]], Awaitable[str | None]]
"""Does what the form is for; a sentence says why it could not, and the form stays open."""


@dataclass(frozen=True)
class Field:
    """`name` is the key of the value in the result, and part of an id of a widget."""

    name: str
    label: str


@dataclass(frozen=True)
class TextField(Field):
    value: str = ""
    placeholder: str = ""
    check: Check | None = None


@dataclass(frozen=True)
class ChoiceField(Field):
    """`choices`: each value with a few words about it."""

    choices: Sequence[tuple[str, str]]
    value: str = ""


class SafeInput(Input):
    """An input into which control characters can only be pasted as visible signs."""

    def _on_paste(self, event: events.Paste) -> None:
        event.text = safe(event.text.strip("\r\n"))
        super()._on_paste(event)
        # The stock handler is called for each class of the widget, and would paste once more.
        event.prevent_default()


class Choice(Widget, can_focus=True):
    """One line that shows one of several values, and what it means."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar = [
        binding
        for key, binding in zip(keys.group("dialog"), keys.bindings("dialog"), strict=True)
        if key.action in ("next_choice", "previous_choice")
    ]
    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; background: $surface; color: $foreground; }
    """

    at = reactive(0)

    def __init__(self, choices: Sequence[tuple[str, str]], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self.choices = choices
        self._name_cells = max(width(safe(name)) for name, _ in choices)
        values = [name for name, _ in choices]
        self.set_reactive(Choice.at, values.index(value) if value in values else 0)

    @property
    def value(self) -> str:
        return self.choices[self.at][0]

    def render(self) -> Content:
        name, about = self.choices[self.at]
        look = "$block-cursor-foreground on $block-cursor-background bold" if self.has_focus else "bold"
        return Content.assemble(
            ("‹ ", "$text-accent"),
            (safe(name).center(self._name_cells), look),
            (" ›", "$text-accent"),
            (f"  {safe(about)}", "$text-muted"),
        )

    def action_next_choice(self) -> None:
        self.at = (self.at + 1) % len(self.choices)

    def action_previous_choice(self) -> None:
        self.at = (self.at - 1) % len(self.choices)

    def on_click(self) -> None:
        self.action_next_choice()


class Form(ModalScreen[dict[str, str] | None]):
    """Asks for the values of some fields; its result is a value for each name, or None when left.

    With `submit`, the form is only closed when that has been done; what it says otherwise is
    shown at the bottom.
    """

    BINDINGS: ClassVar = [
        *(b for b in keys.bindings("dialog") if not isinstance(b, tuple) and not b.action.endswith("_choice"))
    ]
    DEFAULT_CSS = """
    Form {
        align: center middle;
        background: $background 60%;
        & > VerticalScroll {
            width: 70;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            background: $panel;
            border: round $primary;
            border-title-color: $foreground;
            border-title-style: bold;
            padding: 1 2 0 2;
        }
        Static { height: auto; width: 1fr; }
        .intro { margin-bottom: 1; color: $foreground 80%; }
        .field { height: auto; margin-bottom: 1; }
        .row { height: 1; }
        .label { width: auto; color: $foreground 80%; }
        Input, Input:focus { height: 1; border: none; padding: 0 1; width: 1fr; background: $surface; }
        Input:focus, Choice:focus { background: $primary 25%; }
        .error { color: $text-error; display: none; }
        .error.shown { display: block; }
        #form-error { margin-bottom: 1; }
        #form-hint { text-align: right; color: $foreground 55%; }
    }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        intro: str = "",
        submit: Submit | None = None,
    ) -> None:
        super().__init__()
        self._heading = title
        self._intro = intro
        self._fields = tuple(fields)
        self._submit = submit
        self._busy = False

    def compose(self) -> ComposeResult:
        cells = max((width(safe(field.label)) for field in self._fields), default=0) + 2
        with VerticalScroll(can_focus=False) as box:
            box.border_title = Content(safe(self._heading))
            if self._intro:
                yield Static(Content(safe(self._intro)), classes="intro")
            for field in self._fields:
                with Vertical(classes="field"):
                    with Horizontal(classes="row"):
                        yield Static(Content(safe(field.label).ljust(cells)), classes="label")
                        yield _editor(field)
                    error = Static(id=f"error-{field.name}", classes="error", markup=False)
                    error.styles.padding = (0, 0, 0, cells)
                    yield error
            yield Static(id="form-error", classes="error", markup=False)
            yield Static(Content("enter OK · escape Cancel"), id="form-hint")

    @property
    def values(self) -> dict[str, str]:
        """What the fields hold now."""
        return {field.name: self._editor(field).value for field in self._fields}

    def _editor(self, field: Field) -> SafeInput | Choice:
        where = f"#field-{field.name}"
        if isinstance(field, TextField):
            return self.query_one(where, SafeInput)
        return self.query_one(where, Choice)

    def action_submit(self) -> None:
        if self._busy:
            return
        values = self.values
        if not self._check(values):
            return
        if self._submit is None:
            self.dismiss(values)
            return
        self._busy = True
        self._say("form-hint", "working … · escape Cancel")
        # In a worker, so that escape works meanwhile.
        self.run_worker(self._carry_out(self._submit, values))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_submit()

    async def _carry_out(self, submit: Submit, values: dict[str, str]) -> None:
        try:
            error = await submit(values)
        finally:
            self._busy = False
        if error is None:
            self.dismiss(values)
            return
        self._say("form-hint", "enter OK · escape Cancel")
        self._say("form-error", error)

    def _check(self, values: dict[str, str]) -> bool:
        """Ask every field, show all that is wrong, and go to the first such field."""
        self._say("form-error", "")
        wrong = []
        for field in self._fields:
            check = field.check if isinstance(field, TextField) else None
            error = check(values[field.name]) if check else None
            self._say(f"error-{field.name}", error or "")
            if error:
                wrong.append(field)
        if wrong:
            self._editor(wrong[0]).focus()
        return not wrong

    def _say(self, id: str, text: str) -> None:
        line = self.query_one(f"#{id}", Static)
        line.update(Content(safe(text)))
        line.set_class(bool(text), "shown")

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_next_field(self) -> None:
        self.focus_next()

    def action_previous_field(self) -> None:
        self.focus_previous()


def _editor(field: Field) -> Widget:
    id = f"field-{field.name}"
    if isinstance(field, ChoiceField):
        return Choice(field.choices, field.value, id=id)
    assert isinstance(field, TextField)
    return SafeInput(safe(field.value), safe(field.placeholder), id=id, select_on_focus=True)
