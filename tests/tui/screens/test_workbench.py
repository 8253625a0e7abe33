"""The keys that make, close and change sockets, on a real engine; looked at in the journal and from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import socket as sockets
from contextlib import closing
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.core.sockets import End, Role, State
from socktui.journal.reader import Reader
from socktui.tui.screens.confirm import Confirm
from socktui.tui.screens.workbench import Workbench
from socktui.tui.widgets.form import Form
from tests.support import peer, read_all, read_exactly, until
from tests.tui.drive import Drive, workbench
from tests.tui.key_coverage import of


@of("echo_server")
async def test_e_starts_an_echo_server_that_others_can_use(drive: Drive, first_port: int) -> None:
    port = await drive.server()
    assert first_port <= port < first_port + 20
    listener = drive.socket(1)
    assert (listener.role, listener.state, listener.service) == (Role.LISTENER, State.LISTEN, "echo")
    assert f"listening on tcp://127.0.0.1:{port} (echo)" in drive.footer
    with peer(port) as sock:
        sock.sendall(b"who is there")
        assert read_exactly(sock, 12) == b"who is there"
    assert f"127.0.0.1:{port}" in drive.row(drive.listening, "LISTEN ")


@of("echo_server")
async def test_e_again_takes_the_next_port_that_is_free(drive: Drive) -> None:
    first = await drive.server()
    second = await drive.server()
    assert second > first
    assert [each.open for each in drive.sockets() if each.role is Role.LISTENER][-2:] == [True, True]


@of("client")
async def test_c_connects_to_the_selected_listener(drive: Drive) -> None:
    first = await drive.server()
    await drive.server()
    await drive.press("1", "k")
    client, accepted = await drive.client()
    assert drive.socket(client).peer == f"127.0.0.1:{first}"
    assert drive.socket(accepted).parent == 1
    assert drive.socket(client).local == drive.socket(accepted).peer
    assert drive.box.title.startswith(f"Send to #{client} client 127.0.0.1:{first}")
    assert drive.connections.cursor_key == client


@of("client")
async def test_c_without_a_listener_asks_where_to(drive: Drive, first_port: int) -> None:
    await drive.press("c")
    await drive.sees("Connect", f"tcp://127.0.0.1:{first_port}", "Time-out")
    await drive.press("escape")
    assert drive.app.screen is drive.main
    assert drive.journal.sockets == 0


@of("client")
async def test_c_takes_an_open_listener_where_the_selected_one_is_closed(drive: Drive) -> None:
    await drive.server()
    second = await drive.server()
    await drive.press("1", "g", "x")
    await drive.until(lambda: not drive.socket(1).open)
    client, _ = await drive.client()
    assert drive.socket(client).peer == f"127.0.0.1:{second}"


@of("connect_to")
async def test_o_is_filled_in_with_the_selected_listener_and_connects(drive: Drive) -> None:
    port = await drive.server()
    await drive.press("o")
    await drive.sees("Connect", f"tcp://127.0.0.1:{port}")
    await drive.press("enter")
    await drive.until(lambda: drive.peers == 2)
    assert drive.app.screen is drive.main
    assert drive.box.title.startswith("Send to #2 client")


@of("close")
async def test_x_on_a_listener_stops_it_and_leaves_its_connections(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as sock:
        await drive.until(lambda: drive.peers == 1)
        await drive.press("1", "x")
        await drive.until(lambda: not drive.socket(1).open)
        with pytest.raises(ConnectionRefusedError):
            sockets.create_connection(("127.0.0.1", port))
        sock.sendall(b"still here")
        assert read_exactly(sock, 10) == b"still here"
    await drive.sees("closed")


@of("close")
async def test_x_on_a_connection_closes_it_for_its_peer(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as sock:
        await drive.until(lambda: drive.peers == 1)
        await drive.press("2", "x")
        assert await asyncio.to_thread(read_all, sock) == b""
    await drive.until(lambda: not drive.socket(2).open)
    assert drive.socket(2).end is End.CLOSED
    await drive.press("x")
    await drive.sees("#2 is closed already: closed here")


@of("half_close")
async def test_s_sends_a_fin_and_goes_on_receiving(drive: Drive) -> None:
    client, accepted = await drive.pair()
    await drive.press("escape", "s")
    await drive.until(lambda: not drive.socket(accepted).open)
    (call,) = drive.made(client, Function.SHUTDOWN)
    assert call.args == ("SHUT_WR",)
    assert drive.socket(accepted).end is End.PEER_FIN
    await drive.until(lambda: drive.socket(client).end is End.PEER_FIN)


@of("half_close")
async def test_s_on_a_listener_says_why_not(drive: Drive) -> None:
    await drive.server()
    await drive.press("s")
    await drive.sees("a listener has no sending side: x stops it")
    assert drive.socket(1).open


@of("reset")
async def test_capital_r_resets_and_the_peer_sees_that(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as sock:
        await drive.until(lambda: drive.peers == 1)
        await drive.press("2", "R")
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(read_all, sock)
    await drive.until(lambda: not drive.socket(2).open)
    assert drive.socket(2).end is End.RESET
    await drive.sees("RST sent")


@of("close", "half_close", "reset", "receive_buffer", "copy_row", "all")
async def test_keys_that_need_a_socket_say_so_without_one(drive: Drive) -> None:
    for key in ("x", "s", "R"):
        await drive.press(key)
        await drive.sees("no socket is selected: e starts a server, c a client")
        drive.main.clear_message()
    await drive.press("B")
    await drive.sees("select a listener or a connection that is open")
    await drive.press("y")
    await drive.sees("nothing to copy here")
    await drive.press("a")
    await drive.sees("no socket is selected")
    assert drive.log.sequence.number is None
    assert drive.journal.count == 0


@of("mark")
async def test_star_marks_connections_and_the_marked_are_sent_to(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as first, peer(port) as second, peer(port) as third:
        await drive.until(lambda: drive.peers == 3)
        await drive.press("2", "g", "*", "*")
        assert drive.connections.marked == {2, 3}
        assert [line[0] for line in drive.rows(drive.connections) if " ESTAB " in line] == ["*", "*", " "]
        await drive.press("5", "f4")
        assert drive.box.title.startswith("Send to the 2 marked")
        await drive.type("both of you")
        assert read_exactly(first, 11) == read_exactly(second, 11) == b"both of you"
        await drive.until(lambda: drive.socket(3).sent == 11)
        assert drive.socket(4).sent == 0
        await drive.press("escape", "g", "*")
        assert drive.connections.marked == {3}
        third.close()


@of("mark")
async def test_star_elsewhere_says_where_marks_belong(drive: Drive) -> None:
    await drive.server()
    await drive.press("*")
    await drive.sees("marks are for connections: 2 goes there")


@of("clear_closed")
async def test_capital_c_takes_closed_sockets_off_and_keeps_what_they_said(drive: Drive) -> None:
    client, accepted = await drive.pair()
    await drive.type("kept")
    await drive.until(lambda: drive.socket(client).received == 4)
    await drive.press("escape", "*")
    await drive.press("k", "x")
    await drive.until(lambda: not drive.socket(client).open and not drive.socket(accepted).open)
    calls = drive.journal.count
    await drive.press("C")
    await drive.sees("2 closed sockets taken off the lists; their bytes and calls stay", "c connects a client")
    assert len(drive.connections.source) == 0
    assert not drive.connections.marked
    assert len(drive.listening.source) == 1
    assert drive.journal.count == calls
    assert "6b 65 70 74" in drive.text
    await drive.press("C")
    await drive.sees("none is closed")


@of("receive_buffer")
async def test_capital_b_sets_what_later_recv_calls_ask_for(drive: Drive) -> None:
    port = await drive.server()
    with peer(port) as sock:
        await drive.until(lambda: drive.peers == 1)
        await drive.press("1", "B")
        await drive.sees("Receive buffer")
        await drive.type("20")
        await drive.sees("each recv() asks for 20 bytes from now on")
        sock.sendall(b"x" * 50)
        assert read_exactly(sock, 50) == b"x" * 50
        await drive.until(lambda: drive.socket(2).received == 50)
        sizes = {call.size for call in drive.made(2, Function.RECV)}
        assert sizes == {20}
        assert max(call.length for call in drive.made(2, Function.RECV)) <= 20


@of("receive_buffer")
async def test_the_size_of_a_buffer_has_bounds(drive: Drive) -> None:
    await drive.server()
    await drive.press("B")
    for wrong in ("0", "-1", "ten", "1048577", ""):
        await drive.type(wrong)
        await drive.sees("a whole number from 1 to 1048576 is needed")
    assert isinstance(drive.app.screen, Form)


@of("repeat", "stop_repeat")
async def test_f5_repeats_and_f8_stops_that(drive: Drive) -> None:
    client, accepted = await drive.pair()
    await drive.press("p", "i", "n", "g", "f5")
    await drive.sees("Repeat", "Times", "Every, ms")
    await drive.type("100000")
    await drive.until(lambda: isinstance(drive.app.screen, Workbench) and drive.socket(accepted).received >= 4)
    drive.main.clear_message()
    await drive.sees("f8 Stop")
    await drive.press("f8")
    await drive.sees("stopped")
    sent = len(drive.made(client, Function.SEND))
    assert 1 <= sent < 100
    assert {call.length for call in drive.made(client, Function.SEND)} == {4}
    drive.main.clear_message()
    await drive.until(lambda: "f8 Stop" not in drive.footer)


@of("repeat")
async def test_f5_repeats_so_often_and_says_so(drive: Drive) -> None:
    client, _ = await drive.pair()
    await drive.press("p", "f5")
    form = drive.app.screen
    assert isinstance(form, Form)
    form.query_one("#field-interval").value = "1"  # type: ignore[attr-defined]
    await drive.type("7")
    await drive.sees("sent 7 times, 7 bytes in all")
    assert len(drive.made(client, Function.SEND)) == 7


@of("repeat")
async def test_f5_with_nothing_typed_says_so(drive: Drive) -> None:
    await drive.pair()
    await drive.press("f5")
    await drive.sees("type what is to be repeated, to a connection that is selected")
    assert drive.app.screen is drive.main


@of("stop_repeat", "restart")
async def test_f8_and_ctrl_r_are_neither_shown_nor_working_without_need(drive: Drive) -> None:
    await drive.server()
    drive.main.clear_message()
    engine = drive.engine
    await drive.press("f8", "ctrl+r")
    assert "Stop" not in drive.footer
    assert "Restart" not in drive.footer
    assert drive.engine is engine
    assert drive.socket(1).open


@of("restart")
async def test_ctrl_r_starts_a_new_engine_after_a_crash(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("socktui.journal.folder.new_path", lambda: tmp_path / "second.socktui")
    first = drive.engine
    await drive.pair()
    await drive.type("before")
    await drive.until(lambda: drive.socket(2).received == 6)
    os.kill(first.pid, signal.SIGKILL)
    await drive.sees("the engine has ended; what it captured is kept. ctrl+r starts a new one")
    drive.main.clear_message()
    await drive.press("escape")
    await drive.sees("^r Restart")
    assert drive.peers == 0
    await drive.press("escape", "e")
    await drive.sees("the engine has ended")
    await drive.press("ctrl+r")
    await drive.until(lambda: drive.engine is not first and drive.engine.up.is_set())
    assert drive.journal.path == tmp_path / "second.socktui"
    await drive.sees("Nothing has happened yet")
    assert "the engine has ended" not in drive.text
    port = await drive.server()
    with peer(port) as sock:
        sock.sendall(b"after")
        assert read_exactly(sock, 5) == b"after"
    with Reader(first.capture) as reader:
        assert reader.socket(2).received == 6


@of("quit")
async def test_ctrl_q_leaves_at_once_without_peers(drive: Drive) -> None:
    await drive.server()
    await drive.press("ctrl+q")
    await drive.until(lambda: not drive.app._running)
    assert drive.app.return_code == 0


@pytest.mark.parametrize("above", ["", "?", "l"])
@of("quit")
async def test_ctrl_q_asks_where_peers_are_connected(tmp_path: Path, above: str) -> None:
    async with workbench(tmp_path) as drive:
        port = await drive.server()
        with peer(port) as sock:
            await drive.until(lambda: drive.peers == 1)
            await drive.press(*above)
            await drive.press("ctrl+q", "ctrl+q")
            await drive.sees("One connection is open. Say goodbye and leave?")
            await drive.press("n")
            assert not isinstance(drive.app.screen, Confirm)
            assert drive.app._running
            sock.sendall(b"?")
            assert read_exactly(sock, 1) == b"?"
            await drive.press("ctrl+q", "y")
            await until(lambda: not drive.app._running)
            await drive.app._shutdown()
            assert await asyncio.to_thread(read_all, sock) == b""


@of("quit")
async def test_ctrl_q_while_a_send_repeats(drive: Drive) -> None:
    _, accepted = await drive.pair()
    await drive.press("p", "f5", "enter")
    await drive.until(lambda: drive.socket(accepted).received >= 1)
    await drive.press("ctrl+q", "y")
    await drive.until(lambda: not drive.app._running)
    assert drive.app.return_code == 0


@of("echo_server")
async def test_e_goes_on_where_a_port_is_taken_in_the_meantime(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port may be bound by one who does not listen: the kernel's list of listeners does not have it."""
    with closing(sockets.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        monkeypatch.setattr("socktui.tui.dialogs.DEFAULT_ENDPOINT", f"tcp://127.0.0.1:{taken}")
        await drive.press("e")
        await drive.sees("listening on tcp://127.0.0.1:")
        assert drive.main.selected is not None
        assert drive.main.selected.open
        assert int(drive.main.selected.local.rpartition(":")[2]) > taken
