"""The servers that are measured: ours, and others for context. Each is ended with the block that started it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from socktui.core.endpoint import Endpoint
from socktui.journal.reader import CaptureError, Reader
from tests.bench.load import end
from tests.support import resident_mib, wait_until

REFERENCE = Path(__file__).with_name("reference.py")


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the process that started it."""

    port: int
    pid: int

    @property
    def pids(self) -> list[int]:
        """The process and all that it started, directly or not."""
        found = [self.pid]
        for pid in found:
            found += children(pid)
        return found

    @property
    def cpu(self) -> float:
        """Processor seconds so far, of all its processes and those that have ended."""
        return sum(_cpu(pid) for pid in self.pids)

    @property
    def most_mib(self) -> float:
        """The most memory that any of its processes has ever had resident."""
        return max(resident_mib(pid, "VmHWM") for pid in self.pids)


def children(pid: int) -> list[int]:
    found: list[int] = []
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
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        if not said.startswith("listening on "):
            raise RuntimeError(f"the server does not listen: {said}")
        yield Server(Endpoint.parse(said.split()[2]).port, process.pid)
        process.terminate()
        process.wait(30)
    finally:
        end(process)


@contextmanager
def other(argv: list[str], port: int) -> Iterator[Server]:
    """A process group of its own: some of these servers fork for every connection."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, process_group=0)
    try:
        wait_until(lambda: _listens(port) or process.poll() is not None)
        yield Server(port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def others() -> dict[str, list[str]]:
    """The other echo servers that are installed: name and command, `{port}` where the port goes."""
    found = {"asyncio streams": [sys.executable, str(REFERENCE), "{port}"]}
    if socat := shutil.which("socat"):
        listen = "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=1024,nodelay"
        found["socat PIPE"] = [socat, listen, "PIPE"]  # with larger blocks it waits for itself
    if ncat := shutil.which("ncat"):
        found["ncat --exec cat"] = [ncat, "-l", "-k", "-m", "200", "127.0.0.1", "{port}", "--exec", "/bin/cat"]
    return found


def port_in(capture: Path) -> int:
    """The port of the first socket in a capture, once it listens."""

    def port() -> int:
        try:
            with Reader(capture) as reader:
                return Endpoint.parse(reader.socket(1).local).port
        except (CaptureError, IndexError, ValueError):
            return 0

    return wait_until(port)


def _listens(port: int) -> bool:
    sign = f":{port:04X} "
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(sign in row and row.split()[3] == "0A" for row in rows)


def idle(server: Server, seconds: float) -> float:
    """Which part of one core it uses over so long."""
    cpu, began = server.cpu, time.monotonic()
    time.sleep(seconds)
    return (server.cpu - cpu) / (time.monotonic() - began)
