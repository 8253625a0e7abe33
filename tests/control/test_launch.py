"""Starting the engine's process, and what it said last."""

import os
import stat
from pathlib import Path

import pytest

from socktui.control.launch import Launch
from socktui.control.log_level import LOG_VARIABLE
from tests.support import SECONDS, running_engine

RECORD = "2025-01-31 12:00:00.123 engine[7] WARNING socktui.services.script: the file is wrong\n"
CRASH = "Traceback (most recent call last):\n  File ...\nMemoryError: no more\n"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOG_VARIABLE, raising=False)


def ended(launch: Launch) -> Launch:
    """The same, once it has ended: whoever starts it has gone."""
    launch.control.close()
    launch.wait(SECONDS)
    return launch


def log_of(capture: Path) -> Path:
    return capture.with_name(capture.name + ".log")


def environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(pair.decode(errors="replace").split("=", 1) for pair in pairs if b"=" in pair)


async def test_the_log_is_for_its_owner_and_goes_where_it_says_nothing(capture: Path) -> None:
    async with running_engine(capture):
        assert stat.S_IMODE(log_of(capture).stat().st_mode) == 0o600
    assert not log_of(capture).exists()


def test_somebody_elses_file_is_left_alone(capture: Path) -> None:
    log_of(capture).write_text("mine")
    launch = Launch(capture)
    assert launch.log is None
    assert ended(launch).last_words() == ""
    assert log_of(capture).read_text() == "mine"


def test_a_link_is_not_followed(capture: Path, tmp_path: Path) -> None:
    log_of(capture).symlink_to(tmp_path / "elsewhere")
    ended(Launch(capture))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", ""),
        (RECORD, ""),
        (RECORD * 3, ""),
        (RECORD + "\tTraceback (most recent call last):\n\tValueError: of a service\n", ""),
        (CRASH, "MemoryError: no more"),
        (RECORD + CRASH, "MemoryError: no more"),
        (CRASH + RECORD, ""),
        (RECORD * 100 + CRASH, "MemoryError: no more"),
        ("\x1b[2Jno UTF-8: \udcff\n", "\x1b[2Jno UTF-8: \ufffd"),
    ],
)
def test_last_words_are_no_warning_of_before(capture: Path, said: str, words: str) -> None:
    launch = ended(Launch(capture))
    log_of(capture).write_bytes(said.encode(errors="surrogateescape"))
    assert launch.last_words() == words


def test_an_engine_that_cannot_even_begin_says_why(
    capture: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "asyncio.py").write_text("raise RuntimeError('no asyncio today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    launch = Launch(capture)
    launch.wait(SECONDS)
    assert launch.last_words() == "RuntimeError: no asyncio today"
    launch.control.close()


def test_a_log_that_is_given_is_added_to_and_stays(capture: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.log"
    given.write_text(CRASH)
    launch = ended(Launch(capture, log=given))
    assert launch.last_words() == ""  # what stood there before is not its own
    assert given.read_text().startswith(CRASH)
    assert not log_of(capture).exists()


def test_a_log_that_cannot_be_written_to(capture: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Launch(capture, log=tmp_path / "no" / "such")
    assert not capture.exists()


@pytest.mark.parametrize(
    ("asked", "given", "level"),
    [("", False, ""), ("", True, "info"), ("debug", False, "debug"), ("warning", True, "warning")],
)
def test_how_much_is_logged(
    capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, given: bool, level: str
) -> None:
    monkeypatch.setenv(LOG_VARIABLE, asked)
    launch = Launch(capture, log=tmp_path / "given.log" if given else None)
    assert launch.log_level == environment(launch.pid)[LOG_VARIABLE] == level
    ended(launch)


def test_another_one_with_the_same_options(capture: Path, tmp_path: Path) -> None:
    launch = Launch(capture, floor=7, log=tmp_path / "given.log")
    other = launch.again(tmp_path / "other.socktui")
    assert (other.capture, other.floor, other.log) == (tmp_path / "other.socktui", 7, launch.log)
    assert other.pid != launch.pid
    ended(launch)
    ended(other)


def test_one_that_does_not_end_is_killed(capture: Path) -> None:
    launch = Launch(capture)
    os.kill(launch.pid, 19)  # SIGSTOP
    launch.control.close()
    launch.wait(0.01)
    assert not Path(f"/proc/{launch.pid}").exists()
