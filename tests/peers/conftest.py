"""Running other programs, which are surely ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.programs import Program

Run = Callable[..., Program]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """`run("ncat", "127.0.0.1", port)`: a program, started; ended at the latest with the test."""
    programs: list[Program] = []

    def start(*argv: object, feed: bytes | None = None) -> Program:
        """`feed`: what its standard input holds, whole; otherwise it is typed."""
        folder = tmp_path / f"program-{len(programs)}"
        folder.mkdir()
        if feed is None:
            program = Program(folder, *map(str, argv))
        else:
            (folder / "in").write_bytes(feed)
            with (folder / "in").open("rb") as stdin:
                program = Program(folder, *map(str, argv), stdin=stdin)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.close()
