"""The byte log over captures that grow, are long, or are missing something."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from socktui.core.call import Call, Function
from socktui.core.payload import ENCODINGS
from socktui.journal.reader import Reader
from socktui.tui.bytelog.byte_log import ByteLog
from socktui.tui.bytelog.log_rows import text_of
from socktui.tui.call_sequence import CallSequence
from tests.tui.canned import Canned
from tests.tui.drive import Drive, opened

LONG = 200_000


@contextlib.asynccontextmanager
async def growing(capture: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[Drive, Canned]]:
    """A capture that is being written, in the workbench."""
    canned = Canned(capture)
    try:
        async with opened(capture, size) as drive:
            yield drive, canned
    finally:
        canned.close()


async def shown(drive: Drive) -> None:
    """Wait until the log has all there is."""
    await drive.until(lambda: len(drive.log.sequence) == drive.journal.count == drive.log._grown_to)


def rows(drive: Drive) -> list[str]:
    return [line[:-1].rstrip() for line in drive.rows(drive.log)]


def text(drive: Drive) -> str:
    """What the text rows on the screen say, run together."""
    return "".join(line[2:] for line in rows(drive) if line[:2] in ("→ ", "← "))


async def test_it_stays_where_the_reader_scrolled_and_counts_what_is_new(capture: Path) -> None:
    async with growing(capture) as (drive, canned):
        client, accepted = canned.pair(canned.listener())
        for i in range(20):
            canned.echo(client, accepted, f"line {i}".encode())
        await shown(drive)
        assert drive.log.following
        assert drive.log.below == 0
        await drive.press("g", "j", "j")
        still = rows(drive)
        assert drive.log.below == 0
        assert drive.pane("bytes").subtitle == "both · utf-8"
        for i in range(1, 8):
            canned.send(client, b"x" * i)
            await shown(drive)
            assert drive.log.below == i
            assert rows(drive) == still
        assert drive.pane("bytes").subtitle.startswith("↓ 7 new calls below")
        await drive.press("G", "k")
        assert drive.log.below == 0
        canned.send(client, b"y")
        await shown(drive)
        assert drive.log.below == 1
        assert drive.pane("bytes").subtitle.startswith("↓ 1 new call below")
        drive.log.scroll_by(2)
        await drive.settle()
        assert drive.log.below == 0
        assert drive.log.following


async def test_in_a_capture_that_is_over_nothing_is_new(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    for _ in range(50):
        canned.echo(client, accepted, b"again")
    canned.close()
    async with opened(capture) as drive:
        for key in ("g", "pagedown", "k", "ctrl+u", "G", "k"):
            await drive.press(key)
            assert drive.pane("bytes").subtitle == "both · utf-8"


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_character_split_over_calls_is_shown_once(capture: Path, encoding: str) -> None:
    words = "Привет,мир" if encoding not in ("latin-1", "ascii") else "Hello,world"
    data = words.encode(encoding)
    async with growing(capture) as (drive, canned):
        client, _ = canned.pair(canned.listener())
        drive.main._look_through(view="text", encoding=encoding)
        for i in range(len(data)):
            canned.send(client, data[i : i + 1])
            await shown(drive)
        assert text(drive) == words


async def test_a_split_character_does_not_mind_what_comes_between(capture: Path) -> None:
    """The first half is bad while it is the last there is; then it belongs to the second."""
    async with growing(capture, (100, 24)) as (drive, canned):
        listener = canned.listener()
        client, _ = canned.pair(listener)
        other, _ = canned.pair(listener, 50930)
        drive.main._look_through(view="text")
        canned.send(client, b"A\xd0")
        await shown(drive)
        assert text(drive) == r"A\xd0"
        for _ in range(3):
            canned.send(other, b"-")
        await shown(drive)
        assert text(drive) == r"A\xd0---"
        canned.send(client, b"\x96")
        await shown(drive)
        assert text(drive) == "A---Ж"


@pytest.mark.parametrize("at_top", [False, True])
async def test_a_row_that_goes_leaves_nothing_behind(capture: Path, at_top: bool) -> None:
    """The cursor or the top of the screen may stand on the very row that the rest of a character takes away."""
    async with growing(capture, (100, 12)) as (drive, canned):
        listener = canned.listener()
        client, _ = canned.pair(listener)
        other, _ = canned.pair(listener, 50930)
        drive.main._look_through(view="text")
        canned.send(client, b"\xe2\x82")
        for _ in range(20):
            canned.send(other, b"-")
        await shown(drive)
        log = drive.log
        await drive.press("g")
        place = log.walker.first_from(0, 0)
        while place is not None and r"\xe2" not in text_of(log._rows(*place[:2])[place[2]]):
            place = log.walker.after(place)
        assert place is not None
        assert place[2] == 1
        log._go(place)
        if at_top:
            log.scroll_by(log._screen.index(place))
            assert log._screen[0] == place
        await drive.settle()
        canned.send(client, b"\xac")
        await shown(drive)
        assert log._cursor is not None
        for each in [*log._screen, log._cursor]:
            assert each[2] < len(log._rows(*each[:2]))
        assert r"\xe2" not in drive.text
        await drive.press("y", "G")
        assert text(drive).endswith("€")


async def test_every_place_of_64_kib_without_a_newline_can_be_reached(capture: Path) -> None:
    data = bytes(range(256)) * 256
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.say(client, accepted, data)
    canned.say(client, accepted, b"x" * 8192)
    canned.close()
    async with opened(capture) as drive:
        log = drive.log
        for view in ("both", "text"):
            drive.main._look_through(view=view, encoding="latin-1")
            await drive.press("g")
            place, count = log.walker.first_from(0, 0), 0
            places = []
            while place is not None:
                places.append(place)
                place, count = log.walker.after(place), count + 1
            assert places == sorted(set(places))
            back = [log.walker.end]
            while back[-1] is not None:
                back.append(log.walker.before(back[-1]))
            assert back[-2::-1] == places
        drive.main._look_through(view="both")
        log.scroll_to_fraction((len(log.sequence) - 2) / len(log.sequence))
        found = []
        while True:
            found += [line for line in rows(drive) if line.startswith("→ ")]
            if log.following:
                break
            await drive.press("pagedown")
        offsets = {int(line.split()[1], 16) for line in found}
        assert offsets == set(range(65536, 65536 + 8192, 16))


async def test_a_log_of_nothing_says_so(capture: Path) -> None:
    Canned(capture).close()
    async with opened(capture) as drive:
        await drive.sees("No bytes moved in this capture.")
        for key in ("j", "k", "g", "G", "ctrl+d", "ctrl+u", "pagedown", "pageup", "v", "t", "E", "y", "m", "enter"):
            await drive.press(key)
        drive.log.scroll_to_fraction(0.5)
        assert drive.log.current is None


async def test_a_capture_without_bytes_shows_what_happened(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.call(client, Function.SHUTDOWN, args=("SHUT_WR",))
    canned.fin(accepted)
    canned.fin(client)
    canned.client("127.0.0.1:81", errno=111)
    canned.close()
    async with opened(capture) as drive:
        await drive.sees("FIN sent", "peer FIN", "listen", "accept 127.0.0.1:50928", "close")


async def test_bytes_that_were_not_kept_are_told(capture: Path) -> None:
    canned = Canned(capture)
    client, accepted = canned.pair(canned.listener())
    canned.send(client, b"kept before")
    before = canned.journal.heap.head
    canned.recv(accepted, b"l" * 100_000)
    canned.journal.heap._lose(before, canned.journal.heap.head)
    canned.recv(accepted, b"kept after")
    canned.close()
    async with opened(capture) as drive:
        await drive.sees("kept before", "received 100000", "these bytes were not kept", "kept after")
        await drive.sees("capture incomplete: 100000 bytes not kept")
        await drive.press("G", "k", "k")
        assert drive.text.count("these bytes were not kept") == 1
        await drive.press("y")
        assert drive.app.clipboard.endswith("received 100000  #3 echo 127.0.0.1:50928\n(these bytes were not kept)")
        await drive.press("v", "v", "g", "G")
        await drive.sees("these bytes were not kept", "kept after")


def test_it_takes_in_new_calls_by_itself(capture: Path) -> None:
    """Whoever else shows the same sequence need not have refreshed it before."""
    canned = Canned(capture)
    client, _ = canned.pair(canned.listener())
    with Reader(capture) as reader:
        log = ByteLog(CallSequence(reader), str)
        canned.send(client, b"new")
        reader.refresh()
        assert len(log.sequence) == 9
        log.grow()
        assert len(log.sequence) == 10
        assert log.current == reader.call(9)
    canned.close()


@pytest.fixture(scope="module")
def long_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200,000 calls on two connections."""
    canned = Canned(tmp_path_factory.mktemp("long") / "long.socktui")
    listener = canned.listener()
    pairs = [canned.pair(listener, 50928), canned.pair(listener, 50930)]
    for i in range(LONG // 2):
        client, accepted = pairs[i % 2]
        canned.say(client, accepted, b"%07d Hello, sockets!" % i)
    return canned.close()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The calls that readers look at."""
    looked: list[int] = []
    call = Reader.call

    def counting(self: Reader, seq: int) -> Call:
        looked.append(seq)
        return call(self, seq)

    monkeypatch.setattr(Reader, "call", counting)
    return looked


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("view", ["both", "text"])
async def test_a_page_costs_the_same_at_any_depth(long_capture: Path, counted: list[int], one: bool, view: str) -> None:
    async with opened(long_capture) as drive:
        drive.main._look_through(view=view)
        if one:
            await drive.press("2", "G", "a", "3")
            assert len(drive.log.sequence) == drive.socket(5).calls
        cost: dict[float, list[int]] = {}
        for fraction in (0.0, 0.25, 0.5, 0.75, 0.999):
            drive.log.scroll_to_fraction(fraction)
            cost[fraction] = []
            for key in ("pagedown", "pageup", "ctrl+d", "ctrl+u", "j", "k"):
                await drive.settle()
                counted.clear()
                await drive.press(key)
                assert not drive.log.following
                cost[fraction].append(len(counted))
        # As many calls as fill some screens, wherever it stands; never in proportion to 200,000.
        most = max(map(max, cost.values()))
        assert most < 40 * drive.log.page, cost
        assert most < 2 * max(cost[0.5]) + 100, cost


async def test_any_place_of_a_long_capture_is_one_step_away(long_capture: Path, counted: list[int]) -> None:
    async with opened(long_capture) as drive:
        log = drive.log
        for fraction in (0.0, 0.1, 0.5, 0.9, 1.0):
            counted.clear()
            log.scroll_to_fraction(fraction)
            await drive.settle()
            assert len(counted) < 2000
            first, last = log._screen[0][0], log._screen[-1][0]
            assert first <= fraction * len(log.sequence) + 5
            assert last >= fraction * len(log.sequence) - 5
            thumb = log.bar()
            assert thumb is not None
            assert thumb[0] == pytest.approx(fraction, abs=0.001)
