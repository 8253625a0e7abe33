"""Dialogs of fields."""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from socktui.tui.widgets.form import Choice, ChoiceField, Field, Form, SafeInput, TextField

HOSTILE = "[/foo] [@click=app.quit]x[/]"


class FormApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.results: list[Any] = []

    def compose(self) -> ComposeResult:
        yield Static("behind")

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())


def port_needed(text: str) -> str | None:
    return None if ":" in text else f"{text!r} has no port: write host:port."


def listen(**more: Any) -> Form:
    fields: list[Field] = [
        TextField("endpoint", "Endpoint", "tcp://127.0.0.1:5005", "host:port", port_needed),
        ChoiceField("service", "Service", [("echo", "sends back"), ("discard", "throws away")], "discard"),
        TextField("backlog", "Backlog", "128"),
    ]
    return Form("Listen", fields, intro="A server socket.", **more)


async def test_fields_are_reached_changed_and_returned() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(listen(), app.results.append)
        await pilot.press("down")
        assert isinstance(app.focused, Choice)
        await pilot.press("right", "l", "h")
        await pilot.press("tab", "end", "0", "up", "down", "enter")
        values = {"endpoint": "tcp://127.0.0.1:5005", "service": "echo", "backlog": "1280"}
        assert app.results == [values]


async def test_escape_cancels() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.push_screen(listen(), app.results.append)
        await pilot.press("escape")
        assert app.results == [None]


async def test_it_is_compact() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(listen())
        await pilot.pause()
        framed = [line for line in app.lines() if line.strip()]
        assert len(framed) <= 14
        assert max(len(line.strip()) for line in framed) <= 70
        assert "enter OK · escape Cancel" in app.text


async def test_a_wrong_value_is_told_under_its_field() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.push_screen(listen(), app.results.append)
        await pilot.press("x", "tab", "enter")
        assert app.results == []
        assert isinstance(app.focused, SafeInput)
        lines = app.lines()
        at = next(y for y, line in enumerate(lines) if "Endpoint" in line)
        assert "'x' has no port: write host:port." in lines[at + 1]
        await pilot.press("end", ":", "1", "enter")
        assert app.results[0]["endpoint"] == "x:1"


async def test_the_form_stays_while_submit_fails() -> None:
    app = FormApp()
    answers = [f"bind: EADDRINUSE {HOSTILE} \x1b[2J", None]
    seen: list[dict[str, str]] = []

    async def submit(values: dict[str, str]) -> str | None:
        seen.append(values)
        return answers.pop(0)

    async with app.run_test() as pilot:
        app.push_screen(listen(submit=submit), app.results.append)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert f"bind: EADDRINUSE {HOSTILE} ␛[2J" in app.text
        assert app.results == []
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.results == seen[:1]
        assert len(seen) == 2


async def test_escape_leaves_a_submit_that_hangs() -> None:
    app = FormApp()
    calls = 0

    async def submit(values: dict[str, str]) -> str | None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(60)
        return None

    async with app.run_test() as pilot:
        app.push_screen(listen(submit=submit), app.results.append)
        await pilot.press("enter", "enter")
        assert calls == 1
        assert "working" in app.text
        await pilot.press("escape")
        assert app.results == [None]


async def test_hostile_text_is_shown_as_it_is() -> None:
    app = FormApp()
    fields: list[Field] = [
        TextField("a", "[/a]", HOSTILE + "\x1b", check=lambda text: f"no: {text}"),
        TextField("b", "[/b]", "", "[/hint]"),
        ChoiceField("c", "[/c]", [("[/v]", "[@click=app.quit]about[/]")]),
    ]
    async with app.run_test() as pilot:
        app.push_screen(Form("[/title]", fields, intro="[/intro]"), app.results.append)
        await pilot.press("enter")
        shown = (
            "[/title]",
            "[/intro]",
            "[/a]",
            "[/b]",
            "[/c]",
            "[/hint]",
            "[/v]",
            "[@click=app.quit]about[/]",
        )
        for each in (*shown, f"no: {HOSTILE}␛"):
            assert each in app.text
        assert "\x1b" not in app.text
        await pilot.click(Choice)
        assert app.is_running


async def test_pasted_control_characters_become_signs() -> None:
    app = FormApp()
    async with app.run_test() as pilot:
        app.push_screen(listen())
        await pilot.pause()
        box = app.screen.query_one("#field-endpoint", Input)
        box.value = ""
        box.post_message(events.Paste("a\x1b[31mb\x07\r\nc"))
        await pilot.pause()
        assert box.value == "a␛[31mb␇␍␊c"
