"""The base of lists and logs: its keys and its mouse over sockets that are really there, and its painting."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator

import pytest
from rich.segment import Segment
from textual import events
from textual.app import App, ComposeResult
from textual.strip import Strip

from socktui.tui.widgets.lines import Lines, WholeStrip
from tests.support import peer
from tests.tui.drive import Drive
from tests.tui.key_coverage import of

COUNT = 40


@contextlib.asynccontextmanager
async def filled(drive: Drive) -> AsyncIterator[None]:
    """40 connections to one listener, each of which has said a line."""
    port = await drive.server()
    with contextlib.ExitStack() as stack:
        for i in range(COUNT):
            stack.enter_context(peer(port)).sendall(f"line {i}\n".encode())
        await drive.until(lambda: drive.journal.sockets == COUNT + 1)
        await drive.until(lambda: all(socket.sent for socket in drive.sockets()[1:]))
        await drive.until(lambda: len(drive.connections.source) == COUNT)
        await drive.until(lambda: len(drive.log.sequence) == drive.journal.count)
        drive.main.clear_message()
        yield


@pytest.mark.parametrize("pane", ["2", "4"])
@of("cursor_down", "cursor_up", "first", "last", "half_down", "half_up", "page_down", "page_up")
async def test_keys_move_the_cursor_of_a_list(drive: Drive, pane: str) -> None:
    async with filled(drive):
        await drive.press(pane)
        table = drive.connections if pane == "2" else drive.calls
        last = len(table.source) - 1
        half, page = table.page // 2, table.page - 1
        assert last > page
        at = 0
        for key, to in [
            ("g", 0), ("home", 0), ("j", 1), ("down", 1), ("k", -1), ("up", -1), ("k", 0),
            ("ctrl+d", half), ("ctrl+u", -half), ("pagedown", page), ("pageup", -page), ("j", 1), ("G", None),
            ("j", 0), ("k", -1), ("end", None), ("pageup", -page), ("g", -last),
        ]:  # fmt: skip
            await drive.press(key)
            at = last if to is None else max(0, at + to)
            assert (table.cursor, table.cursor_key) == (at, table.source.key(at)), key
            assert table._top <= table.cursor < table._top + table.page, key


@of("cursor_down", "cursor_up", "first", "last", "half_down", "half_up", "page_down", "page_up")
async def test_keys_move_the_cursor_of_the_log(drive: Drive) -> None:
    async with filled(drive):
        await drive.press("3")
        log = drive.log
        end = log.walker.end
        assert end is not None
        rows = [log.walker.first_from(0, 0)]
        while rows[-1] is not None:
            rows.append(log.walker.after(rows[-1]))
        rows.pop()
        last, half, page = len(rows) - 1, log.page // 2, log.page - 1
        assert last > 3 * page
        assert (log.following, log._cursor) == (True, end)
        at = last
        for key, to in [
            ("g", -last), ("j", 1), ("down", 1), ("k", -1), ("up", -1), ("ctrl+d", half), ("ctrl+u", -half),
            ("pagedown", page), ("pageup", -page), ("home", -last), ("k", 0), ("G", None), ("j", 0), ("k", -1),
            ("ctrl+u", -half), ("pageup", -page), ("end", None),
        ]:  # fmt: skip
            await drive.press(key)
            at = last if to is None else max(0, at + to)
            assert log._cursor == rows[at], key
            assert log._cursor in log._screen, key
            assert log.following == (at == last), key
            assert len(log._screen) == log.page


async def test_the_mouse_selects_scrolls_and_chooses(drive: Drive) -> None:
    async with filled(drive):
        await drive.press("2", "g")
        await drive.pilot.click("#connections", offset=(5, 4))
        assert drive.connections.cursor == 3
        assert drive.main.selected is not None
        assert drive.main.selected.number == drive.connections.source.key(3)
        await drive.pilot._post_mouse_events([events.MouseScrollDown], "#connections", offset=(5, 4), button=0)
        assert drive.connections._top == 3
        assert drive.connections.cursor == 3
        await drive.pilot._post_mouse_events([events.MouseScrollUp], "#bytes", offset=(5, 4), button=0)
        assert drive.log._screen[-1] != drive.log.walker.end
        await drive.pilot._post_mouse_events([events.MouseScrollDown], "#bytes", offset=(5, 4), button=0)
        assert drive.log.following
        assert drive.log._screen[-1] == drive.log.walker.end
        await drive.pilot.click("#bytes", offset=(5, 2))
        assert drive.log._cursor == drive.log._screen[2]
        assert drive.app.focused is drive.log


@of("choose")
async def test_a_double_click_on_a_connection_goes_to_the_send_box(drive: Drive) -> None:
    async with filled(drive):
        await drive.press("2", "g")
        await drive.pilot.click("#connections", offset=(5, 2), times=2)
        await drive.settle()
        assert drive.app.focused is drive.box.line
        assert drive.box.title.startswith(f"Send to #{drive.connections.source.key(1)} ")


@of("echo_server", "quit", "help")
async def test_a_click_on_a_key_of_the_footer_presses_it(drive: Drive) -> None:
    width, height = drive.app.size
    await drive.pilot.click(offset=(2, height - 1))
    await drive.until(lambda: drive.journal.sockets == 1 and drive.listening.cursor_key == 1)
    drive.main.clear_message()
    await drive.settle()
    await drive.pilot.click(offset=(drive.lines[-1].index("? Help") + 1, height - 1))
    await drive.sees("Shut down a connection's sending side.")
    await drive.press("escape")
    await drive.pilot.click(offset=(width - 3, height - 1))
    await drive.until(lambda: not drive.app._running)


@of("page_up")
async def test_the_scroll_bar_can_be_dragged(drive: Drive) -> None:
    async with filled(drive):
        bar = drive.log.size.width - 1
        await drive.pilot.mouse_down("#bytes", offset=(bar, drive.log.size.height - 1))
        await drive.pilot.hover("#bytes", offset=(bar, 0))
        await drive.pilot.mouse_up("#bytes", offset=(bar, 0))
        assert drive.log._screen[0] == drive.log.walker.first_from(0, 0)
        assert not drive.log.following


# Without a cursor


class Log(Lines):
    """The least a subclass needs."""

    at = 0

    def line(self, y: int, width: int) -> Strip:
        return Strip([Segment(f"{self.at + y}".ljust(width), self.style())], width)

    def line_key(self, y: int) -> int:
        return self.at + y

    def bar(self) -> tuple[float, float]:
        return self.at / 100, self.page / 100

    def scroll_by(self, lines: int) -> None:
        self.at = max(0, min(100 - self.page, self.at + lines))
        self.repaint()

    def scroll_to_fraction(self, fraction: float) -> None:
        self.at = 0
        self.scroll_by(round(fraction * (100 - self.page)))


class LogApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Log()


@pytest.mark.parametrize(
    ("pressed", "first"), [("j", 1), ("G", 90), ("G k", 89), ("G g", 0), ("ctrl+d", 5), ("pagedown", 9)]
)
async def test_keys_move_a_view_without_cursor(pressed: str, first: int) -> None:
    app = LogApp()
    async with app.run_test(size=(20, 10)) as pilot:
        await pilot.press(*pressed.split(), "enter")
        strips = app.screen._compositor.render_strips()
        assert int(strips[0].text[:10]) == first
        thumb = [y for y, strip in enumerate(strips) if strip.text.endswith("▐")]
        assert thumb == [round(first / 10)]
        assert all(segment.style and segment.style.bgcolor for strip in strips for segment in strip)


def test_a_row_that_was_painted_is_not_left_to_the_collector() -> None:
    row = WholeStrip([Segment("a" * 10)], 10)
    assert row.divide([10]) == [row]
    assert [part.text for part in row.divide([4, 10])] == ["aaaa", "aaaaaa"]
    gc.collect()
    row = WholeStrip([Segment("b" * 10)], 10)
    row.divide([10])
    del row
    assert gc.collect() == 0
