"""A disk that is too full for more bytes: said loudly, and no byte of the traffic is held up."""

import shutil
from pathlib import Path

from tests.e2e.program import Program, headless
from tests.e2e.test_signals import red
from tests.support import all_calls, peer, read_exactly

MORE_MIB = 1 << 20


def test_a_disk_that_is_full_stops_the_capture_and_not_the_traffic(home: Path) -> None:
    floor = (shutil.disk_usage(home).free >> 20) + MORE_MIB
    with Program(home, "echo", ":0", "--keep-free", floor, cols=120) as program:
        with peer(program.listens()) as python:
            for length in (10, 100_000, 3):
                python.sendall(b"x" * length)
                assert read_exactly(python, length) == b"x" * length
            program.wait_for("capture incomplete: ")
            program.wait_for(f"{2 * 100_013} bytes")
            program.wait_for("traffic goes on")
            found = program.find("capture incomplete")
            assert found
            assert red(program, *found)
            program.wait_for("not kept")  # in the log, in place of the bytes
        program.wait_for("0 open of 1")
        assert program.quit() == 1
        assert program.restored
        whole, missing = program.said
        assert whole == f"capture: {program.capture} ({len(all_calls(program.capture))} calls)"
        assert missing.startswith("capture incomplete: 200026 bytes, 0 calls not kept")
    printed = headless(home, "open", program.capture, "--headless")
    assert "(not kept)" in printed.stdout
    assert "incomplete" in printed.stderr
