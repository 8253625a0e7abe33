"""What many tests need: to wait for something instead of sleeping, an engine that surely ends, and plain peers."""

import asyncio
import contextlib
import os
import socket as sockets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from socktui.control.client import Engine
from socktui.control.verbs import Close, Connect, Listen, Reset, Shutdown
from socktui.core.call import Call
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Socket
from socktui.journal.reader import Reader

T = TypeVar("T")

MAKING = {"listen": Listen, "connect": Connect}
ENDING = {"close": Close, "shutdown": Shutdown, "reset": Reset}
"""Verbs by their names on the control socket: those that make a socket, and those that are about one's end."""

SECONDS = 20.0
"""How long anything may take on a busy machine before a test gives it up."""


def wait_until(condition: Callable[[], T], seconds: float = SECONDS) -> T:
    """Ask until the answer is true; that answer. Fails after `seconds`. For tests without an event loop."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {_asked(condition)}"
        time.sleep(0.005)
    return answer


async def until(condition: Callable[[], T], seconds: float = SECONDS) -> T:
    """wait_until() for tests with an event loop."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {_asked(condition)}"
        await asyncio.sleep(0.005)
    return answer


def _asked(condition: Callable[..., Any]) -> str:
    code = getattr(condition, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(condition)


@contextlib.asynccontextmanager
async def running_engine(capture: Path, **options: Any) -> AsyncIterator[Engine]:
    """A started engine, which is ended in order, and killed where it does not end."""
    engine = Engine(capture, **options)
    try:
        await engine.ready()
        yield engine
    finally:
        await engine.end()


async def listening(engine: Engine, endpoint: str = "tcp://127.0.0.1:0", service: str = "echo", **options: Any) -> int:
    """The port of a listener that was just made."""
    number = await engine.listen(Endpoint.parse(endpoint), service, **options)
    return port_of(engine, number)


def port_of(engine: Engine, number: int) -> int:
    with Reader(engine.capture) as reader:
        return Endpoint.parse(reader.socket(number).local).port


@contextlib.contextmanager
def peer(port: int, host: str = "127.0.0.1", seconds: float = SECONDS) -> Iterator[sockets.socket]:
    """A client that nobody traces: a plain blocking socket with a time-out."""
    with sockets.create_connection((host, port), timeout=seconds) as sock:
        yield sock


@contextlib.contextmanager
def full(sock: sockets.socket) -> Iterator[bytes]:
    """A client that has sent all that the other end takes, and has read nothing; what it has sent."""
    sock.setblocking(False)
    sent = bytearray()
    quiet = 0
    while quiet < 50:
        piece = os.urandom(65536)
        try:
            sent += piece[: sock.send(piece)]
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.002)
    sock.settimeout(SECONDS)
    yield bytes(sent)


def read_exactly(sock: sockets.socket, size: int) -> bytes:
    """`size` bytes, or fewer where the other end closed before."""
    parts = bytearray()
    while len(parts) < size and (part := sock.recv(min(size - len(parts), 1 << 18))):
        parts += part
    return bytes(parts)


def read_all(sock: sockets.socket) -> bytes:
    """Everything up to the other end's FIN."""
    parts = bytearray()
    while part := sock.recv(1 << 18):
        parts += part
    return bytes(parts)


def all_calls(capture: Path) -> list[Call]:
    with Reader(capture) as reader:
        return [reader.call(seq) for seq in range(reader.count)]


def all_sockets(capture: Path) -> list[Socket]:
    with Reader(capture) as reader:
        return [reader.socket(number) for number in range(1, reader.sockets + 1)]


def fresh(reader: Reader) -> Reader:
    """The same reader, after a look for news."""
    reader.refresh()
    return reader


def carried(capture: Path, number: int, name: str) -> bytes:
    """All bytes that a socket sent or received ("send", "recv"), read back out of the capture."""
    found = bytearray()
    with Reader(capture) as reader:
        for seq in range(reader.count):
            call = reader.call(seq)
            if call.socket == number and str(call.name) == name:
                data = reader.data(call)
                assert data is not None
                found += data
    return bytes(found)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int, what: str = "VmRSS") -> float:
    """Memory of a process (VmRSS), or the most it ever had (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {what} of {pid}")
