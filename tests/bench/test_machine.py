"""What is told of the machine beside the servers."""

import os
from pathlib import Path

from tests.bench.machine import BLOCK, writing
from tests.bench.plan import MIB
from tests.bench.pressure import Pressure
from tests.bench.tidy import MEMORY_FOLDER
from tests.bench.warm import PIECE, warm
from tests.support import resident_mib, wait_until


def test_a_file_is_written_three_times_and_gone(tmp_path: Path) -> None:
    rows = writing(tmp_path, 2 * BLOCK).splitlines()
    assert len(rows) == 5
    assert not list(tmp_path.iterdir())


def test_what_a_server_writes_down_is_seen_to_grow(tmp_path: Path) -> None:
    with Pressure(tmp_path) as seen:
        (tmp_path / "first").write_bytes(bytes(4 * MIB))
        wait_until(lambda: seen.size >= 4)
        (tmp_path / "second").write_bytes(bytes(4 * MIB))
    assert seen.size >= 8
    assert seen.speed(0.5, 1) > 0


def test_memory_is_held_and_let_go_of() -> None:
    mine = resident_mib(os.getpid(), "RssAnon")
    with warm(MEMORY_FOLDER, 8 * PIECE):
        assert resident_mib(os.getpid(), "RssAnon") > mine + 3 * PIECE / MIB
        wait_until(lambda: resident_mib(os.getpid(), "RssAnon") < mine + 5 * PIECE / MIB)  # it is a little ahead
    assert resident_mib(os.getpid(), "RssAnon") < mine + PIECE / MIB
