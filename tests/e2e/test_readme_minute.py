"""The first minute of the README, as a newcomer plays it."""

import re
from pathlib import Path

from tests.e2e.program import Program
from tests.peers.programs import path_of
from tests.terminal import Terminal
from tests.test_readme import README

PLAYED = (
    "e", "c", "Hello, World!", "enter", "escape", "v", "a", "?",
    "telnet localhost 5005", "nc 127.0.0.1 5005", "curl telnet://127.0.0.1:5005",
)  # fmt: skip
"""What is to be typed, and in this order. Of `v`, `a` and `?` each is said to show something."""


def test_the_first_minute(home: Path) -> None:
    section = README.read_text(encoding="utf-8").partition("## The first minute")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"`([^`]+)`", section)) == PLAYED

    with Program(home, rows=40, cols=120) as program:
        program.wait_for("Two keys to begin with")
        program.press("e")
        program.wait_for("listening on tcp://127.0.0.1:50")  # 5005 or the next free one
        port = program.listens()
        program.press("c")
        program.wait_for("type a message, enter sends it")
        program.wait_for("2 open of 2")
        program.message("Hello, World!")
        program.wait(lambda t: t.text.count("→ sent 13") == t.text.count("← received 13") == 2)
        program.wait(lambda t: len(re.findall(r"(?:send\(\d+, 13 bytes\)|recv\(\d+, 65536\)) = 13", t.text)) == 4)

        program.press("escape", "v", "v")
        program.wait_for(" text · utf-8")
        program.wait_gone("48 65 6c")
        program.press("a")
        program.wait(lambda t: t.text.count("→ sent 13") == t.text.count("← received 13") == 1)
        program.press("a")
        program.wait(lambda t: t.text.count("→ sent 13") == 2)
        program.press("?")
        program.wait_for("Start an echo server.")
        program.press("escape")
        program.wait_gone("Start an echo server.")

        for argv in (
            ["telnet", "localhost", str(port)],
            ["ncat", "127.0.0.1", str(port)],
            ["curl", f"telnet://127.0.0.1:{port}"],
        ):
            said = f"by {argv[0]}"
            with Terminal([path_of(argv[0]), *argv[1:]], env={"HOME": str(home)}) as other:
                program.wait_for("3 open of")
                other.send(f"{said}\r")
                other.wait(lambda t, said=said: t.text.count(said) == 2)  # type: ignore[misc]
                program.wait(lambda t, said=said: t.text.count(said) == 2)  # type: ignore[misc]
            program.wait_for("2 open of")
        program.wait_for("2 open of 5")
        assert program.quit() == 0
