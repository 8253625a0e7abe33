"""What strace(1) saw an engine call, to compare with what its capture says."""

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from socktui.control.client import Engine
from socktui.core.call import Call, errno_name
from socktui.journal.reader import Reader
from tests.support import all_calls, until

WATCHED = "socket,setsockopt,bind,listen,accept,accept4,connect,getsockopt,getsockname,sendto,recvfrom,shutdown,close"


AS_RECORDED = {"accept4": "accept", "sendto": "send", "recvfrom": "recv"}


LINE = re.compile(r"\d+ +(\w+)\((\d+|[A-Z]\w+)(.*)\) += (-?\d+)(?: (E\w+))?")


Seen = tuple[str, int, int, str]
"""A call: its name, descriptor, result and errno."""


def recorded(capture: Path) -> list[Seen]:
    """The calls of a capture."""
    with Reader(capture) as reader:
        descriptors = {number: reader.socket(number).fd for number in range(1, reader.sockets + 1)}

    def seen(call: Call) -> Seen:
        return str(call.name), descriptors[call.socket], call.result, errno_name(call.errno) if call.failed else ""

    return [seen(call) for call in all_calls(capture)]


def ours(calls: list[Seen], capture: Path) -> list[Seen]:
    """The calls on sockets that the capture knows, from the call that made each to its close.

    Python asks an accepted descriptor for its name when it wraps it; that getsockname() is not the engine's.
    """
    opened: set[int] = set()
    unwrapped: set[int] = set()
    found = []
    for name, fd, result, errno in calls:
        if name == "socket":
            opened.add(fd)
        elif fd not in opened or (name == "getsockname" and fd in unwrapped):
            unwrapped.discard(fd)
            continue
        if name == "accept" and result >= 0:
            opened.add(result)
            unwrapped.add(result)
        if name == "close":
            opened.discard(fd)
            unwrapped.discard(fd)
        found.append((name, fd, result, errno))
    return found


async def watch(engine: Engine, log: Path) -> subprocess.Popen[bytes]:
    strace = shutil.which("strace")
    assert strace, "this test needs strace: apt-get install strace"
    watcher = subprocess.Popen(
        [strace, "-f", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={WATCHED}", "-p", str(engine.pid)],
        stderr=subprocess.PIPE,
    )
    status = Path(f"/proc/{engine.pid}/status")

    def attached() -> bool:
        assert watcher.poll() is None, f"strace cannot attach: {watcher.stderr and watcher.stderr.read()!r}"
        return f"TracerPid:\t{watcher.pid}" in status.read_text()

    await until(attached)
    return watcher


@asynccontextmanager
async def watched(engine: Engine, log: Path) -> AsyncIterator[None]:
    """Have strace write down the engine's calls, up to its end."""
    watcher = await watch(engine, log)
    try:
        yield
        await engine.end()
    finally:
        if watcher.poll() is None:
            await asyncio.to_thread(watcher.wait, 10) if engine.gone.is_set() else watcher.send_signal(signal.SIGINT)
        watcher.communicate()
