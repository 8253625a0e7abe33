"""Captures that are there already: one of them printed, and the list of them."""

from pathlib import Path

import pytest

from socktui import cli
from socktui.headless import captures
from tests.journal.writing import small
from tests.running import Run, conversed, ran


@pytest.fixture
def conversation(tmp_path: Path) -> Run:
    """An echo server that has served one client, and has ended."""
    return conversed(tmp_path)


def test_open_prints_what_was_printed_live(conversation: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["open", str(conversation.capture()), "--json"]) == 0
    assert capfd.readouterr().out == conversation.out.decode()


def test_open_headless_prints_safe_text(conversation: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["open", str(conversation.capture()), "--headless"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == len(conversation.calls)
    assert all(line.isprintable() for line in lines)
    assert lines[7].endswith(r'= 4  "\e[2J"')


def test_captures_lists_what_is_kept(conversation: Run, tmp_path: Path) -> None:
    (conversation.capture().parent / "broken.socktui").mkdir()
    table = ran(tmp_path, "captures")
    assert table.status() == 0
    assert table.lines[0].split() == ["STARTED", "CALLS", "SOCKETS", "SIZE", "CAPTURE"]
    assert str(conversation.capture()) in table.lines[1]
    assert table.lines[2].endswith("broken.socktui is an empty folder")
    rows = ran(tmp_path, "captures", "--json").calls
    assert rows[0]["path"] == str(conversation.capture())
    assert rows[0]["calls"] == len(conversation.calls)
    assert rows[0]["started"] <= conversation.calls[0]["time"]
    assert rows[0]["state"] == "complete"
    assert rows[1]["started"] is None


def test_no_captures_are_one_sentence(tmp_path: Path) -> None:
    run = ran(tmp_path, "captures")
    assert (run.status(), run.out) == (0, b"")
    assert len(run.err) == 1
    assert str(tmp_path) in run.err[0]
    assert ran(tmp_path, "captures", "--json").out == b""


def test_a_size_is_in_the_unit_that_fits() -> None:
    sizes = {0: "0.0 KiB", 1536: "1.5 KiB", 3 << 20: "3.0 MiB", 5 << 30: "5.0 GiB", 1 << 50: "1024.0 TiB"}
    assert {size: captures._size(size) for size in sizes} == sizes


def test_what_is_no_capture_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert captures.show(tmp_path / "none", as_json=False) == 1
    assert capfd.readouterr() == ("", f"{tmp_path / 'none'} does not exist\n")


def test_a_capture_is_shown_to_its_end(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small(capture)
    assert captures.show(capture, as_json=False) == 0
    out, err = capfd.readouterr()
    assert out.count("\n") > 5
    assert err == ""
