"""A client without a screen: in the place where nc stands, and in a pipe."""

import contextlib
import hashlib
import os
import signal
import socket as sockets
import struct
from collections.abc import Iterator
from pathlib import Path

from socktui.headless.printing import BATCH
from socktui.journal.reader import CaptureError
from tests.running import Run, ran
from tests.support import all_calls, read_all, read_exactly, resident_mib, wait_until

HELLO = b"Hello, World!"


@contextlib.contextmanager
def server() -> Iterator[tuple[sockets.socket, int]]:
    """A listening socket of the tests' own, and its port."""
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener, listener.getsockname()[1]


def test_a_client_sends_its_input_half_closes_and_hears_the_rest(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", stdin=HELLO) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            assert read_all(accepted) == HELLO
            accepted.sendall(b"after your FIN")
        assert run.status() == 0
    assert run.err[0] == f"connected to tcp://127.0.0.1:{port}"
    assert '"after your FIN"' in run.out.decode()
    assert [line.split("(")[0].split()[-1] for line in run.lines] == (
        [
            "socket",
            "setsockopt",
            "connect",
            "getsockopt",
            "getsockname",
            "send",
            "shutdown",
            "recv",
            "recv",
            "recv",
            "close",
        ]
    )


def test_what_is_typed_is_sent_at_once_and_after_the_peers_fin(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--quiet", stdin=None) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            run.type(b"one")
            assert accepted.recv(10) == b"one"
            accepted.shutdown(sockets.SHUT_WR)
            run.type(b"two")
            assert accepted.recv(10) == b"two"
            run.end_of_input()
            assert accepted.recv(10) == b""
            assert run.status() == 0


def test_a_client_at_a_terminal_ends_with_its_peer(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe", stdin=theirs) as run:
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(HELLO)
            assert run.status() == 0
        assert run.out == HELLO
    finally:
        os.close(ours)


def test_a_pipe_is_exact_at_any_size_in_bounded_memory(tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 50
    with Run(tmp_path, "echo", ":0", "--quiet", "--keep-free", 0) as echo:
        port = echo.port()
        with Run(tmp_path, "connect", f":{port}", "--pipe", "--keep-free", 0, stdin=data) as run:
            run.first()
            pids = [run.process.pid, run.engine(), echo.process.pid, echo.engine()]
            most: dict[int, float] = {}

            def ended() -> bool:
                for pid in pids:
                    with contextlib.suppress(OSError, AssertionError):  # it may end before we look
                        most[pid] = resident_mib(pid, "VmHWM")
                return run.process.poll() is not None

            wait_until(ended)
            assert run.status() == 0
        assert max(most.values()) < 100
        echo.end()
    assert hashlib.sha256(run.out).digest() == hashlib.sha256(data).digest()
    assert run.err[2].endswith(f"{len(data)} bytes received, {len(data)} bytes sent")


def test_more_than_a_batch_in_one_go(tmp_path: Path) -> None:
    data = os.urandom(3 * BATCH)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe") as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(20)
            accepted.sendall(data)
        assert run.status() == 0
    assert run.out == data


def test_nobody_listens_there(tmp_path: Path) -> None:
    with server() as (_, port):
        pass
    run = ran(tmp_path, "connect", f":{port}", "--pipe")
    assert run.status() == 1
    assert len(run.err) == 1
    assert f"tcp://127.0.0.1:{port}: Connection refused (ECONNREFUSED)" in run.err[0]


def test_a_peer_that_resets_is_told_from_one_that_ends(tmp_path: Path) -> None:
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--headless", stdin=None) as run:
        accepted, _ = listener.accept()
        run.type(HELLO)
        accepted.settimeout(20)
        assert read_exactly(accepted, len(HELLO)) == HELLO
        accepted.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        assert run.status() == 1
    assert "ECONNRESET" in run.err[1]
    assert run.err[2].startswith("capture: ")
    assert "= -1 ECONNRESET" in run.out.decode()


def test_connecting_has_a_time_out(tmp_path: Path) -> None:
    with deaf() as port:
        run = ran(tmp_path, "connect", f":{port}", "--quiet", "--timeout", "0.2")
    assert run.status() == 1
    assert "ETIMEDOUT" in run.err[0]


def test_a_signal_ends_it_while_it_connects(tmp_path: Path) -> None:
    place = tmp_path / "c.socktui"
    with deaf() as port, Run(tmp_path, "connect", f":{port}", "--quiet", "--capture", place) as run:
        wait_until(lambda: _count(place) >= 3)
        assert run.end(signal.SIGINT) == 0
    assert run.err == []


def _count(capture: Path) -> int:
    """The calls in a capture that may not be there yet."""
    try:
        return len(all_calls(capture))
    except CaptureError:
        return 0


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port where nothing answers: the accept queue is full, and nobody accepts."""
    with sockets.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            filler = fillers.enter_context(sockets.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()[1]


def test_a_pipe_on_a_disk_without_room_is_a_failure_though_nothing_false_is_printed(tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    with server() as (listener, port), Run(tmp_path, "connect", f":{port}", "--pipe", "--keep-free", 1 << 30) as run:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(data)
            accepted.shutdown(sockets.SHUT_WR)
            assert run.status() == 1
    assert data.startswith(run.out)
