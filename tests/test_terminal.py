"""The terminal that end-to-end tests rely on."""

import sys

from tests.terminal import Terminal


def test_a_program_has_a_screen_a_keyboard_and_a_size() -> None:
    with Terminal(["sh", "-c", "stty size; read line; echo got $line; exit 3"], rows=10, cols=40) as terminal:
        terminal.wait_for("10 40")
        terminal.send("Hello")
        terminal.press("enter")
        terminal.wait_for("got Hello")
        assert terminal.exit_status() == 3


def test_ctrl_c_is_a_signal() -> None:
    with Terminal(["sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; sleep 60 & wait"]) as terminal:
        terminal.wait_for("ready")
        terminal.press("ctrl+c")
        terminal.wait_for("caught")
        assert terminal.exit_status() == 5


def test_a_resize_is_told() -> None:
    program = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size()))\n"
        "print('ready')\n"
        "while True: time.sleep(1)"
    )
    with Terminal([sys.executable, "-c", program]) as terminal:
        terminal.wait_for("ready")
        terminal.resize(30, 100)
        terminal.wait_for("columns=100, lines=30")


def test_sequences_that_draw_nothing_leave_no_trace_however_they_are_split() -> None:
    hidden = ["\x1b[>25u", "\x1b[<u", "\x1b[=1;1u", "\x1b[?2026$p", "\x1bP+q544e\x1b\\", "\x1b_Gi=1\x1b\\"]
    text = "é".join([*hidden, "\x1b]0;title\x07", "ж."])
    program = f"import sys\nfor sign in {text!r}: sys.stdout.write(sign); sys.stdout.flush()"
    with Terminal([sys.executable, "-c", program]) as terminal:
        terminal.wait_for("ж.")
        assert terminal.lines[0].strip() == "é" * 7 + "ж."
