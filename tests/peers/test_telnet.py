"""telnet, typed into on a terminal of its own, as the lecture does: `telnet localhost 5005`."""

import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close
from socktui.core.sockets import End, State
from socktui.core.telnet import describe
from tests.peers.programs import all_over, path_of, seen
from tests.support import all_sockets, carried, listening, until
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
        await engine.request(Close(ours.socket.number))
        terminal.wait_for("Connection closed by foreign host.")
        terminal.exit_status()
    [ours] = await all_over(engine.capture)
    assert (ours.sent, ours.received) == (b"goodbye\r\n", b"")
    assert ours.socket.end is End.CLOSED


@contextmanager
def negotiating_telnet(port: int) -> Iterator[Terminal]:
    """telnet that asks for options at once, as it does of itself only on port 23: that is what the minus is for."""
    with Terminal([path_of("telnet")]) as terminal:
        terminal.wait_for("telnet>")
        terminal.send(f"open 127.0.0.1 -{port}\r")
        terminal.wait_for("Escape character")
        yield terminal


async def test_what_telnet_asks_for_is_answered_and_no_data(engine: Engine) -> None:
    port = await listening(engine, "telnet://127.0.0.1:0")
    with negotiating_telnet(port) as terminal:
        await until(lambda: "IAC WILL SUPPRESS-GO-AHEAD" in describe(carried(engine.capture, 2, "send")))
        # GO-AHEAD is suppressed: telnet sends each key by itself, and leaves it to the terminal to show it.
        terminal.wait(lambda t: not t.modes[3] & termios.ICANON, what="telnet's mode of key by key")
        terminal.send("Hi\r")
        await until(lambda: carried(engine.capture, 2, "telnet_send") == b"Hi\r")
        terminal.send(ESCAPE)
        terminal.wait(lambda t: t.text.count("telnet>") == 2, what="telnet's prompt")
        terminal.send("send ayt\r")
        terminal.wait_for("[yes]")
        terminal.send(ESCAPE)
        terminal.wait(lambda t: t.text.count("telnet>") == 3, what="telnet's prompt")
        terminal.send("quit\r")
        terminal.exit_status()
    await until(lambda: not all_sockets(engine.capture)[1].open)
    assert carried(engine.capture, 2, "telnet_recv") == b"Hi\r"
    heard = describe(carried(engine.capture, 2, "recv"))
    said = describe(carried(engine.capture, 2, "send"))
    asked = {line for line in heard if line.startswith(("IAC DO ", "IAC WILL "))}
    answers = {line.replace("DO ", "WONT ").replace("WILL ", "DONT ") for line in asked}
    answers ^= {"IAC WONT SUPPRESS-GO-AHEAD", "IAC WILL SUPPRESS-GO-AHEAD"}
    assert len(asked) > 4
    assert [line for line in said if line.startswith("IAC ")] == [line for line in said if line in answers]
    assert answers <= set(said)


async def test_a_telnet_that_asks_for_nothing_is_told_nothing(engine: Engine) -> None:
    port = await listening(engine, "telnet://127.0.0.1:0")
    with telnet(port) as terminal:
        terminal.send("Hello, World!\r")
        terminal.wait(lambda t: sum(line.startswith("Hello, World!") for line in t.lines) == 2)
        command(terminal, "quit")
        terminal.exit_status()
    await until(lambda: not all_sockets(engine.capture)[1].open)
    assert carried(engine.capture, 2, "telnet_recv") == carried(engine.capture, 2, "recv") == b"Hello, World!\r\n"
    assert carried(engine.capture, 2, "telnet_send") == carried(engine.capture, 2, "send") == b"Hello, World!\r\n"
