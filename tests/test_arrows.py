"""No arrow runs back: what may import what is laid down in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "socktui.core.call",
        "socktui.core.endpoint",
        "socktui.core.sockets",
        "socktui.journal.reader",
        "socktui.journal.writer",
        "socktui.journal.folder",
        "socktui.engine.socket_table",
        "socktui.services",
        "socktui.control.server",
        "socktui.control.client",
        "socktui.host.owners",
    ],
)
def test_it_runs_without_the_screens_libraries(module: str) -> None:
    program = (
        f"import sys, {module}; print([m for m in sys.modules if m.partition('.')[0] in ('textual', 'rich', 'numpy')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_control_client_brings_no_engine() -> None:
    """The screen's process never holds sockets of the workbench."""
    program = "import sys, socktui.control.client; print([m for m in sys.modules if m.startswith('socktui.engine')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
