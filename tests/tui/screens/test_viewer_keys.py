"""The keys that change how things are looked at: none of them touches a socket."""

from __future__ import annotations

import re

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from socktui.core.call import Function
from socktui.core.payload import ENCODINGS
from socktui.tui import keys
from socktui.tui.screens.help import HelpScreen
from socktui.tui.widgets.form import Form
from tests.support import peer, read_exactly
from tests.tui.drive import Drive
from tests.tui.key_coverage import of

CLOCK = re.compile(r"\d\d:\d\d:\d\d\.\d{6}")


async def talk(drive: Drive, count: int = 1) -> tuple[int, int]:
    """A connection on which so many numbered lines went out and came back; the focus is in the byte log."""
    client, accepted = await drive.pair()
    for i in range(count):
        await drive.type(f"line {i}\u0416")
    size = sum(len(f"line {i}") + 2 for i in range(count))
    await drive.until(lambda: drive.socket(client).received == size)
    await drive.until(lambda: len(drive.log.sequence) == drive.journal.count)
    await drive.press("escape", "3")
    drive.main.clear_message()
    return client, accepted


@of("view")
async def test_v_shows_bytes_as_both_hex_and_text(drive: Drive) -> None:
    await talk(drive)
    both = re.compile(r"→ 0000  6c 69 6e 65 20 30 d0 96 +line 0Ж·")
    assert both.search(drive.text)
    await drive.press("v")
    assert "0000  6c 69 6e 65 20 30 d0 96" in drive.text
    assert "line 0" not in drive.text
    assert drive.pane("bytes").subtitle == "hex · utf-8"
    await drive.press("v")
    assert "→ line 0Ж" in drive.text
    assert "6c 69" not in drive.text
    await drive.press("v")
    assert both.search(drive.text)


@of("time")
async def test_t_shows_the_time_of_day_since_the_start_and_since_the_row_before(drive: Drive) -> None:
    client, _ = await talk(drive)
    (call,) = drive.made(client, Function.SEND)

    def sent() -> str:
        return next(line for line in drive.rows(drive.log) if "sent 8" in line and f"#{client} " in line)

    assert CLOCK.match(sent())
    await drive.press("t")
    since = (call.time - drive.journal.start_monotonic) / 1e9
    assert float(sent().split()[0].lstrip("+")) == pytest.approx(since, abs=2e-6)
    await drive.press("t")
    accept = drive.made(1, Function.ACCEPT)[0]
    assert float(sent().split()[0].lstrip("+")) == pytest.approx((call.time - accept.time) / 1e9, abs=2e-6)
    await drive.press("t")
    assert CLOCK.match(sent())


@of("encoding")
async def test_capital_e_goes_through_the_encodings(drive: Drive) -> None:
    await talk(drive)
    await drive.press("v", "v")
    for encoding in ENCODINGS:
        assert drive.pane("bytes").subtitle == f"text · {encoding}"
        shown = {"utf-8": "line 0Ж", "cp1251": "line 0Р–", "koi8-r": "line 0п√", "cp866": "line 0╨Ц"}
        assert f"→ {shown.get(encoding, 'line 0')}" in drive.text
        await drive.press("E")
    assert drive.pane("bytes").subtitle == "text · utf-8"


@of("view", "time", "encoding")
async def test_another_lens_keeps_the_place(drive: Drive) -> None:
    await talk(drive, 30)
    await drive.press("g", "ctrl+d", "ctrl+d")
    place = drive.log.current
    assert place is not None
    for key in "vvvttttEEE":
        await drive.press(key)
        assert drive.log.current == place
        assert not drive.log.following
        assert drive.log._cursor in drive.log._screen


@of("follow")
async def test_f_holds_the_log_and_the_calls_and_lets_go_again(drive: Drive) -> None:
    client, _ = await talk(drive, 15)
    await drive.press("f")
    log, calls = drive.rows(drive.log), drive.rows(drive.calls)
    at = len(drive.log.sequence)
    await drive.press("5")
    await drive.type("more")
    await drive.until(lambda: drive.socket(client).received == 10 * 8 + 5 * 9 + 4)
    await drive.until(lambda: len(drive.log.sequence) == at + 4)
    assert [line[:-1] for line in drive.rows(drive.log)] == [line[:-1] for line in log]
    assert [line[:-1] for line in drive.rows(drive.calls)] == [line[:-1] for line in calls]
    assert drive.pane("bytes").subtitle.startswith("↓ 4 new calls below · f follows")
    await drive.press("escape", "f")
    assert "6d 6f 72 65" in drive.text
    assert drive.pane("bytes").subtitle == "both · utf-8"


@of("all")
async def test_a_shows_all_sockets_or_the_selected_one_also_in_calls(drive: Drive) -> None:
    client, accepted = await talk(drive)
    count = drive.journal.count
    assert len(drive.log.sequence) == len(drive.calls.source) == count
    await drive.press("2", "G", "k")
    assert drive.connections.cursor_key == client
    await drive.press("a")
    assert len(drive.log.sequence) == len(drive.calls.source) == drive.socket(client).calls
    assert drive.pane("bytes").title.startswith(f"3 Bytes · #{client} client 127.0.0.1:")
    assert {drive.log.sequence.call(i).socket for i in range(len(drive.log.sequence))} == {client}
    assert not any(f"#{accepted} " in line for line in drive.rows(drive.log))
    await drive.press("j")
    assert drive.log.sequence.number == accepted
    assert len(drive.calls.source) == drive.socket(accepted).calls
    await drive.press("1")
    assert drive.log.sequence.number == 1
    await drive.press("a")
    assert drive.pane("bytes").title == "3 Bytes · all sockets"
    assert len(drive.log.sequence) == len(drive.calls.source) == count


@of("copy_row")
async def test_y_copies_what_is_selected_where_the_focus_is(drive: Drive) -> None:
    client, _ = await talk(drive)
    port = drive.socket(1).local.rpartition(":")[2]
    await drive.press("1", "y")
    assert drive.app.clipboard == f"tcp://127.0.0.1:{port}"
    await drive.sees("copied 1 line, ")
    await drive.press("2", "G", "y")
    assert drive.app.clipboard == f"tcp://{drive.socket(client).local}"
    await drive.press("4", "G", "y")
    assert re.fullmatch(r"recv\(\d+, buf, 65536, 0\) = 8|recv\(\d+, 65536\) = 8", drive.app.clipboard)
    await drive.press("3", "G", "y")
    first, second = drive.app.clipboard.split("\n")
    assert CLOCK.match(first)
    assert first.endswith(f"← received 8  #{client} client 127.0.0.1:{port}")
    assert re.fullmatch("0000  6c 69 6e 65 20 30 d0 96 +line 0Ж·", second)
    await drive.sees("copied 2 lines, ")


@of("maximize")
async def test_m_enlarges_the_focused_pane(drive: Drive) -> None:
    await talk(drive)
    names = ("listening", "connections", "calls", "bytes")
    for key, name in zip("1243", names, strict=True):
        await drive.press(key, "m")
        await drive.until(lambda: [each for each in names if drive.pane(each).region.area] == [name])  # noqa: B023
        assert drive.pane(name).region.width == drive.app.size.width
        assert drive.box.region.area == 0 if name != "bytes" else drive.box.region.area > 0
        await drive.press("m")
        await drive.until(lambda: all(drive.pane(each).region.area for each in names))
        assert drive.pane(name).region.width < drive.app.size.width


@of("maximize", "focus_next", "focus_previous", "back")
async def test_the_focus_stays_in_sight_while_a_pane_is_maximized(drive: Drive) -> None:
    await talk(drive)
    for name in ("1", "2", "4", "3"):
        await drive.press(name, "m")
        for key in ("tab", "tab", "shift+tab", "escape"):
            await drive.press(key)
            focused = drive.app.focused
            assert focused is not None
            assert focused.region.area > 0, (name, key)
        await drive.press("3", "2")
        await drive.until(
            lambda: all(drive.pane(each).region.area for each in ("listening", "connections", "calls", "bytes"))
        )


@of("pause")
async def test_space_holds_the_view_and_never_the_traffic(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as sock:
        sock.sendall(b"before")
        assert read_exactly(sock, 6) == b"before"
        await drive.until(lambda: len(drive.log.sequence) == drive.journal.count)
        await drive.press("3", "space")
        drive.main.clear_message()
        assert "PAUSED" in drive.pane("bytes").title
        still = drive.lines
        sock.sendall(b"meanwhile")
        assert read_exactly(sock, 9) == b"meanwhile"
        for _ in range(3):
            await drive.pilot.pause(0.1)
            assert drive.lines[:-1] == still[:-1]
        assert drive.carried(2, Function.SEND) == b"beforemeanwhile"
        await drive.press("space")
        assert "PAUSED" not in drive.pane("bytes").title
        assert "meanwhile" in drive.text
        assert drive.log.following


@of("pause", "client")
async def test_a_new_connection_of_ours_ends_the_pause(drive: Drive) -> None:
    """Else what is typed would go to the connection that was selected before."""
    first, _ = await drive.pair()
    await drive.press("escape", "space", "c")
    await drive.until(lambda: drive.peers == 4)
    await drive.until(lambda: isinstance(drive.app.focused, Input))
    assert drive.connections.cursor_key not in (None, first)
    assert "PAUSED" not in drive.pane("bytes").title
    await drive.type("to the new one")
    await drive.until(lambda: drive.socket(4).received + drive.socket(5).received == 28)
    assert drive.socket(first).sent == 0


@of("focus_next", "focus_previous", "jump_listening", "jump_connections", "jump_bytes", "jump_calls", "jump_send")
async def test_tab_and_digits_go_to_the_panes(drive: Drive) -> None:
    order = ["listening", "connections", "calls", "bytes", "typed"]
    seen = []
    for _ in range(6):
        assert drive.app.focused is not None
        seen.append(drive.app.focused.id)
        await drive.press("tab")
    assert seen == [*order, "listening"]
    await drive.press("shift+tab", "shift+tab")
    assert drive.app.focused is not None
    assert drive.app.focused.id == "typed"
    await drive.press("escape")
    for key, name in {"1": "listening", "2": "connections", "3": "bytes", "4": "calls", "5": "typed"}.items():
        await drive.press(key)
        assert drive.app.focused is not None
        assert drive.app.focused.id == name


@pytest.mark.parametrize("key", ["?", "f1"])
@of("help")
async def test_help_shows_all_keys_and_goes_away(drive: Drive, key: str) -> None:
    await drive.press(key)
    await drive.until(lambda: isinstance(drive.app.screen, HelpScreen))
    await drive.sees("Start an echo server.", "Send again and again.")
    await drive.press("e", "x", "escape")
    assert drive.app.screen is drive.main
    assert drive.journal.count == 0


@of("command_palette")
async def test_the_palette_lists_every_action_that_works_and_carries_it_out(drive: Drive) -> None:
    await talk(drive)
    commands = {command.title: command for command in drive.app.get_system_commands(drive.app.screen)}
    wanted = [key for key in keys.KEYS if key.where in ("workbench", "everywhere", "send")]
    dead = {"stop_repeat", "restart", "command_palette", "focus_next", "focus_previous", "screens"}
    dead |= {"older", "newer", "back", "layer", "kind", "find_next", "find_previous", "end_find"}
    for key in wanted:
        listed = any(
            title.endswith(f"({key.shown.split()[0]})") and c.help == key.help for title, c in commands.items()
        )
        assert listed == (key.id not in dead), key
    await drive.press("escape", "2", "G", "ctrl+p")
    await drive.until(lambda: isinstance(drive.app.screen, CommandPalette))
    for char in "Half-close":
        await drive.press(char)
    await drive.sees("Half-close (s)")
    await drive.press("down", "enter")
    await drive.until(
        lambda: drive.main.selected is not None and drive.made(drive.main.selected.number, Function.SHUTDOWN)
    )
    assert drive.app.screen is drive.main


@of("command_palette", "mode")
async def test_the_palette_reaches_the_send_box(drive: Drive) -> None:
    await talk(drive)
    command = next(c for c in drive.app.get_system_commands(drive.app.screen) if c.title.startswith("Mode"))
    await command.callback()
    assert drive.box.settings.mode == "escapes"
    command = next(c for c in drive.app.get_system_commands(drive.app.screen) if c.title.startswith("Listen (l"))
    await command.callback()
    await drive.until(lambda: isinstance(drive.app.screen, Form))


async def test_a_theme_can_be_chosen_and_the_screen_is_painted_in_it(drive: Drive) -> None:
    await talk(drive)
    before = {segment.style for strip in drive.app.screen._compositor.render_strips() for segment in strip}
    drive.app.theme = "textual-light"
    await drive.settle()
    after = {segment.style for strip in drive.app.screen._compositor.render_strips() for segment in strip}
    assert {style.bgcolor for style in before if style}.isdisjoint({style.bgcolor for style in after if style})


async def test_any_size_is_painted_and_left_again(drive: Drive) -> None:
    await talk(drive, 20)
    for size in ((1, 1), (120, 36), (2, 5), (10, 3), (300, 80), (80, 24)):
        await drive.pilot.resize_terminal(*size)
        await drive.until(lambda: (len(drive.lines[0]), len(drive.lines)) == size)  # noqa: B023
        await drive.press("k", "m", "v", "m")
    assert "127.0.0.1" in drive.text
