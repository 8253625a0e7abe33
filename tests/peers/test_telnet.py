"""telnet, typed into on a terminal of its own, as the lecture does: `telnet localhost 5005`."""

import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from socktui.control.client import Engine
from socktui.core.sockets import End, State
from tests.peers.programs import all_over, path_of, seen
from tests.support import listening, until
from tests.terminal import Terminal

pytestmark = pytest.mark.peer

ESCAPE = "\x1d"  # Ctrl-], telnet's own prompt
IAC, AYT, NOP = 0xFF, 0xF6, 0xF1  # RFC 854


@contextmanager
def telnet(port: int, host: str = "localhost") -> Iterator[Terminal]:
    with Terminal([path_of("telnet"), host, str(port)]) as terminal:
        terminal.wait_for("Escape character")
        listens(terminal)
        yield terminal


def listens(terminal: Terminal) -> None:
    """Wait until it is in its mode of line by line: only then does the terminal hand over Ctrl-] at once."""
    terminal.wait(lambda t: t.modes[6][termios.VEOL] == ESCAPE.encode(), what="telnet's mode of line by line")


def command(terminal: Terminal, text: str) -> None:
    """Something at telnet's own prompt."""
    listens(terminal)
    prompts = terminal.text.count("telnet>")
    terminal.send(ESCAPE)
    terminal.wait(lambda t: t.text.count("telnet>") > prompts, what="telnet's prompt")
    terminal.send(text + "\r")


async def test_lines_come_back(engine: Engine) -> None:
    port = await listening(engine)
    with telnet(port) as terminal:
        terminal.send("Hello, World!\r")
        await until(lambda: [ours.sent for ours in seen(engine.capture)] == [b"Hello, World!\r\n"])
        # Once as typed, once as it came back.
        terminal.wait(lambda t: sum(line.startswith("Hello, World!") for line in t.lines) == 2)
        terminal.send("again\r")
        terminal.wait(lambda t: sum(line.startswith("again") for line in t.lines) == 2)
        command(terminal, "quit")
        terminal.exit_status()
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == b"Hello, World!\r\nagain\r\n"  # line by line, each with CR LF
    assert ours.lengths == (15, 7, 0)
    assert (ours.socket.state, ours.socket.end) == (State.CLOSED, End.PEER_FIN)


async def test_telnets_own_commands_are_in_the_capture(engine: Engine) -> None:
    """What telnet hides from its user, IAC and a command (RFC 854), is shown as it was sent."""
    port = await listening(engine)
    with telnet(port, "127.0.0.1") as terminal:
        command(terminal, "send ayt")
        await until(lambda: [ours.sent for ours in seen(engine.capture)] == [bytes([IAC, AYT])])
        command(terminal, "send nop")
        await until(lambda: [ours.sent for ours in seen(engine.capture)] == [bytes([IAC, AYT, IAC, NOP])])
        listens(terminal)
        terminal.send("plain\r")
        terminal.wait(lambda t: sum(line.startswith("plain") for line in t.lines) == 2)
        command(terminal, "quit")
        terminal.exit_status()
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == bytes([IAC, AYT, IAC, NOP]) + b"plain\r\n"


async def test_the_end_of_our_side_is_seen_by_telnet(engine: Engine) -> None:
    port = await listening(engine)
    with telnet(port) as terminal:
        [ours] = await until(lambda: seen(engine.capture))
        await engine.send([ours.socket.number], b"goodbye\r\n")
        terminal.wait_for("goodbye")
        await engine.call("close", socket=ours.socket.number)
        terminal.wait_for("Connection closed by foreign host.")
        terminal.exit_status()
    [ours] = await all_over(engine.capture)
    assert (ours.sent, ours.received) == (b"goodbye\r\n", b"")
    assert ours.socket.end is End.CLOSED
