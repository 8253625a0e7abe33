"""A dialog made of a list of fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
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

CHOICE_KEYS = ("next_choice", "previous_choice")
"""Of the keys of dialogs those of a field with choices."""

HINT = "↑ ↓ Fields · ← → Choices · enter OK · escape Cancel"

Values = dict[str, str]

Check = Callable[[str], str | None]
"""Says in a sentence what is wrong with a value, or None."""

Submit = Callable[[Values], Awaitable[str | None]]
"""Does what the form is for; a sentence says why it could not, and the form stays open."""


@dataclass(frozen=True)
class TextField:
    """A line to type.

    name         the key of the value in the result, and part of an id of a widget
    placeholder  what to say while it is empty; or what says that, by the values of all fields
    when         whether it is asked for, by the values of all fields
    """

    name: str
    label: str
    value: str = ""
    placeholder: str | Callable[[Values], str] = ""
    check: Check | None = None
    when: Callable[[Values], bool] | None = None


@dataclass(frozen=True)
class ChoiceField:
    """One of several values, each with a few words about it; those in `bad` are red. `name` and `when` as above."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    value: str = ""
    bad: frozenset[str] = frozenset()
    when: Callable[[Values], bool] | None = None


Field = TextField | ChoiceField

Linked = Callable[[str, Values], Values]
"""Told which field was changed, and the values of all: what others are to be changed to."""


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
    BINDINGS: ClassVar = keys.bindings(key for key in keys.group("dialog") if key.id in CHOICE_KEYS)
    DEFAULT_CSS = """
    Choice {
        height: 1;
        width: 1fr;
        background: $surface;
        color: $foreground;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    at = reactive(0)

    def __init__(self, field: ChoiceField, changed: Callable[[], None], *, id: str) -> None:
        super().__init__(id=id)
        self.choices = field.choices
        self._bad = field.bad
        self._changed = changed
        self._name_cells = max(width(safe(name)) for name, _ in field.choices)
        self.take(field.value)

    @property
    def value(self) -> str:
        """The value that is chosen."""
        return self.choices[self.at][0]

    def take(self, value: str) -> None:
        """Show this value, where it is one of the choices."""
        values = [name for name, _ in self.choices]
        if value in values:
            self.set_reactive(Choice.at, values.index(value))
            self.refresh()

    def watch_at(self) -> None:
        self._changed()

    def render(self) -> Content:
        name, about = self.choices[self.at]
        plain = "$text-error bold" if name in self._bad else "bold"
        look = "$block-cursor-foreground on $block-cursor-background bold" if self.has_focus else plain
        return Content.assemble(
            ("‹ ", "$text-accent"),
            (safe(name).center(self._name_cells), look),
            (" ›", "$text-accent"),
            (f"  {safe(about)}", "$text-error" if name in self._bad else "$text-muted"),
        )

    def action_next_choice(self) -> None:
        self.at = (self.at + 1) % len(self.choices)

    def action_previous_choice(self) -> None:
        self.at = (self.at - 1) % len(self.choices)

    def on_click(self) -> None:
        self.action_next_choice()


class Form(ModalScreen[Values | None]):
    """Asks for the values of some fields; its result is a value for each name, or None when left.

    With `submit`, the form is only closed when that has been done; what it says otherwise is
    shown at the bottom.
    """

    AUTO_FOCUS = "SafeInput"
    BINDINGS: ClassVar = keys.bindings(key for key in keys.group("dialog") if key.id not in CHOICE_KEYS)
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
        linked: Linked | None = None,
    ) -> None:
        super().__init__()
        self._heading = title
        self._intro = intro
        self._fields = tuple(fields)
        self._submit = submit
        self._linked = linked
        self._busy = False

    def compose(self) -> ComposeResult:
        cells = max((width(safe(field.label)) for field in self._fields), default=0) + 2
        with VerticalScroll(can_focus=False) as box:
            box.border_title = Content(safe(self._heading))
            if self._intro:
                yield Static(Content(safe(self._intro)), classes="intro")
            for field in self._fields:
                with Vertical(classes="field", id=f"row-{field.name}"):
                    with Horizontal(classes="row"):
                        yield Static(Content(safe(field.label).ljust(cells)), classes="label")
                        yield self._make(field)
                    error = Static(id=f"error-{field.name}", classes="error", markup=False)
                    error.styles.padding = (0, 0, 0, cells)
                    yield error
            yield Static(id="form-error", classes="error", markup=False)
            yield Static(Content(HINT), id="form-hint")

    def on_mount(self) -> None:
        self._ask()

    def _make(self, field: Field) -> Widget:
        """The widget of a field."""
        id = f"field-{field.name}"
        if isinstance(field, ChoiceField):
            return Choice(field, partial(self._changed, field.name), id=id)
        return SafeInput(safe(field.value), id=id, select_on_focus=True)

    def _changed(self, name: str) -> None:
        """A field has another value: others may depend on it."""
        if not self.is_mounted:
            return
        for other, value in (self._linked(name, self.values) if self._linked else {}).items():
            editor = self.query_one(f"#field-{other}")
            with self.prevent(Input.Changed):
                if isinstance(editor, Choice):
                    editor.take(value)
                elif isinstance(editor, SafeInput) and editor.value != value:
                    editor.value = safe(value)
        self._ask()

    def _ask(self) -> None:
        """Ask only for what matters now."""
        values = self.values
        for field in self._fields:
            self.query_one(f"#row-{field.name}").display = _asked(field, values)
            if isinstance(field, TextField):
                hint = field.placeholder if isinstance(field.placeholder, str) else field.placeholder(values)
                self.query_one(f"#field-{field.name}", SafeInput).placeholder = safe(hint)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._changed((event.input.id or "").removeprefix("field-"))

    @property
    def values(self) -> Values:
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

    async def _carry_out(self, submit: Submit, values: Values) -> None:
        try:
            error = await submit(values)
        finally:
            self._busy = False
        if not self.is_attached:
            return  # the program ended meanwhile
        if error is None:
            self.dismiss(values)
            return
        self._say("form-hint", HINT)
        self._say("form-error", error)
        self.query_one("#form-error").scroll_visible(animate=False)

    def _check(self, values: Values) -> bool:
        """Ask every field, show all that is wrong, and go to the first such field."""
        self._say("form-error", "")
        wrong = []
        for field in self._fields:
            check = field.check if isinstance(field, TextField) and _asked(field, values) else None
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


def _asked(field: Field, values: Values) -> bool:
    return field.when is None or field.when(values)
