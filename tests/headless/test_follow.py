"""Printing a capture that grows, to readers of every kind."""

import asyncio
import os
import re
import socket as sockets
import threading
from pathlib import Path

import pytest

from socktui.core.call import Call
from socktui.headless import printing
from socktui.headless.follow import Follower
from socktui.headless.lines import NotKept
from socktui.headless.printing import Printer
from socktui.journal.reader import Reader
from tests.journal.writing import small
from tests.running import Run
from tests.support import SECONDS, carried, peer, read_all, read_exactly, wait_until

HELLO = b"Hello, World!"


def say_and_hear(port: int, data: bytes) -> bytes:
    with peer(port) as client:
        client.sendall(data)
        client.shutdown(sockets.SHUT_WR)
        return read_all(client)


def test_a_reader_who_has_seen_enough_ends_it_in_order(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    with Run(tmp_path, "echo", ":0", "--json", stdout=theirs) as run:
        port = run.port()
        assert os.read(ours, 1)
        os.close(ours)
        say_and_hear(port, HELLO)
        assert run.status() == 0
    assert len(run.err) == 3
    assert run.err[1].startswith("capture: ")


def test_a_reader_who_never_reads_holds_up_neither_the_peers_nor_the_end(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    ours, theirs = os.pipe()
    try:
        with Run(tmp_path, "echo", ":0", "--json", stdout=theirs) as run:
            with peer(run.port()) as client:
                sending = threading.Thread(target=client.sendall, args=(data,))
                sending.start()
                assert read_exactly(client, len(data)) == data
                sending.join()
            assert run.end() == 0
    finally:
        os.close(ours)
    assert run.err[1] == "standard output was not read to its end: the capture has it all"
    assert carried(run.capture(), 2, "recv") == data


def test_a_disk_without_room_loses_bytes_loudly_and_serves_on(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", ":0", "--quiet", "--keep-free", 1 << 30) as run:
        port = run.port()
        assert say_and_hear(port, HELLO) == HELLO
        wait_until(lambda: len(run.err) > 1)
        assert run.err[1].startswith("the capture is incomplete from here on")
        assert say_and_hear(port, HELLO) == HELLO
        assert run.end() == 1
    assert re.fullmatch(r"capture incomplete: \d+ bytes, 0 calls not kept", run.err[-1])


async def test_it_follows_until_it_is_told_that_no_more_comes(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[bytes] = []
    monkeypatch.setattr(printing, "write", lambda fd, data: printed.append(data))
    small(capture)
    with Reader(capture) as reader:
        over = asyncio.Event()
        follower = Follower(Printer(reader, lambda _, call: b"%d " % call.seq), lambda _: True, over)
        follower.start()
        await asyncio.wait_for(over.wait(), SECONDS)  # there is nothing more to be expected
        assert not follower.finished.is_set()
        follower.finish()
        await asyncio.wait_for(follower.finished.wait(), SECONDS)
        assert follower.failure is None
        assert follower.printed == reader.count
    assert b"".join(printed) == b"0 1 2 3 4 5 6 7 "


async def test_what_ends_it_early_is_kept(capture: Path) -> None:
    small(capture)
    with Reader(capture) as reader:
        over = asyncio.Event()

        def fails(_: Reader, call: Call) -> bytes:
            raise NotKept("bytes are missing")

        follower = Follower(Printer(reader, fails), lambda _: False, over)
        follower.start()
        await asyncio.wait_for(follower.finished.wait(), SECONDS)
        assert over.is_set()
        assert isinstance(follower.failure, NotKept)
