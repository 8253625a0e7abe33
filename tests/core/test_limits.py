"""Defaults and bounds: a default is within its bounds, and they cost nothing to know."""

import subprocess
import sys

from socktui.core import limits


def test_a_default_is_within_its_bounds() -> None:
    assert 1 <= limits.BUFFER_SIZE <= limits.BUFFER_MAX
    assert 1 <= limits.BACKLOG <= limits.BACKLOG_MAX
    assert 0 < limits.CONNECT_SECONDS <= limits.CONNECT_SECONDS_MAX
    assert limits.DISK_FLOOR == limits.DISK_FLOOR_MIB * 1024 * 1024


def test_they_bring_no_module() -> None:
    program = (
        "import sys, socktui; before = set(sys.modules); import socktui.core.limits; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["socktui.core", "socktui.core.limits"]
