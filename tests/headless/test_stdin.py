"""Standard input, read when it is asked for."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from socktui.headless import stdin
from socktui.headless.stdin import Input


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """What an Input takes for standard input, and the descriptor to type into."""
    reading, writing = os.pipe()
    monkeypatch.setattr(stdin, "STDIN", reading)
    yield reading, writing
    os.close(reading)


async def test_what_is_typed_is_read_piece_by_piece(ends: tuple[int, int]) -> None:
    _, typing = ends
    source = Input(4)
    os.write(typing, b"abcdefg")
    assert await source.read() == b"abcd"
    assert await source.read() == b"efg"
    os.close(typing)
    assert await source.read() == b""
    assert await source.read() == b""


async def test_nothing_is_read_before_it_is_asked_for(ends: tuple[int, int]) -> None:
    typed, typing = ends
    source = Input()
    os.write(typing, b"first")
    asked = asyncio.ensure_future(source.read())
    assert await asked == b"first"
    os.write(typing, b"second")
    await asyncio.sleep(0)
    assert os.read(typed, 100) == b"second"  # it is still there for whoever shares the file
    os.close(typing)


async def test_a_file_that_was_made_non_blocking_is_waited_for(ends: tuple[int, int]) -> None:
    typed, typing = ends
    os.set_blocking(typed, False)
    source = Input()
    reading = asyncio.ensure_future(source.read())
    await asyncio.sleep(0)
    os.write(typing, b"late")
    assert await reading == b"late"
    os.close(typing)


async def test_what_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(stdin, "STDIN", folder)
    with pytest.raises(IsADirectoryError):
        await Input().read()
    os.close(folder)
