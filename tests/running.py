"""The program itself, run as its users run it, and surely ended."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.support import SECONDS, peer, read_exactly, wait_until

PROGRAM = (sys.executable, "-m", "socktui")


class Run:
    """`socktui ARGS...` with captures of its own; standard output and error go to files.

    stdin   None: it is typed by type(); bytes: what it holds; or a file
    stdout  a descriptor to write to in place of the file; it is closed here
    """

    def __init__(
        self,
        folder: Path,
        *args: object,
        stdin: bytes | int | IO[bytes] | None = b"",
        stdout: int | None = None,
        env: dict[str, str] | None = None,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        self.folder = folder / f"run-{len(list(folder.glob('run-*')))}"
        self.folder.mkdir()
        self._out, self._err = self.folder / "out", self.folder / "err"
        if isinstance(stdin, bytes):
            (self.folder / "in").write_bytes(stdin)
            stdin = os.open(self.folder / "in", os.O_RDONLY)
        try:
            with self._out.open("wb") as out, self._err.open("wb") as err:
                self.process = subprocess.Popen(
                    [*program, *map(str, args)],
                    stdin=subprocess.PIPE if stdin is None else stdin,
                    stdout=out if stdout is None else stdout,
                    stderr=err,
                    bufsize=0,
                    env=os.environ | {"XDG_STATE_HOME": str(folder / "state"), "TERM": "xterm"} | (env or {}),
                )
        finally:
            for given in (stdin, stdout):
                if isinstance(given, int):
                    os.close(given)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.kill()  # its engine ends by itself then
        self.process.wait()

    @property
    def out(self) -> bytes:
        return self._out.read_bytes()

    @property
    def err(self) -> list[str]:
        return self._err.read_text().splitlines()

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def type(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)

    def end_of_input(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def first(self) -> str:
        """The first message, once it is there."""
        wait_until(lambda: b"\n" in self._err.read_bytes() or self.process.poll() is not None)
        return self.err[0]

    def port(self) -> int:
        """The port that it says it listens on."""
        found = re.fullmatch(r"listening on tcp://.*:(\d+) \(\w+\)", self.first())
        assert found, self.err
        return int(found[1])

    def until_printed(self, text: str) -> None:
        wait_until(lambda: text.encode() in self.out)

    def status(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(SECONDS)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; the exit status."""
        self.process.send_signal(number)
        return self.status()

    def capture(self) -> Path:
        """Where it says that its capture is."""
        return Path(next(line for line in self.err if line.startswith("capture: ")).removeprefix("capture: "))

    def engine(self) -> int:
        """The engine's process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])


def ran(folder: Path, *args: object, **options: Any) -> Run:
    """A run that has ended by itself."""
    with Run(folder, *args, **options) as run:
        run.status()
    return run


def conversed(folder: Path) -> Run:
    """An echo server that has served one client, and has ended; its calls are printed as JSON."""
    with Run(folder, "echo", ":0", "--json") as run:
        with peer(run.port()) as client:
            client.sendall(b"\x1b[2J")
            assert read_exactly(client, 4) == b"\x1b[2J"
        run.until_printed('"call":"close"')
        run.end()
    return run
