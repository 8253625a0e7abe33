"""The way to the engine: what is asked for before it is up, what it answers, and how its end is noticed."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from socktui.control.client import Engine, EngineGone
from socktui.control.messages import LINE_LIMIT, VerbError
from socktui.control.start import Start
from socktui.control.verbs import Close, Connect, Listen, Send
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
from socktui.journal.reader import Reader
from tests.support import (
    SECONDS,
    all_sockets,
    carried,
    listening,
    peer,
    read_exactly,
    running_engine,
    until,
    wait_until,
)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_ended_before_it_was_ready(capture: Path) -> None:
    engine = Engine(capture)
    await engine.end()
    assert not alive(engine.pid)


async def test_ended_twice(engine: Engine) -> None:
    await engine.end()
    await engine.end()
    with pytest.raises(EngineGone):
        await engine.request(Listen(Endpoint.parse(":0")))


async def test_a_request_that_is_too_long_is_refused_here(engine: Engine) -> None:
    with pytest.raises(VerbError, match="too much to be sent at once") as caught:
        await engine.request(Send((1,), bytes(LINE_LIMIT)))
    assert (caught.value.code, caught.value.errno) == (ErrorCode.REQUEST_TOO_LONG, "EMSGSIZE")
    assert await listening(engine)


async def test_an_engine_that_was_killed(engine: Engine) -> None:
    """Whoever waits for it is told, in a sentence, and the capture has all that was counted."""
    port = await listening(engine)
    with peer(port) as sock:
        sock.sendall(b"Hello")
        assert read_exactly(sock, 5) == b"Hello"
        _, pending = engine.begin(Connect(Endpoint.parse(":1"), seconds=60))
        _, stuck = engine.begin(Send((2,), b"\x00\x00\x00" * (8 << 20)))
        os.kill(engine.pid, signal.SIGKILL)
        await asyncio.wait_for(engine.gone.wait(), 10)
        with pytest.raises(EngineGone, match="the engine has ended; what it captured is kept in"):
            await stuck
        with pytest.raises(VerbError):
            await pending
        with pytest.raises(EngineGone):
            await engine.request(Listen(Endpoint.parse(":0")))
    with Reader(engine.capture) as reader:
        assert not reader.closed_in_order
    assert carried(engine.capture, 2, "recv") == b"Hello"


async def test_a_capture_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken.log").write_text("mine")
    for path, why in [("taken", "exists already"), ("no/where", "No such file or directory")]:
        engine = Engine(tmp_path / path)
        with pytest.raises(VerbError, match=f"cannot be made: .*{why}"):
            await engine.ready()
        await engine.end()
    assert (tmp_path / "taken.log").read_text() == "mine"


@pytest.mark.parametrize("busy", [False, True])
def test_a_killed_parent_leaves_no_engine_behind(capture: Path, busy: bool) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from socktui.control.client import Engine
        from socktui.control.verbs import SetBuffer
        from socktui.core.endpoint import Endpoint
        from socktui.journal.reader import Reader

        async def main():
            engine = Engine(Path(sys.argv[1]))
            await engine.ready()
            number = await engine.listen(Endpoint.parse(":0"))
            print(engine.pid, Reader(engine.capture).socket(number).local.rpartition(":")[2], flush=True)
            while True:
                if sys.argv[2] == "True":
                    engine.begin(SetBuffer(number, 65536))  # its answers are not waited for
                await asyncio.sleep(0)

        asyncio.run(main())
        """
    )
    command = [sys.executable, "-c", program, str(capture), str(busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, port = map(int, parent.stdout.readline().split())
        with peer(port) as sock:
            sock.sendall(b"Hello")
            assert read_exactly(sock, 5) == b"Hello"
            parent.kill()
            parent.wait()
            wait_until(lambda: not alive(pid), 5)
            assert sock.recv(1) == b""  # it said goodbye
    with Reader(capture) as reader:
        assert reader.closed_in_order
    assert carried(capture, 2, "recv") == carried(capture, 2, "send") == b"Hello"


async def test_an_error_has_a_code_an_errno_fields_and_a_sentence(engine: Engine) -> None:
    with pytest.raises(VerbError) as caught:
        await engine.request(Close(9))
    error = caught.value
    assert (error.code, error.errno, error.fields) == (ErrorCode.NO_OPEN_CONNECTION, "", {"socket": 9})
    assert error.text == str(error) == "socket 9 is no open connection"


async def test_what_a_start_asks_for_is_made(engine: Engine) -> None:
    number = await engine.start(Start(Listen(Endpoint.parse(":0"))))
    assert number == 1
    endpoint = Endpoint.at("tcp", all_sockets(engine.capture)[0].local)
    client = await engine.start(Start(Connect(endpoint), b"Hello"))
    await until(lambda: all_sockets(engine.capture)[client - 1].received == 5)


async def test_the_note_of_a_listener_is_kept(engine: Engine) -> None:
    number = await engine.listen(Endpoint.parse("tls://127.0.0.1:0"))
    assert "curl --cacert" in engine.notes[number]
    await engine.listen(Endpoint.parse(":0"))
    assert list(engine.notes) == [number]


async def test_a_successor_has_the_same_options(tmp_path: Path) -> None:
    async with running_engine(tmp_path / "one", floor=1 << 62) as engine:
        heir = engine.successor(tmp_path / "two")
        try:
            await heir.ready()
            assert heir.capture == tmp_path / "two"
            assert Path(f"/proc/{heir.pid}/cmdline").read_bytes().split(b"\0")[-2] == b"%d" % (1 << 62)
        finally:
            await heir.end()


async def test_nothing_is_raised_while_it_goes_on(engine: Engine) -> None:
    engine.raise_if_gone()
    os.kill(engine.pid, signal.SIGKILL)
    await asyncio.wait_for(engine.gone.wait(), SECONDS)
    with pytest.raises(EngineGone, match="what it captured is kept in"):
        engine.raise_if_gone()
