"""The three standard files: what is said on them, and what they may be."""

import errno
import os
import threading
from pathlib import Path

import pytest

from socktui.headless import stdio
from tests.headless.test_session_client import server
from tests.running import PROGRAM, Run
from tests.support import SECONDS, read_all

HELLO = b"Hello, World!"


def test_a_full_standard_output_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--headless", stdout=os.open("/dev/full", os.O_WRONLY)) as run:
        assert run.status() == 1
    assert run.err[1] == "standard output: No space left on device (ENOSPC)"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_standard_files_that_were_closed_at_the_start(tmp_path: Path, closed: str) -> None:
    """Their numbers must not go to sockets of ours."""
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", program=shell) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(SECONDS)
            assert read_all(accepted) == b""
            accepted.sendall(HELLO)
        assert run.status() == 0
    assert not any("Traceback" in line for line in run.err)
    assert ("#1 recv(" in run.out.decode()) is (">&-" not in closed)
    assert bool(run.err) is ("2>&-" not in closed)


def test_what_is_said_is_one_safe_line(capfd: pytest.CaptureFixture[str]) -> None:
    stdio.say("\x1b[2Jred\nline")
    assert capfd.readouterr().err == "␛[2Jred␊line\n"


def test_what_is_loud_is_red_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stdio.say("loud", loud=True)
    monkeypatch.setattr(os, "isatty", lambda fd: True)
    stdio.say("loud", loud=True)
    monkeypatch.setenv("NO_COLOR", "1")
    stdio.say("loud", loud=True)
    assert capfd.readouterr().err == "loud\n\x1b[31mloud\x1b[0m\nloud\n"


def test_all_is_written_where_somebody_made_it_non_blocking() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    data = os.urandom(1 << 20)
    heard = bytearray()

    def read() -> None:
        while piece := os.read(ours, 1 << 16):
            heard.extend(piece)

    reading = threading.Thread(target=read)
    reading.start()
    stdio.write(theirs, data)
    os.close(theirs)
    reading.join()
    os.close(ours)
    assert heard == data


def test_what_cannot_be_written_names_the_file() -> None:
    with pytest.raises(OSError, match="standard error") as caught:
        stdio.write(9999, b"x")
    assert stdio.why(caught.value) == "standard error: Bad file descriptor (EBADF)"
    assert stdio.why(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device (ENOSPC)"
