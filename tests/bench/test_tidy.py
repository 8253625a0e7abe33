"""Nothing is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.servers import descendants, ended
from tests.bench.tidy import MEMORY_FOLDER
from tests.support import wait_until

HEARING = ["env", "--default-signal"]
"""Even where the tests themselves are run with signals that are ignored."""

HOLDER = """
import subprocess, sys
from tests.bench.tidy import in_memory, tidy
orphan = "import subprocess; subprocess.Popen(['sleep', '100'])"
with tidy() as folder:
    in_memory(folder).mkdir()
    (folder / "file").write_text("")
    subprocess.Popen(["sleep", "100"])
    subprocess.run([sys.executable, "-c", orphan], check=True)
    print(folder.name, flush=True)
    sys.stdin.read()
"""
"""Holds a child, and one that has lost its parent, until its input ends."""


@contextmanager
def run(argv: list[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run whose temporary files go to `folder`; killed where it does not end."""
    pipe, env = subprocess.PIPE, os.environ | {"TMPDIR": str(folder)}
    argv = [*HEARING, sys.executable, *argv]
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_run_that_is_to_survive_its_terminal_does(tmp_path: Path) -> None:
    with run(["-c", "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + HOLDER], tmp_path) as holder:
        assert holder.stdout
        holder.stdout.readline()
        holder.send_signal(signal.SIGHUP)
        holder.communicate()
        assert holder.returncode == 0


def gone(pids: list[int], folder: Path) -> bool:
    return all(map(ended, pids)) and not list(folder.iterdir())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, None])
def test_however_a_run_ends_its_processes_and_files_are_gone(tmp_path: Path, how: signal.Signals | None) -> None:
    with run(["-c", HOLDER], tmp_path) as holder:
        assert holder.stdout
        name = holder.stdout.readline().strip()
        assert (MEMORY_FOLDER / name).exists()
        pids = descendants(holder.pid)
        assert len(pids) == 2  # the orphan too
        if how:
            holder.send_signal(how)
        holder.communicate()
        assert gone(pids, tmp_path)
        assert not (MEMORY_FOLDER / name).exists()


BENCH = ["-m", "tests.bench", "--quick", "--only", "connections held"]


@pytest.mark.parametrize(
    ("signals", "status"),
    [
        ([signal.SIGINT], {130}),
        ([signal.SIGTERM], {143}),
        ([signal.SIGINT] * 5, {130}),
        ([signal.SIGTERM, signal.SIGINT], {143, 130}),
    ],
)
@pytest.mark.parametrize("children", [1, 3])
def test_an_interrupted_run_says_so_in_one_line(
    tmp_path: Path, signals: list[signal.Signals], status: set[int], children: int
) -> None:
    with run(BENCH, tmp_path) as bench:
        pids = wait_until(lambda: len(found := descendants(bench.pid)) >= children and found)
        assert pids
        for number in signals:
            bench.send_signal(number)
        _, said = bench.communicate()
        assert said == "interrupted: what was started has been ended, nothing is left behind\n"
        assert bench.returncode in status
        assert gone(pids, tmp_path)


def test_a_run_that_nobody_reads_ends_without_a_word(tmp_path: Path) -> None:
    with run(["-m", "tests.bench", "--quick", "--only", "connections held"], tmp_path) as bench:
        assert bench.stdout
        assert bench.stderr
        bench.stdout.close()
        assert bench.stderr.read() == ""
        assert bench.wait() == 128 + signal.SIGPIPE
        assert not list(tmp_path.iterdir())


def test_an_output_that_takes_nothing_is_said_in_one_line(tmp_path: Path) -> None:
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, *BENCH], stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert (done.returncode, done.stderr) == (1, "standard output takes nothing: No space left on device\n")
    assert not list(tmp_path.iterdir())


def test_a_word_that_no_section_has(tmp_path: Path) -> None:
    with run(["-m", "tests.bench", "--only", "zebra"], tmp_path) as bench:
        _, said = bench.communicate()
    assert bench.returncode == 2
    assert said.startswith("no section has 'zebra' in its title; the sections are: Beside other echo servers; ")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())
