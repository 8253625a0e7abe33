"""A disk that is too full for more bytes: said loudly, and no byte of the traffic is held up."""

import re
import shutil
from pathlib import Path

from tests.e2e.program import Program, headless
from tests.support import all_calls, peer, read_exactly

MORE_MIB = 1 << 20
LENGTHS = (10, 100_000, 3)
TRAFFIC = sum(LENGTHS)
"""What came and what went share their place in the capture."""


def test_a_disk_that_is_full_stops_the_capture_and_not_the_traffic(home: Path) -> None:
    floor = (shutil.disk_usage(home).free >> 20) + MORE_MIB
    with Program(home, "echo", ":0", "--keep-free", floor, cols=120) as program:
        with peer(program.listens()) as python:
            for length in LENGTHS:
                python.sendall(b"x" * length)
                assert read_exactly(python, length) == b"x" * length
            program.wait(lambda t: lost(t.text) >= TRAFFIC, what="the banner")
            program.wait_for("traffic goes on")
            assert program.stands_on_red("capture incomplete")
            program.wait_for("these bytes were not kept")
        program.wait_for("0 open of 1")
        assert program.quit() == 1
        assert program.restored
        whole, missing = program.said
        assert whole == f"capture: {program.capture} ({len(all_calls(program.capture))} calls)"
        assert TRAFFIC <= lost(missing) < TRAFFIC + 1000
        assert missing.endswith(" bytes, 0 calls not kept")
    printed = headless(home, "open", program.capture, "--headless")
    assert "(not kept)" in printed.stdout
    assert "incomplete" in printed.stderr


def lost(text: str) -> int:
    found = re.search(r"capture incomplete: (\d+) bytes", text)
    return int(found[1]) if found else 0
