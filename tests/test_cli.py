"""The command line: what can be said, what is refused, and what is done with a capture."""

import os
import struct
from pathlib import Path

import pytest

from socktui import __version__, cli
from socktui.control.start import Start
from socktui.control.verbs import Connect, Listen
from socktui.core.endpoint import Endpoint
from socktui.journal import format
from socktui.services import SERVICES
from tests.loops import PURE, each_loop
from tests.running import PROGRAM, Run, conversed, ran

COMMANDS = ("echo", "listen", "connect", "services", "templates", "open", "search", "captures")


def test_help_lists_every_command(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    text = capfd.readouterr().out
    assert all(f"\n    {command} " in text for command in COMMANDS)
    assert "Exit status: 0 done" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert capfd.readouterr().out.startswith(f"usage: socktui {command} ")


@each_loop
def test_the_version(inner_loop: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    loop = "Python" if inner_loop == PURE else "compiled"
    assert capfd.readouterr().out == f"socktui {__version__} (inner loop: {loop})\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("echo :x", "the port is wrong: 'x'"),
        ("echo :65536", "the port is wrong: '65536'"),
        ("listen 1.2.3:80", "the host is wrong: '1.2.3'"),
        ("listen", "ENDPOINT"),
        ("listen gopher://h:70", "unknown scheme 'gopher'"),
        ("listen :0 --service gopher", "no service 'gopher': one of echo, discard"),
        ("listen :0 --service slow=fast", "slow=fast: 'fast' is no number"),
        ("listen :0 --service echo=1", "echo takes no argument"),
        ("listen :0 --service literal", "literal needs an argument"),
        ("listen :0 --service script=/no/such/file", "script=/no/such/file"),
        ("connect :1 --template gopher", "no template 'gopher': one of"),
        ("listen udp://127.0.0.1:0?replace=yes", "unknown option 'replace'"),
        ("listen tls://:0?verify=perhaps", "the option verify is wrong"),
        ("listen unix://", "the path is missing"),
        ("listen :0 --buffer 0", "--buffer: '0' is no number from 1"),
        ("listen :0 --buffer -5", "--buffer"),
        ("listen :0 --buffer ten", "'ten'"),
        ("listen :0 --backlog 1.5", "--backlog: '1.5'"),
        ("connect :1 --timeout 0", "--timeout: '0' is no number of seconds"),
        ("connect :1 --timeout nan", "'nan'"),
        ("echo --headless --for inf", "'inf'"),
        ("echo --headless --for -1", "--for"),
        ("echo --for 1", "--for is for headless runs"),
        ("echo --keep-free -1", "--keep-free"),
        ("echo --json --quiet", "not allowed with"),
        ("connect :1 --pipe --json", "not allowed with"),
        ("echo --pipe", "unrecognized arguments: --pipe"),
        ("open", "CAPTURE"),
        ("search /c", "PATTERN"),
        ("search /c 6 --hex", "Half a byte: an odd number of hex digits"),
        (r"search /c \q", "is no escape that is known here"),
        ("search /c ", "nothing to find: the pattern is empty"),
        (f"search /c {'x' * 5000}", "the pattern has 5000 bytes, and at most 4096 can be found"),
        ("search /c x --socket 0", "--socket: '0' is no number from 1"),
        ("search /c x --layers some", "invalid choice: 'some'"),
        ("search /c x --count --json", "not allowed with"),
        ("search /no/such/capture x", "/no/such/capture does not exist"),
        ("nonsense", "invalid choice"),
        ("--nonsense", "--nonsense"),
        ("echo \x1b]0;x\x07:1", r"\x1b]0"),
    ],
)
def test_bad_usage_is_one_line_that_names_the_part(words: str, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = cli.main(words.split(" "))
    except SystemExit as end:
        status = end.code
    out, err = capfd.readouterr()
    assert (status, out) == (2, "")
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert told in err


def test_help_needs_neither_screen_nor_engine(tmp_path: Path) -> None:
    code = (
        "import sys; from socktui.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('textual', 'rich', 'asyncio', 'socktui.engine') if name in sys.modules])"
    )
    assert ran(tmp_path, program=(PROGRAM[0], "-c", code)).lines[-1] == "[]"


@pytest.mark.parametrize("words", [(), ("echo", ":0"), ("connect", ":1")])
def test_a_screen_without_a_terminal_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    run = ran(tmp_path, *words)
    assert (run.status(), run.out) == (2, b"")
    assert len(run.err) == 1
    assert "--headless" in run.err[0]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(tmp_path: Path, term: str) -> None:
    ours, theirs = os.openpty()
    try:
        with Run(tmp_path, "echo", ":0", stdin=os.dup(theirs), stdout=os.dup(theirs), env={"TERM": term}) as run:
            assert run.status() == 2
    finally:
        os.close(ours)
        os.close(theirs)
    assert len(run.err) == 1
    assert "TERM" in run.err[0]
    assert "--headless" in run.err[0]


@pytest.mark.parametrize(
    ("words", "floor", "start"),
    [
        ([], 256, None),
        (["--keep-free", "1"], 1, None),
        (["echo"], 256, Start(Listen(Endpoint("tcp", "127.0.0.1", 5005)))),
        (
            ["--keep-free", "2", "listen", "[::1]:7", "--service", "discard", "--buffer", "20", "--backlog", "5"],
            2,
            Start(Listen(Endpoint("tcp", "::1", 7), "discard", buffer=20, backlog=5)),
        ),
        (
            ["connect", "example.org:80", "--timeout", "2.5", "--keep-free", "0", "--template", "http-get"],
            0,
            Start(Connect(Endpoint("tcp", "example.org", 80), seconds=2.5), b"GET /ip HTTP/1.0\n\n"),
        ),
        (
            ["listen", "udp://:7", "--service", "slow=20"],
            256,
            Start(Listen(Endpoint("udp", "127.0.0.1", 7), "slow=20")),
        ),
    ],
)
def test_the_screen_begins_with_what_was_asked_for(
    words: list[str],
    floor: int,
    start: Start | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def launch(capture: Path, *, floor: int, log: Path | None) -> tuple[Path, int, Path | None]:
        return capture, floor, log

    def run(launched: object, start: Start | None) -> int:
        seen.append((launched, start))
        return 0

    monkeypatch.setattr("socktui.control.launch.Launch", launch)
    monkeypatch.setattr("socktui.tui.run.run", run)
    monkeypatch.setattr(cli, "_at_a_terminal", lambda advice: True)
    capture = tmp_path / "c"
    assert cli.main(["--capture", str(capture), *words]) == 0
    assert seen == [((capture, floor << 20, None), start)]


def test_services_lists_them_all(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["services"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SERVICES)
    assert "RFC 862" in lines[0]
    assert any("slow=ARGUMENT: bytes a second, 100 where none is given" in line for line in lines)


def test_templates_lists_them_all_and_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "socktui" / "templates"
    own.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (own / "mine.toml").write_text('name = "\u202emine"\nabout = "of my own"\ntext = "x"')
    assert cli.main(["templates"]) == 0
    out, err = capfd.readouterr()
    assert {line.split()[0] for line in out.splitlines()} >= {"mine", "http-get", "dns-udp"}
    assert str(own) in err
    (own / "broken.toml").write_text("text = 1")
    assert cli.main(["templates"]) == 1
    out, err = capfd.readouterr()
    assert "broken.toml" in err
    assert "mine" in out


# Captures


@pytest.fixture
def conversation(tmp_path: Path) -> Run:
    """An echo server that has served one client, and has ended."""
    return conversed(tmp_path)


def test_open_hands_the_capture_to_the_screen(conversation: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def open_capture(path: Path) -> int:
        seen.append(path)
        return 0

    monkeypatch.setattr("socktui.tui.run.open_capture", open_capture)
    monkeypatch.setattr(cli, "_at_a_terminal", lambda advice: True)
    assert cli.main(["open", str(conversation.capture())]) == 0
    assert seen == [conversation.capture()]


@pytest.mark.parametrize("form", [[], ["--json"], ["--headless"]])
@pytest.mark.parametrize("kind", ["missing", "empty", "a file", "foreign", "newer"])
def test_what_is_no_capture_is_refused_in_one_line(
    kind: str, form: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "c\x1b]0;x\x07.socktui"
    if kind == "a file":
        place.write_text("text")
    elif kind != "missing":
        place.mkdir()
    if kind in ("foreign", "newer"):
        header = bytes(format.HEADER_SIZE) if kind == "foreign" else newer_header()
        (place / format.CALLS).write_bytes(header)
    assert cli.main(["open", str(place), *form]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    if kind == "newer":
        assert f"is of format {format.VERSION + 1}" in err


def newer_header() -> bytes:
    start = struct.pack("<8sII", format.MAGIC, format.VERSION + 1, format.RECORD_SIZE)
    return start.ljust(format.HEADER_SIZE, b"\0")


# Standard output


@pytest.mark.parametrize("words", [["--help"], ["services"], ["captures"], ["open", "CAPTURE", "--json"]])
def test_a_reader_who_has_gone_is_no_error(words: list[str], conversation: Run, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    words = [str(conversation.capture()) if word == "CAPTURE" else word for word in words]
    with Run(tmp_path, *words, stdout=theirs) as run:
        assert run.status() == 0
    assert run.err == []


@pytest.mark.parametrize("words", [["--help"], ["services"], ["captures"]])
def test_standard_output_closed_from_the_start(words: list[str], tmp_path: Path) -> None:
    run = ran(tmp_path, *words, program=("sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM))
    assert run.status() == 0
    assert not any("Traceback" in line for line in run.err)


@pytest.mark.parametrize("words", [["--help"], ["services"]])
def test_a_full_standard_output_is_one_line(words: list[str], tmp_path: Path) -> None:
    with Run(tmp_path, *words, stdout=os.open("/dev/full", os.O_WRONLY)) as run:
        assert run.status() == 1
    assert run.err == ["standard output: No space left on device (ENOSPC)"]
