"""Every kind of socket on the screen: made in the dialogs, reached by `c`, typed into."""

from __future__ import annotations

import socket as sockets
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.core.endpoint import SCHEMES
from socktui.core.sockets import Role
from socktui.templates import templates
from socktui.tui import dialogs
from socktui.tui.widgets.form import Choice, Form, SafeInput
from tests.tui.drive import Drive
from tests.tui.key_coverage import of

SERVERS = [name for name, kind in SCHEMES.items() if kind.serves and name != "raw"]
RECEIVES = {"tls": Function.SSL_READ, "ws": Function.WS_RECV, "wss": Function.WS_RECV, "telnet": Function.TELNET_RECV}


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's file, and an authority for certificates, of the test's own."""
    monkeypatch.setattr(dialogs, "SOCKET_FILE", str(tmp_path / "s"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


async def choose_kind(drive: Drive, key: str, scheme: str) -> Form:
    """Press l or o, and choose a kind by its keys."""
    await drive.press(key)
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    form = drive.app.screen
    assert isinstance(form, Form)
    await drive.press("shift+tab")
    kind = form.query_one("#field-kind", Choice)
    for _ in SCHEMES:
        if kind.value == scheme:
            break
        await drive.press("right")
    assert form.values["endpoint"].startswith(f"{scheme}://")
    return form


@pytest.mark.parametrize("scheme", SERVERS)
@of("listen", "client")
async def test_a_server_of_each_kind_and_a_client_of_it(drive: Drive, scheme: str) -> None:
    await choose_kind(drive, "l", scheme)
    await drive.press("enter")
    await drive.until(lambda: drive.app.screen is drive.main and drive.listening.cursor_key == 1)
    server = drive.socket(1)
    assert (server.scheme, server.role, server.service) == (scheme, Role.LISTENER, "echo")
    await drive.press("c")
    await drive.until(lambda: drive._typing)
    client = drive.connections.cursor_key
    assert isinstance(client, int)
    await drive.type("Hello, World!")
    name = RECEIVES.get(scheme, Function.RECV)
    await drive.until(lambda: drive.carried(client, name) == b"Hello, World!")
    assert (drive.socket(client).scheme, drive.socket(client).role) == (scheme, Role.CLIENT)
    await drive.sees("Hello, World!")


@of("listen", "previous_choice")
async def test_kind_and_endpoint_say_the_same(drive: Drive) -> None:
    form = await choose_kind(drive, "l", "udp")
    endpoint = form.query_one("#field-endpoint", SafeInput)
    offered = endpoint.value.replace("udp", "tcp")
    assert endpoint.value.startswith("udp://127.0.0.1:")
    assert not form.query_one("#row-backlog").display
    await drive.press("left")
    assert endpoint.value.startswith("tcp://127.0.0.1:")
    assert form.query_one("#row-backlog").display
    endpoint.value = "wss://[::1]:9001/chat"
    await drive.settle()
    assert form.values["kind"] == "wss"
    await drive.press("left")
    assert endpoint.value == "ws://[::1]:9001/"
    await drive.press("left", "left")
    assert endpoint.value.startswith("unix-seqpacket:///")
    await drive.press(*["left"] * 4)
    assert endpoint.value == offered
    endpoint.value = "unix-"
    await drive.settle()
    assert form.values["kind"] == "tcp"
    assert "icmp" not in [name for name, _ in form.query_one("#field-kind", Choice).choices]


@of("connect_to")
async def test_an_icmp_client_sends_echo_requests(drive: Drive) -> None:
    form = await choose_kind(drive, "o", "icmp")
    assert form.values["endpoint"] == "icmp://127.0.0.1"
    await drive.press("enter")
    await drive.sees("ICMP echo reply")
    await drive.type("ping me")
    await drive.sees("ICMP echo reply id", "seq 2")


@of("connect_to")
async def test_a_certificate_that_is_not_verified_is_a_red_choice(drive: Drive) -> None:
    await choose_kind(drive, "l", "tls")
    await drive.press("enter")
    await drive.until(lambda: drive.listening.cursor_key == 1 and drive.app.screen is drive.main)
    await drive.sees("the certificate is signed by")
    await drive.press("v")
    drive.main.clear_message()
    (about,) = [each for each in drive.app.get_system_commands(drive.app.screen) if each.title == "About #1"]
    about.callback()
    await drive.sees("the certificate is signed by")
    await drive.press("o")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    form = drive.app.screen
    assert isinstance(form, Form)
    assert form.values["verify"] == "yes"
    await drive.press("tab", "right")
    assert form.values["endpoint"].endswith("?verify=no")
    verify = form.query_one("#field-verify", Choice)
    assert any("$text-error" in str(span.style) for span in verify.render().spans)
    await drive.press("enter")
    await drive.until(lambda: drive._typing)
    client = drive.connections.cursor_key
    assert isinstance(client, int)
    assert drive.socket(client).insecure
    await drive.press("escape", "a")
    assert drive.pane("bytes").alert == " · not verified"


@of("connect_to")
async def test_a_certificate_that_does_not_hold_is_told_in_words(drive: Drive) -> None:
    await choose_kind(drive, "l", "tls")
    await drive.press("enter")
    await drive.until(lambda: drive.listening.cursor_key == 1 and drive.app.screen is drive.main)
    port = drive.socket(1).local.rpartition(":")[2]
    await drive.press("o")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    await drive.type(f"tls://127.0.0.1:{port}?name=example.org")
    await drive.sees("example.org", "certificate")
    assert isinstance(drive.app.screen, Form)


@of("listen")
async def test_a_socket_that_was_left_behind_is_asked_about(drive: Drive, tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    for answer in ("n", "y"):
        await choose_kind(drive, "l", "unix")
        await drive.press("enter")
        await drive.sees("nothing accepts on any more. Take its place?")
        await drive.press(answer)
        if answer == "n":
            await drive.sees("EADDRINUSE", "?replace=yes")
            await drive.press("escape")
    await drive.until(lambda: drive.app.screen is drive.main)
    await drive.press("c")
    await drive.until(lambda: drive._typing)
    await drive.type("there")
    await drive.until(lambda: drive.carried(int(str(drive.connections.cursor_key)), Function.RECV) == b"there")


@of("listen")
async def test_a_service_for_streams_is_refused_on_messages(drive: Drive) -> None:
    form = await choose_kind(drive, "l", "udp")
    form.query_one("#field-service", Choice).take("http")
    await drive.press("enter")
    await drive.sees("http needs a stream, and udp carries messages")


@of("listen")
async def test_a_group_is_open_to_others(drive: Drive) -> None:
    await drive.press("l")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    await drive.type("udp://127.0.0.1:0?group=239.1.2.3")
    await drive.sees("Listen there?")
    await drive.press("n")
    await drive.sees("not started")


@of("send")
async def test_enter_alone_sends_an_empty_datagram(drive: Drive) -> None:
    await choose_kind(drive, "l", "udp")
    await drive.press("enter")
    await drive.until(lambda: drive.listening.cursor_key == 1 and drive.app.screen is drive.main)
    await drive.press("c")
    await drive.until(lambda: drive._typing)
    client = drive.connections.cursor_key
    assert isinstance(client, int)
    assert "an empty datagram" in drive.box.line.placeholder
    await drive.press("enter")
    await drive.until(lambda: [call.result for call in drive.made(client, Function.RECV)] == [0])
    await drive.sees("received 0 · datagram")
    await drive.known(3)
    assert drive.connections.cursor_key == client  # the peer at the server has come meanwhile
    await drive.press("f5")
    await drive.sees("Repeat")


@of("kind")
async def test_f9_chooses_the_kind_of_a_websockets_message(drive: Drive) -> None:
    await drive.press("5")
    assert "f9" not in drive.footer
    await drive.press("escape")
    await choose_kind(drive, "l", "ws")
    await drive.press("enter")
    await drive.until(lambda: drive.listening.cursor_key == 1 and drive.app.screen is drive.main)
    await drive.press("c")
    await drive.until(lambda: drive._typing)
    client = drive.connections.cursor_key
    assert isinstance(client, int)
    assert drive.box.subtitle == "text or binary · text · utf-8"
    for kind in ("text", "binary", "ping", "pong"):
        await drive.press("f9")
        assert drive.box.subtitle.startswith(f"{kind} · ")
        await drive.type(kind)
    await drive.press("f9")
    assert drive.box.line.placeholder == "1000 and a reason, or nothing"
    await drive.type("bye")
    await drive.sees("four digits")
    await drive.type("1000 bye")
    await drive.until(lambda: not drive.socket(client).open)
    assert [call.args for call in drive.made(client, Function.WS_SEND)] == [
        ("text",), ("binary",), ("ping",), ("pong",), ("close", 1000, "bye"),
    ]  # fmt: skip
    await drive.press("f9")
    assert drive.box.settings.kind == ""


@of("template")
async def test_f7_fills_the_box_from_a_template(drive: Drive) -> None:
    await drive.press("f7")
    await drive.sees("Templates", "lecture")
    names = [template.name for template in templates()[0]]
    wanted = next(each for each in templates()[0] if each.path.stem == "http-get")
    await drive.press(*["j"] * names.index(wanted.name), "enter")
    await drive.sees(f"it is for {wanted.endpoint}: o connects there")
    assert drive.box.payload().data == wanted.payload()
    assert drive.app.focused is drive.box.line
    await drive.press("escape", "o")
    await drive.until(lambda: isinstance(drive.app.focused, SafeInput))
    form = drive.app.screen
    assert isinstance(form, Form)
    assert form.values["endpoint"] == wanted.endpoint
    await drive.press("escape")
    await drive.pair()
    await drive.press("f7", "escape")
    assert drive.box.payload().data == wanted.payload()
    await drive.press("enter")
    await drive.until(lambda: drive.carried(2, Function.SEND) + drive.carried(3, Function.SEND) == wanted.payload() * 2)
