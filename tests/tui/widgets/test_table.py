"""The virtual list."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.strip import Strip

from socktui.tui.widgets.columns import Column
from socktui.tui.widgets.lines import Pane
from socktui.tui.widgets.table import Cell, Row, Table

HOSTILE = ["[/foo]", "[@click=app.quit]x[/]"]


class Rows:
    """Rows by name, which counts what is asked of it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.asked = 0
        self.note: dict[str, Cell] = {}

    def __len__(self) -> int:
        return len(self.names)

    def key(self, i: int) -> Hashable:
        return self.names[i]

    def cells(self, i: int) -> Sequence[Cell]:
        self.asked += 1
        name = self.names[i]
        return [name, self.note.get(name, ("ESTAB", "good"))]

    def index(self, key: Hashable) -> int | None:
        return self.names.index(str(key)) if key in self.names else None


class Million:
    """A million rows that are nowhere kept; `index` would be too dear."""

    asked = 0

    def __len__(self) -> int:
        return 1_000_000

    def key(self, i: int) -> Hashable:
        self.asked += 1
        return i

    def cells(self, i: int) -> Sequence[Cell]:
        self.asked += 1
        return [str(i)]


class Counting(Table):
    """A table that notes which lines are made."""

    made: list[int]

    def line(self, y: int, width: int) -> Strip:
        self.made.append(y)
        return super().line(y, width)


class TableApp(App[None]):
    def __init__(self, source: Rows | Million, *, follow: bool = False) -> None:
        super().__init__()
        columns = [Column("Name", 8), Column("State", 8, flex=True)]
        self.table = Counting(source, columns, follow=follow, empty="Nothing here.\nPress [/e].")
        self.table.made = []
        self.moved: list[Hashable | None] = []
        self.chosen: list[Hashable] = []

    def compose(self) -> ComposeResult:
        with Pane(title=HOSTILE[0]) as pane:
            pane.subtitle = HOSTILE[1]
            yield self.table

    def on_table_moved(self, message: Table.Moved) -> None:
        self.moved.append(message.key)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.chosen.append(message.key)

    def lines(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


def names(count: int) -> list[str]:
    return [f"r{i}" for i in range(count)]


# 24 lines, less the border and the header.
PAGE = 21


@pytest.mark.parametrize(
    ("pressed", "row"),
    [
        ("j", 1),
        ("down down", 2),
        ("j j k", 1),
        ("j up", 0),
        ("k", 0),
        ("G", 99),
        ("end", 99),
        ("G j", 99),
        ("G g", 0),
        ("end home", 0),
        ("ctrl+d", 10),
        ("ctrl+d ctrl+u", 0),
        ("pagedown", 20),
        ("pagedown pagedown pageup", 20),
        ("pageup", 0),
    ],
)
async def test_keys_move_the_cursor_and_show_it(pressed: str, row: int) -> None:
    app = TableApp(Rows(names(100)))
    async with app.run_test() as pilot:
        await pilot.press(*pressed.split())
        assert (app.table.cursor, app.table.cursor_key) == (row, f"r{row}")
        assert app.moved[-1] == f"r{row}"
        assert any(f"r{row} " in line for line in app.lines())


async def test_enter_and_double_click_choose_and_click_selects() -> None:
    app = TableApp(Rows(names(100)))
    async with app.run_test() as pilot:
        await pilot.press("j", "enter")
        assert app.chosen == ["r1"]
        await pilot.click(Table, offset=(5, 4))
        assert app.table.cursor_key == "r3"
        await pilot.click(Table, offset=(5, 0))
        assert app.table.cursor_key == "r3"
        await pilot.click(Table, offset=(5, 6), times=2)
        assert app.chosen == ["r1", "r5"]


async def test_wheel_and_bar_move_the_view_and_not_the_cursor() -> None:
    app = TableApp(Rows(names(100)))
    async with app.run_test() as pilot:
        bar = app.table.size.width - 1
        await pilot._post_mouse_events([events.MouseScrollDown], Table, button=0)
        assert "r3 " in app.lines()[2]
        await pilot.mouse_down(Table, offset=(bar, PAGE))
        await pilot.mouse_up(Table, offset=(bar, PAGE))
        assert "r99 " in app.lines()[-2]
        await pilot.mouse_down(Table, offset=(bar, PAGE))
        await pilot.hover(Table, offset=(bar, 1))
        await pilot.mouse_up(Table, offset=(bar, 1))
        assert "r0 " in app.lines()[2]
        assert app.table.cursor == 0


async def test_cursor_stays_on_its_key() -> None:
    source = Rows(names(100))
    app = TableApp(source)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+d", "ctrl+d")
        assert app.table.cursor_key == "r20"
        before = app.lines().index(next(line for line in app.lines() if "r20 " in line))
        source.names[:0] = ["new1", "new2", "new3"]
        app.table.refresh_rows()
        assert (app.table.cursor, app.table.cursor_key) == (23, "r20")
        await pilot.pause()
        assert "r20 " in app.lines()[before]
        del source.names[:10]
        app.table.refresh_rows()
        assert (app.table.cursor, app.table.cursor_key) == (13, "r20")
        assert app.moved[-1] == "r20"


async def test_at_the_top_new_rows_come_into_view() -> None:
    source = Rows(names(100))
    app = TableApp(source)
    async with app.run_test() as pilot:
        source.names.insert(0, "new")
        app.table.refresh_rows()
        await pilot.pause()
        assert "new " in app.lines()[2]
        assert app.table.cursor_key == "r0"


async def test_when_the_row_goes_the_next_takes_its_place() -> None:
    source = Rows(names(3))
    app = TableApp(source)
    async with app.run_test() as pilot:
        await pilot.press("G")
        source.names.remove("r2")
        app.table.refresh_rows()
        assert app.table.cursor == 1
        source.names.clear()
        app.table.refresh_rows()
        await pilot.press("j", "enter")
        assert app.moved[-3:] == ["r2", "r1", None]
        assert app.chosen == []
        assert "Press [/e]." in app.lines()[3]


async def test_only_changed_lines_are_made_anew() -> None:
    source = Rows(names(100))
    app = TableApp(source)
    async with app.run_test() as pilot:
        await pilot.pause()
        app.table.made.clear()
        app.table.refresh_rows()
        await pilot.pause()
        assert app.table.made == []
        source.note["r4"] = ("CLOSE-WAIT", "warn")
        app.table.refresh_rows()
        await pilot.pause()
        assert app.table.made == [5]
        app.table.made.clear()
        await pilot.press("j")
        assert sorted(app.table.made) == [1, 2]
        source.note["r90"] = "out of sight"
        app.table.made.clear()
        app.table.refresh_rows()
        await pilot.pause()
        assert app.table.made == []


async def test_a_million_rows_cost_what_is_visible() -> None:
    source = Million()
    app = TableApp(source)
    async with app.run_test() as pilot:
        await pilot.press("G", "pageup", "k")
        assert app.table.cursor == 999_978
        source.asked = 0
        app.table.refresh_rows()
        assert source.asked < 3 * PAGE


async def test_follow_stops_on_the_way_up_and_resumes_at_the_end() -> None:
    source = Rows(names(100))
    app = TableApp(source, follow=True)

    def grow() -> Hashable | None:
        source.names.append(f"r{len(source)}")
        app.table.refresh_rows()
        return app.table.cursor_key

    async with app.run_test() as pilot:
        assert app.table.cursor_key == "r99"
        assert grow() == "r100"
        await pilot.press("k")
        assert grow() == "r99"
        assert not app.table.following
        await pilot.press("G")
        assert grow() == "r102"
        app.table.scroll_by(-5)
        assert grow() == "r102"
        app.table.scroll_to_fraction(1.0)
        assert grow() == "r104"
        app.table.follow = False
        assert grow() == "r104"


async def test_marks() -> None:
    app = TableApp(Rows(names(5)))
    async with app.run_test() as pilot:
        await pilot.press("j")
        app.table.toggle_mark()
        await pilot.pause()
        assert app.table.marked == {"r1"}
        assert app.lines()[3].startswith("┃*r1")
        app.table.toggle_mark()
        assert app.table.marked == set()


async def test_select_and_set_source() -> None:
    app = TableApp(Rows(names(100)))
    async with app.run_test() as pilot:
        assert app.table.select("r50")
        assert not app.table.select("nobody")
        assert app.table.cursor == 50
        app.table.set_source(Rows(["a", "b"]))
        await pilot.pause()
        assert app.moved[-1] == app.table.cursor_key == "a"
        app.table.set_source(Rows([]))
        await pilot.pause()
        assert app.moved[-1] is None


async def test_hostile_text_is_shown_as_it_is() -> None:
    app = TableApp(Rows(HOSTILE))
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.columns = (Column("[/c]", 30), Column("State", 8))
        app.table.on_resize()
        app.table.invalidate()
        await pilot.pause()
        text = "\n".join(app.lines())
        for each in [*HOSTILE, "[/c]"]:
            assert each in text
        assert text.count("[/foo]") == text.count("[@click=app.quit]x[/]") == 2
        await pilot.click(Table, offset=(3, 2))
        assert app.is_running


async def test_a_low_pane_has_no_header() -> None:
    app = TableApp(Rows(names(9)))
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.press("j", "j")
        assert [line[2:4] for line in app.lines()[1:3]] == ["r1", "r2"]
        await pilot.resize_terminal(40, 8)
        assert app.lines()[1][2:6] == "Name"


def test_rows_that_look_alike_share_a_strip() -> None:
    assert Row(("a",)) == Row(("a",))
    assert Row(("a",), "cursor") != Row(("a",))


async def test_a_column_that_grows_shows_all_of_its_cells_and_stays_wide() -> None:
    rows = Rows(names(3))
    app = TableApp(rows)
    app.table.columns = (Column("Name", 3, grows=True), Column("State", 8, flex=True))
    async with app.run_test():
        rows.names.append("r123456789")
        app.table.refresh_rows()
        assert app.table.columns[0].width == len("r123456789")
        assert any("r123456789 " in line for line in app.lines())
        rows.names.pop()
        app.table.refresh_rows()
        assert app.table.columns[0].width == len("r123456789")
