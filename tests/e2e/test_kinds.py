"""Other kinds of sockets than TCP in a real terminal, with programs that nobody here wrote."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.peers.programs import path_of
from tests.support import SECONDS

SIZES = [(24, 80), (60, 200)]


def socat(address: str, data: bytes) -> bytes:
    """What is answered to the data at an address."""
    argv = [path_of("socat"), "-t", "1", "-", address]
    return subprocess.run(argv, input=data, capture_output=True, timeout=SECONDS, check=True).stdout


def port(text: str) -> int:
    """That of the server of datagrams on the screen; 0 before it is there, and before the kernel's is known."""
    found = re.search(r"UNCONN[ 0-9-]* 127\.0\.0\.1:(\d+) ", text)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(("rows", "cols"), SIZES)
def test_datagrams_are_rows_and_are_answered(home: Path, rows: int, cols: int) -> None:
    with Program(home, "listen", "udp://127.0.0.1:0", rows=rows, cols=cols) as program:
        program.wait(lambda t: port(t.text) > 0)
        assert socat(f"UDP:127.0.0.1:{port(program.text)}", b"from socat") == b"from socat"
        program.wait_for("← received 10 · datagram")
        program.wait_for("→ sent 10 · datagram")
        program.wait_for("1 open of 1")
        assert program.quit() == 0


@pytest.mark.parametrize(("rows", "cols"), SIZES)
def test_a_unix_sockets_peer_is_known_by_its_process(home: Path, rows: int, cols: int) -> None:
    place = home / "s"
    with Program(home, "listen", f"unix://{place}", rows=rows, cols=cols) as program:
        program.wait_for("LISTEN")
        assert socat(f"UNIX-CONNECT:{place}", b"from socat") == b"from socat"
        program.wait_for("← received 10")
        program.press("2", "m")
        program.wait(lambda t: "socat" in t.text)
        assert program.quit() == 0
    assert not place.exists()
