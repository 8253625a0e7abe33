"""The servers that are measured: ours, and others for context. Each is ended with the block that started it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from socktui.core.endpoint import Endpoint
from socktui.journal.reader import CaptureError, Reader
from tests.bench.load import end, line
from tests.support import resident_mib, wait_until

OURS, PURE = "socktui", "socktui, pure Python"

PURE_VARIABLE = "SOCKTUI_PURE"
"""That the engine is told in its environment, not to use its compiled inner loop."""

Start = Callable[[Path], AbstractContextManager["Server"]]
"""How one of ours is started: with the place of its capture."""

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

    def memory(self) -> tuple[int, int]:
        """Bytes that all its processes have in memory now, and how many of them are no file's.

        Counted page by page: the sums in proc_pid_status(5) may be off by some hundred KiB.
        """
        told = [_rollup(pid) for pid in self.pids]
        return sum(each["Rss"] for each in told), sum(each["Anonymous"] for each in told)

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


def _rollup(pid: int) -> dict[str, int]:
    """Bytes by kind."""
    rows = (row.split() for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) << 10 for row in rows}


def _cpu(pid: int) -> float:
    """Of all its threads, to the nanosecond: its clock's number is made as in clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime(~pid << 3 | 2) + sum(map(int, _stat(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def ended(pid: int) -> bool:
    """Whether a process has ended, even if nobody has asked how."""
    try:
        return _stat(pid)[0] == "Z"
    except OSError:
        return True


def _stat(pid: int) -> list[str]:
    """What proc_pid_stat(5) tells after the name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def compiled() -> bool:
    """Whether the engine has a compiled inner loop; a process of its own says so, as the engine is one."""
    asked = "from socktui.engine.fastpath import COMPILED; print(COMPILED)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return said.stdout == "True\n"


def each_of_ours() -> dict[str, Start]:
    """Ours as it is installed; and in Python alone, where that is not the same."""
    return {OURS: ours, PURE: partial(ours, pure=True)} if compiled() else {OURS: ours}


@contextmanager
def ours(capture: Path, pure: bool = False) -> Iterator[Server]:
    """`socktui echo`, headless: the engine and the process that prints (here: nothing).

    pure  without the compiled inner loop, even where it is installed
    """
    argv = [sys.executable, "-m", "socktui", "echo", "tcp://127.0.0.1:0", "--quiet", "--capture", str(capture)]
    env = {name: value for name, value in os.environ.items() if name != PURE_VARIABLE}
    if pure:
        env[PURE_VARIABLE] = "1"
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0, env=env)
    try:
        said = line(process.stderr).decode()
        if not said.startswith("listening on "):
            raise RuntimeError(f"the server does not listen: {said}")
        yield Server(Endpoint.parse(said.split()[2]).port, process.pid)
        process.terminate()
        process.wait(30)
    finally:
        end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def other(command: Sequence[str], free_port: Callable[[], int] = _free_port) -> Iterator[Server]:
    """A server of somebody else's; a process group of its own, as some fork for every connection.

    command    `{port}` where the port goes
    free_port  one that was free a moment before: where it is taken by then, it is asked for another
    """
    for _ in range(TRIES):
        port = free_port()
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


def idle(server: Server, seconds: float) -> float:
    """Which part of one core it uses over so long."""
    cpu, began = server.cpu, time.monotonic()
    time.sleep(seconds)
    return (server.cpu - cpu) / (time.monotonic() - began)
