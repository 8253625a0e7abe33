"""The servers that are measured: ours, and others for context. Each is ended with the block that started it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from socktui.core.endpoint import Endpoint
from socktui.journal.reader import CaptureError, Reader
from tests.bench.load import end, line
from tests.support import resident_mib, wait_until

TRIES = 3
"""Of a port that may be taken."""


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the process that started it."""

    port: int
    pid: int

    @property
    def pids(self) -> list[int]:
        """The process and all that it started, directly or not."""
        return [self.pid, *descendants(self.pid)]

    @property
    def cpu(self) -> float:
        """Processor seconds so far, of all its processes and those that have ended."""
        return sum(_cpu(pid) for pid in self.pids)

    @property
    def resident(self) -> int:
        """Bytes that all its processes have in memory now."""
        return self._memory("VmRSS")

    @property
    def anonymous(self) -> int:
        """What of it is no file's."""
        return self._memory("RssAnon")

    def _memory(self, what: str) -> int:
        return int(sum(resident_mib(pid, what) for pid in self.pids) * (1 << 20))

    @property
    def most_mib(self) -> float:
        """The most memory that any of its processes has ever had resident."""
        return max(resident_mib(pid, "VmHWM") for pid in self.pids)


def descendants(pid: int) -> list[int]:
    """All that a process started, directly or not."""
    found = [pid]
    for each in found:
        found += _children(each)
    return found[1:]


def _children(pid: int) -> list[int]:
    """Those of a process, none once it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def ours(capture: Path) -> Iterator[Server]:
    """`socktui echo`, headless: the engine and the process that prints (here: nothing)."""
    argv = [sys.executable, "-m", "socktui", "echo", "tcp://127.0.0.1:0", "--quiet", "--capture", str(capture)]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)
    try:
        said = line(process.stderr).decode()
        if not said.startswith("listening on "):
            raise RuntimeError(f"the server does not listen: {said}")
        yield Server(Endpoint.parse(said.split()[2]).port, process.pid)
        process.terminate()
        process.wait(30)
    finally:
        end(process)


@contextmanager
def other(command: Sequence[str]) -> Iterator[Server]:
    """A server of somebody else's; a process group of its own, as some fork for every connection.

    command  `{port}` where the port goes: one that was free a moment before, and others where it is taken by then
    """
    for _ in range(TRIES):
        port = _free_port()
        nothing = subprocess.DEVNULL
        argv = [part.format(port=port) for part in command]
        process = subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, process_group=0)
        try:
            wait_until(partial(_listens_or_ended, process, port))
            if process.poll() is None:
                yield Server(port, process.pid)
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    raise RuntimeError(f"{' '.join(argv)}: it ended, and listened on none of {TRIES} ports")


def port_in(capture: Path) -> int:
    """The port of the first socket in a capture, once it listens."""

    def port() -> int:
        try:
            with Reader(capture) as reader:
                return Endpoint.parse(reader.socket(1).local).port
        except (CaptureError, IndexError, ValueError):
            return 0

    return wait_until(port)


def _listens_or_ended(process: "subprocess.Popen[bytes]", port: int) -> bool:
    return process.poll() is not None or _listens(process.pid, port)


def _listens(pid: int, port: int) -> bool:
    """Whether it is this very process that listens there."""
    rows = (row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inodes = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    with suppress(OSError):
        return any(os.readlink(fd) in {f"socket:[{inode}]" for inode in inodes} for fd in _descriptors(pid))
    return False


def _descriptors(pid: int) -> Iterator[Path]:
    return Path(f"/proc/{pid}/fd").iterdir()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def idle(server: Server, seconds: float) -> float:
    """Which part of one core it uses over so long."""
    cpu, began = server.cpu, time.monotonic()
    time.sleep(seconds)
    return (server.cpu - cpu) / (time.monotonic() - began)
