"""The load client: made from load.c, and run."""

import json
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from tests.bench.native import built

SECONDS = 300.0


class Load:
    """The compiled client; it is made in `folder` when it is first run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def path(self) -> Path:
        return built("load", self._folder)

    def run(self, *args: object, seconds: float = SECONDS) -> dict[str, Any]:
        """What a run says in the end. Raises RuntimeError where the echo was wrong, TimeoutError."""
        with self.start(*args) as running:
            try:
                out, _ = running.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                raise TimeoutError(f"load {args}: no end within {seconds:g} s") from None
        if running.returncode:
            raise RuntimeError(f"load {args}: the echo was wrong, or broke off: {out.decode().strip() or 'no figures'}")
        result: dict[str, Any] = json.loads(out.splitlines()[-1])
        return result

    @contextmanager
    def start(self, *args: object) -> "Iterator[subprocess.Popen[bytes]]":
        """A run that is watched meanwhile, and surely ended."""
        running = subprocess.Popen(
            [self.path, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        try:
            yield running
        finally:
            end(running)


def line(stream: IO[bytes] | None, seconds: float = SECONDS) -> bytes:
    """The next line that a process prints. Raises TimeoutError."""
    assert stream is not None
    if not select.select([stream], [], [], seconds)[0]:
        raise TimeoutError(f"nothing said within {seconds:g} s")
    return stream.readline()


def told(running: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The next object that a run prints. Raises RuntimeError where it ends instead."""
    said = line(running.stdout)
    if not said:
        raise RuntimeError(f"load: it ended with status {running.wait(SECONDS)}, and said nothing")
    result: dict[str, Any] = json.loads(said)
    return result


def end(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM, seconds: float = 10) -> None:
    """End a process of ours, in order if it can be."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
