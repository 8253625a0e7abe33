"""A real telnet server, up to its login and beyond: by the protocol alone, and through the engine."""

import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close
from socktui.core import telnet
from socktui.core.call import Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role
from socktui.core.telnet import BINARY, ECHO, NAWS, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, describe
from tests.peers.conftest import Run
from tests.peers.programs import Program, path_of
from tests.support import all_calls, all_sockets, carried, peer, until

pytestmark = pytest.mark.peer

LOGIN = """#!/bin/sh
printf 'login: '
read -r name
stty -echo
printf 'Password: '
read -r password
stty echo
printf '\\n%s logs in with %s letters on %s, %s\\n' "$name" "${#password}" "$TERM" "$(stty size)"
read -r bye
"""


@pytest.fixture
def telnetd(run: Run, tmp_path: Path) -> Program:
    """A telnet server for one connection, with a login program that lets everybody in.

    It waits to the end: what a program writes last, before it ends, the server may lose.
    """
    login = tmp_path / "login"
    login.write_text(LOGIN)
    login.chmod(0o755)
    command = f"EXEC:{path_of('telnetd')} --no-hostinfo --exec-login={login},nofork"
    return run("socat", "TCP-LISTEN:0,bind=127.0.0.1", command)


class Session:
    """A plain socket to a telnet server, and the protocol."""

    def __init__(self, sock: sockets.socket, end: telnet.Telnet) -> None:
        self._sock = sock
        self.end = end
        self.shown = b""
        self.heard: list[str] = []
        opening = end.begin()
        self.said = describe(opening)
        sock.sendall(opening)

    def read_until(self, text: bytes, piece: int = 4096) -> None:
        """Until `text` is shown, in receives of at most `piece` bytes. Fails at the end of the connection."""
        while text not in self.shown:
            wire = self._sock.recv(piece)
            assert wire, self.shown
            data, answers = self.end.received(wire)
            self.shown += data
            self.heard += describe(wire)
            self.said += describe(answers)
            self._sock.sendall(answers)

    def type(self, data: bytes) -> None:
        self._sock.sendall(self.end.escaped(data))


@pytest.mark.parametrize("piece", [1, 4096])
async def test_a_login(telnetd: Program, piece: int) -> None:
    with peer(await telnetd.port()) as sock:
        session = Session(sock, telnet.client(size=(132, 43)))
        session.read_until(b"login: ", piece)
        assert session.end.theirs(ECHO)
        assert session.end.theirs(SUPPRESS_GO_AHEAD)
        assert [session.end.ours(option) for option in (TERMINAL_TYPE, NAWS, BINARY)] == [True] * 3
        session.type(b"ada\r")
        session.read_until(b"Password: ", piece)
        session.type(b"secret\r")
        session.read_until(b"43 132\r\n", piece)
    assert session.shown == b"login: ada\r\nPassword: \r\nada logs in with 6 letters on dumb, 43 132\r\n"
    assert {"IAC SB TERMINAL-TYPE IS DUMB IAC SE", "IAC SB NAWS 132 43 IAC SE", "IAC DO ECHO"} <= set(session.said)
    if piece > 1:
        asked = {line.replace("IAC DO ", "") for line in session.heard if line.startswith("IAC DO ")}
        refused = {line.replace("IAC WONT ", "") for line in session.said if line.startswith("IAC WONT ")}
        assert asked - refused == {"TERMINAL-TYPE", "NAWS", "BINARY"}
        assert len(session.said) == len(set(session.said))  # nothing is said twice: no loop


async def test_a_login_through_the_engine(engine: Engine, telnetd: Program) -> None:
    number = await engine.connect(Endpoint("telnet", "127.0.0.1", await telnetd.port()))

    def shown() -> bytes:
        return carried(engine.capture, number, "telnet_recv")

    await until(lambda: shown() == b"login: ")
    await engine.send([number], b"ada\r")
    await until(lambda: shown().endswith(b"Password: "))
    await engine.send([number], b"secret\r")
    await until(lambda: shown().endswith(b"24 80\r\n"))
    await engine.request(Close(number))
    assert shown() == b"login: ada\r\nPassword: \r\nada logs in with 6 letters on dumb, 24 80\r\n"
    assert carried(engine.capture, number, "telnet_send") == b"ada\rsecret\r"
    assert "IAC SB TERMINAL-TYPE IS DUMB IAC SE" in describe(carried(engine.capture, number, "send"))
    assert "IAC DO TERMINAL-TYPE" in describe(carried(engine.capture, number, "recv"))
    [ours] = all_sockets(engine.capture)
    assert (ours.role, ours.end) == (Role.CLIENT, End.CLOSED)
    for call in all_calls(engine.capture):
        assert (call.layer is Layer.TELNET) == str(call.name).startswith("telnet_")
