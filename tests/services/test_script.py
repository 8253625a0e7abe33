"""The scripted server over TCP: what it says, how it ends, and a file that is saved while it runs."""

import asyncio
import socket as sockets
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from socktui.services import service
from socktui.services.script import Book
from tests.services.visitor import Visitor, served
from tests.support import SECONDS, all_sockets, listening, peer, read_all, read_exactly, until

TALK = r"""
    frame = "line"
    [connect]
    answer = 'hello\n'
    [[rule]]
    text = "PING"
    answer = 'PONG\n'
    [[rule]]
    text = "SLOW"
    answer = ['wait\n', { wait = 0.05 }, { hex = "64 6f 6e 65" }, { file = "end" }]
    [[rule]]
    text = "QUIT"
    answer = ['bye\n', { close = true }]
    [[rule]]
    text = "CRASH"
    answer = { reset = true }
    [default]
    answer = 'what?\n'
"""

Save = Callable[[str], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save the file of rules as an editor does, by another file in its place."""
    (tmp_path / "end").write_bytes(b"\n")

    def write(text: str) -> Path:
        new = tmp_path / "new"
        new.write_text(textwrap.dedent(text))
        return new.replace(tmp_path / "rules.toml")

    return write


async def test_a_talk(engine: Engine, save: Save) -> None:
    port = await listening(engine, service=f"script={save(TALK)}")
    with peer(port) as sock:
        assert read_exactly(sock, 6) == b"hello\n"
        sock.sendall(b"PI")
        sock.sendall(b"NG\r\nSLOW\nfoo\nQUIT\nPING\n")
        assert read_all(sock) == b"PONG\nwait\ndone\nwhat?\nbye\n"


async def test_it_ends_by_a_rst(engine: Engine, save: Save) -> None:
    port = await listening(engine, service=f"script={save(TALK)}")
    with peer(port) as sock:
        assert read_exactly(sock, 6) == b"hello\n"
        sock.sendall(b"CRASH\n")
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    await until(lambda: all_sockets(engine.capture)[1].ended)
    assert all_sockets(engine.capture)[1].end is End.RESET


async def test_the_last_line_needs_no_end(engine: Engine, save: Save) -> None:
    port = await listening(engine, service=f"script={save(TALK)}")
    with peer(port) as sock:
        sock.sendall(b"PING")
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b"hello\nPONG\n"


async def test_a_saved_file_counts_from_the_next_bytes_on(engine: Engine, save: Save) -> None:
    path = save(TALK)
    port = await listening(engine, service=f"script={path}")
    with peer(port) as sock:
        assert read_exactly(sock, 6) == b"hello\n"
        save(TALK.replace("PONG", "POINT"))
        sock.sendall(b"PING\n")
        assert read_exactly(sock, 6) == b"POINT\n"
        save("this is wrong")
        sock.sendall(b"PING\n")
        assert read_exactly(sock, 6) == b"POINT\n"
        path.unlink()
        sock.sendall(b"PING\n")
        assert read_exactly(sock, 6) == b"POINT\n"
        save(TALK)
        sock.sendall(b"PING\n")
        assert read_exactly(sock, 5) == b"PONG\n"


def test_what_has_become_wrong_is_said_once(save: Save, caplog: pytest.LogCaptureFixture) -> None:
    path = save(TALK)
    book = Book(path)
    before = book.rules()
    save("[[rule]]\nfoo = 1")
    for _ in range(3):
        assert book.rules() is before
    stays = "; the rules stay as they were"
    assert caplog.messages == [f"script={path}: rule 1: 'foo' is no key here: one of text, hex, regex, answer{stays}"]
    caplog.clear()
    path.unlink()
    assert [book.rules() is before, book.rules() is before] == [True, True]
    assert caplog.messages == [f"script={path}: {path} cannot be read: No such file or directory{stays}"]
    caplog.clear()
    save(TALK)
    assert book.rules() == before
    assert book.rules() is not before
    assert caplog.messages == []


async def test_a_wrong_file_is_one_sentence_when_it_is_asked_for(engine: Engine, save: Save) -> None:
    path = save("[[rule]]\nregex = '('")
    with pytest.raises(VerbError) as error:
        await engine.listen(Endpoint.parse(":0"), f"script={path}")
    assert "rule 1: 'regex' is wrong: missing )" in error.value.text


async def test_an_expression_that_takes_for_ever_holds_up_nobody(engine: Engine, save: Save) -> None:
    path = save(r"""
        frame = "line"
        [[rule]]
        regex = '^(a+)+$'
        answer = 'all a\n'
        [default]
        answer = 'no\n'
    """)
    port = await listening(engine, service=f"script={path}")
    echo = await listening(engine)
    with peer(port) as sock, peer(echo) as other:
        sock.sendall(b"aaa\n" + b"a" * 5000 + b"!\n" + b"aaa\n")
        other.sendall(b"still there?")
        assert read_exactly(other, 12) == b"still there?"
        assert read_exactly(sock, 12) == b"all a\nno\nno\n"


async def test_many_lines_without_an_answer_hold_up_nobody(save: Save) -> None:
    """Others have their turn before all of what one recv() brought was looked at."""
    path = save("frame = 'line'\n" + "[[rule]]\nregex = 'x'\nanswer = 'x'\n" * 10)
    connection = Visitor(b"\n" * 20_000 + b"x\n", messages=False)
    connection.over()
    done = asyncio.ensure_future(service(f"script={path}")[1](connection.connection))
    await until(lambda: connection.said_all)
    await asyncio.sleep(0)
    assert not done.done()
    await asyncio.wait_for(done, SECONDS)
    await connection.finish()
    assert connection.sent == [b"x"]


async def test_messages_are_answered_one_by_one(save: Save) -> None:
    path = save(TALK)
    sent = (await served(f"script={path}", b"PING", b"", b"PI", b"NG\nPING", b"QUIT", b"PING")).sent
    assert sent == [b"hello\n", b"PONG\n", b"what?\n", b"what?\n", b"PONG\n", b"bye\n"]


def test_a_file_that_is_left_alone_is_not_read_again(save: Save) -> None:
    book = Book(save(TALK))
    assert book.rules() is book.rules()
