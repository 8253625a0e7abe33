"""Programs that nobody here wrote, run as peers, and what the capture says of the connections with them."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from socktui.core.call import Function
from socktui.core.sockets import Role, Socket
from socktui.journal.reader import Reader
from tests.support import SECONDS, until

PACKAGES = {
    "ncat": "ncat",
    "socat": "socat",
    "telnet": "inetutils-telnet",
    "telnetd": "inetutils-telnetd",
    "curl": "curl",
}


def path_of(name: str) -> str:
    """Where a program is. Fails, rather than skips, where it is not: these tests are the point of the program."""
    found = shutil.which(name)
    if found is None:
        package = PACKAGES.get(name, name)
        pytest.fail(f"the program {name!r} is needed here: `apt-get install {package}`", pytrace=False)
    return found


class Program:
    """A running program: what is typed into it, and what it has written so far."""

    def __init__(self, folder: Path, *argv: str, stdin: IO[bytes] | None = None) -> None:
        self._out = folder / "out"
        self._err = folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [path_of(argv[0]), *argv[1:]],
                stdin=subprocess.PIPE if stdin is None else stdin,
                stdout=out,
                stderr=err,
                bufsize=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def out(self) -> bytes:
        return self._out.read_bytes()

    @property
    def err(self) -> str:
        return self._err.read_text(errors="replace")

    def type(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)

    def end_of_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    async def status(self) -> int:
        """Its exit status, once it has ended."""
        await until(lambda: self._process.poll() is not None)
        return self._process.returncode

    async def writes(self, data: bytes) -> None:
        """Wait until it has written exactly this."""
        try:
            await until(lambda: len(self.out) >= len(data))
        finally:
            assert self.out == data, self.err

    async def port(self) -> int:
        """The port that it listens on, once it does, as the kernel tells."""
        return await until(lambda: _listening_port(self.pid))

    def close(self) -> None:
        """End it, where it has not ended by itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _listening_port(pid: int) -> int:
    """The port of a process's first socket in state LISTEN; 0 where it has none. See proc(5), /proc/net/tcp."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                return int(fields[1].rpartition(":")[2], 16)
    return 0


@dataclass(frozen=True)
class LayerFilter:
    """One socket of ours as the capture shows it: what its calls add up to, and the bytes each way."""

    socket: Socket
    received: bytes
    sent: bytes
    calls: tuple[Function, ...]
    lengths: tuple[int, ...]
    """What each recv() returned."""
    fin_received: bool


def seen(capture: Path) -> list[LayerFilter]:
    """All sockets in the capture, listeners left out."""
    with Reader(capture) as reader:
        found = []
        for number in range(1, reader.sockets + 1):
            socket = reader.socket(number)
            if socket.role is Role.LISTENER:
                continue
            calls = [call for call in map(reader.call, range(reader.count)) if call.socket == number]
            parts: dict[Function, bytearray] = {Function.RECV: bytearray(), Function.SEND: bytearray()}
            for call in calls:
                if call.length:
                    data = reader.data(call)
                    assert data is not None
                    assert call.offset == len(parts[call.name])
                    parts[call.name] += data
            if socket.ended:  # until then the slot may be ahead of the calls that were counted before
                assert (socket.received, socket.sent) == (len(parts[Function.RECV]), len(parts[Function.SEND]))
            found.append(
                LayerFilter(
                    socket,
                    bytes(parts[Function.RECV]),
                    bytes(parts[Function.SEND]),
                    tuple(call.name for call in calls),
                    tuple(call.result for call in calls if call.name is Function.RECV),
                    any(call.eof for call in calls),
                )
            )
        return found


async def all_over(capture: Path, count: int = 1) -> list[LayerFilter]:
    """Wait until there have been `count` connections and all are closed; what the capture shows of them."""

    def over() -> bool:
        with Reader(capture) as reader:
            sockets = [reader.socket(number) for number in range(1, reader.sockets + 1)]
        ours = [socket for socket in sockets if socket.role is not Role.LISTENER]
        return len(ours) >= count and not any(socket.open for socket in ours)

    await until(over, SECONDS)
    return seen(capture)
