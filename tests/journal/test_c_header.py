"""The header that C has the format from."""

import shutil
import subprocess
from pathlib import Path

import pytest

from socktui.journal import c_header

JOURNAL = Path(c_header.__file__).parent


def test_the_header_is_fresh() -> None:
    assert (JOURNAL / "_format.h").read_text() == c_header.header(), "write it anew: make header"


def test_nothing_in_it_is_said_anywhere_else_in_c() -> None:
    """A number of the format in another header would be a second definition."""
    text = (JOURNAL / "_append.h").read_text()
    assert '#include "_format.h"' in text
    assert "struct record {" not in text
    assert "struct slot {" not in text
    assert "enum {" not in text


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no compiler")
@pytest.mark.parametrize("name", ["_format.h", "_append.h"])
def test_a_compiler_agrees_with_every_offset(name: str) -> None:
    command = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-include", str(JOURNAL / name)]
    done = subprocess.run([*command, "-x", "c", "/dev/null"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
