"""What a peer sends is shown and never obeyed: the bytes that reach the terminal are looked at themselves."""

import re
import socket as sockets
import unicodedata
from pathlib import Path

import pytest

from socktui.core.payload import ENCODINGS
from tests.e2e.program import Program
from tests.support import peer, read_exactly

# Control sequences have a zero that no program writes, so that they can be told from our own.
CORPUS: dict[str, bytes] = {
    "title": b"\x1b]0;pwned\x07 \x1b]2;pwned\x1b\\",
    "clipboard": b"\x1b]52;c;cHduZWQ=\x07",
    "link": b"\x1b]8;;http://pwned/\x1b\\link\x1b]8;;\x1b\\",
    "screen": b"\x1b[02J\x1b[03J\x1bc\x1b[?01049l\x1b[?025h\x1b[?01000l\x1b[020;020Hpwned\x1b[010L\x1b[05;010r",
    "colours": b"\x1b[05;035mblink\x1b[00m",
    "asks": b"\x1b[0c\x1b[06n\x1b[?06n\x1b[>0q\x1b[021t\x05",
    "strings": b"\x1bP$q\"p\x1b\\ \x1bP0;1|pwned\x1b\\ \x1b_Gpwned\x1b\\ \x1b^pwned\x1b\\ \x1bXpwned\x1b\\",
    "charset": b"\x0e\x0f\x1b(0\x1b)B\x1b%@\x1b#8",
    "eight-bit": b"\x9b31m\x9d0;pwned\x9c\x90pwned\x9c\x9fpwned\x9c \x84\x85\x8d",
    "eight-bit in utf-8": "\x9b31m\x9d0;pwned\x9c\x90pwned\x9c".encode(),
    "bell, nul and others": b"\x07\x00\x08\x08\x08\t\x0b\x0c\r\n\r\x7f\x18\x1a",
    "bidi": "\u202epwned\u202c \u2066x\u2069 \u200fy\u061c".encode(),
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u034fh\u180ei\U000e0041\u2028\u2029".encode(),
    "zalgo": ("Z" + "\u0351\u036b\u0343\u036a" * 8 + "a" + "\u0334\u0321" * 8).encode(),
    "emoji": "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇷🇺 ☺️ ✌🏿 1️⃣ 🏴\U000e0067\U000e007f".encode(),
    "wide": "漢字かなカナ한글 한 全角 ｶﾞ ䷀ Ⅷ ﷽ กำ".encode(),
    "private and unassigned": "\ue000\U000f0000\uffff\U0010ffff\u0378".encode(),
    "no utf-8": b"\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80\x80\xff\xfe\xf4\x90\x80\x80\xe2\x82",
    "markup": b"GET /[/foo] [@click=app.quit]x[/] [@click=app.bell()]y[/] [bold]b[/bold] [link=x]l[/link] [/] [[ \\[",
    "long line": b"pwned" * 2000,
}  # fmt: skip

ALLOWED = re.compile(
    "\x1b\\[[0-9;]*[mHJK]"  # colours, and where to write
    "|\x1b\\[\\?[0-9]+[hl]|\x1b\\[[<>][0-9]*u|\x1b\\[\\?[0-9]+\\$p"  # modes, and questions about them
    "|\x1b]22;[a-z]*\x07"  # the shape of the pointer
)
"""All that the program itself tells a terminal to do."""

LEFT_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"})
"""Kinds of characters that a terminal does not just draw, each in cells of its own."""


@pytest.mark.parametrize(("rows", "cols"), [(24, 80), (40, 120)])
def test_nothing_that_a_peer_sends_is_obeyed(home: Path, rows: int, cols: int) -> None:
    with Program(home, "echo", ":0", rows=rows, cols=cols) as program:
        with peer(program.listens()) as python:
            exchange(python, b"first")
            program.wait_for("← received 5")
            program.settle()
            frame = program.frame()
            for number, (name, data) in enumerate(CORPUS.items()):
                exchange(python, data)
                exchange(python, b"<%02d>" % number)
                program.wait_for(f"<{number:02}>")
                program.settle(0.05)
                assert program.frame() == frame, f"{name}\n{program.text}"
            program.press("3")
            for view in ("hex", "text"):
                program.press("v")
                program.wait_for(f" {view} · utf-8")
                look_around(program, frame)
            for encoding in ENCODINGS[1:]:
                program.press("E")
                program.wait_for(f" text · {encoding}")
                look_around(program, frame)
            program.press("t", "m")
            program.wait_gone("Connections")
            program.press("m")
            program.wait_for("Connections")
            program.settle(0.05)
            assert program.frame() == frame
        assert program.quit() == 0
        the_terminal_was_told_nothing_else(program)


def exchange(python: sockets.socket, data: bytes) -> None:
    python.sendall(data)
    assert read_exactly(python, len(data)) == data


def look_around(program: Program, frame: dict[tuple[int, int], str]) -> None:
    """At the top and at the end; the cells of the frame are where they were."""
    for key in ("g", "G"):
        program.press(key)
        program.settle(0.05)
        assert program.frame() == frame, program.text


def the_terminal_was_told_nothing_else(program: Program) -> None:
    text = bytes(program.output).decode()  # strictly: no stray byte, no lone C1
    drawn = ALLOWED.sub("", text)
    strange = {char for char in drawn if char not in "\r\n" and unicodedata.category(char) in LEFT_OUT}
    assert not strange, {f"U+{ord(char):04X}" for char in strange}
    for sequence in re.findall(rb"\x1b\[[0-?]*[@-~]", b"".join(CORPUS.values())):
        assert sequence not in program.output, sequence
    assert "pwned" not in program.screen.title + program.screen.icon_name


def test_the_name_of_a_capture_is_not_obeyed(home: Path) -> None:
    """A path is the user's own, but it may come from an archive or another program."""
    name, shown = "x\x1b]0;pwned\x07[bold]\u202e\n", r"x␛]0;pwned␇[bold]\u202e␊"
    with Program(home, "echo", ":0", "--capture", home / name) as program:
        program.listens()
        assert program.quit() == 0
        assert "".join(program.said).startswith(f"capture: {home}/{shown} (")
    with Program(home, "open", home / name) as opened:
        opened.wait_for("listen")
        assert opened.quit() == 0
    with Program(home, "echo", ":0", "--capture", home / name / "calls" / name) as refused:
        assert refused.exit_status() == 1
        assert shown in "".join(refused.said)
    for each in (program, opened, refused):
        the_terminal_was_told_nothing_else(each)


def test_a_click_on_markup_of_a_peer_does_nothing(home: Path) -> None:
    with Program(home, "echo", ":0", rows=40, cols=120) as program, peer(program.listens()) as python:
        python.sendall(b"[@click=app.exit]here[/]")
        program.press("v", "v")
        program.wait_for("[@click=app.exit]here[/]")
        row, line = next((row, line) for row, line in enumerate(program.lines) if "here[/]" in line)
        program.click(row, line.index("here"))
        python.sendall(b"still there")
        program.wait_for("still there")
        program.press("?")  # and keys are answered
        program.wait_for("Help")
        assert "Help" in program.text
