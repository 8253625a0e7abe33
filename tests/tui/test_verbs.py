"""What the keys have the engine do: typed verbs, and what comes of them, without a screen."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from socktui.control.client import Engine
from socktui.control.messages import Failure, VerbError
from socktui.control.verbs import Close, Reset, Send, SendFile, Sent, Shutdown, Stop
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
from socktui.core.sockets import Role, Socket, State
from socktui.tui.outgoing import Payload
from socktui.tui.verbs import PORTS_TRIED, Verbs

TAKEN = VerbError("taken", Failure(ErrorCode.KERNEL, "EADDRINUSE"))


class Recorder:
    """An engine that writes down what it is asked for, and answers as it is told.

    refusals  what the next requests are answered by, before they are carried out
    """

    def __init__(self, *refusals: VerbError) -> None:
        self.asked: list[Any] = []
        self.refusals = list(refusals)
        self.answers: list[asyncio.Future[Any]] = []

    async def listen(self, endpoint: Endpoint, service: str) -> int:
        return self._answer(("listen", str(endpoint), service))

    async def connect(self, endpoint: Endpoint) -> int:
        return self._answer(("connect", str(endpoint)))

    async def request(self, verb: Any) -> None:
        self._answer(verb)

    def begin(self, verb: Any) -> tuple[int, asyncio.Future[Any]]:
        self.asked.append(verb)
        self.answers.append(asyncio.get_running_loop().create_future())
        return len(self.answers), self.answers[-1]

    def _answer(self, asked: Any) -> int:
        self.asked.append(asked)
        if self.refusals:
            raise self.refusals.pop(0)
        return 7


def verbs(engine: Recorder, *taken: int) -> Verbs:
    return Verbs(cast(Engine, engine), lambda: set(taken))


def listener(local: str) -> Socket:
    return Socket(1, netid="tcp", local=local, scheme="tcp", role=Role.LISTENER, state=State.LISTEN)


async def test_an_echo_server_takes_the_first_port_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socktui.tui.dialogs.DEFAULT_ENDPOINT", "tcp://127.0.0.1:5005")
    engine = Recorder(TAKEN, TAKEN)
    number, endpoint = await verbs(engine, 5005, 5007).echo_server()
    assert (number, str(endpoint)) == (7, "tcp://127.0.0.1:5009")
    assert [each[1].rpartition(":")[2] for each in engine.asked] == ["5006", "5008", "5009"]
    assert {each[2] for each in engine.asked} == {"echo"}


async def test_it_does_not_try_for_ever_nor_after_another_error() -> None:
    engine = Recorder(*[TAKEN] * 100)
    with pytest.raises(VerbError, match="taken"):
        await verbs(engine).echo_server()
    assert len(engine.asked) == PORTS_TRIED
    engine = Recorder(VerbError("no", Failure(ErrorCode.KERNEL, "EACCES")))
    with pytest.raises(VerbError, match="no"):
        await verbs(engine).echo_server()
    assert len(engine.asked) == 1


@pytest.mark.parametrize(
    ("local", "towards"),
    [("0.0.0.0:80", "tcp://127.0.0.1:80"), ("[::]:80", "tcp://[::1]:80"), ("127.0.0.2:80", "tcp://127.0.0.2:80")],
)
async def test_a_client_goes_to_where_this_machine_reaches_the_listener(local: str, towards: str) -> None:
    engine = Recorder()
    assert await verbs(engine).client(listener(local)) == 7
    assert engine.asked == [("connect", towards)]


async def test_each_way_to_end_a_connection_is_its_verb() -> None:
    engine = Recorder()
    connection = Socket(3, role=Role.CLIENT, state=State.ESTAB)
    for how in ("close", "shutdown", "reset"):
        await verbs(engine).end(how, connection)
    assert engine.asked == [Close(3), Shutdown(3), Reset(3)]


async def test_what_cannot_be_is_not_asked_for() -> None:
    engine = Recorder()
    closed = Socket(3, role=Role.CLIENT)
    closed.over(1)
    with pytest.raises(VerbError, match="#3 is closed already: closed here") as caught:
        await verbs(engine).end("close", closed)
    assert caught.value.code is ErrorCode.NOT_ASKED
    with pytest.raises(VerbError, match="a listener has no sending side"):
        await verbs(engine).end("reset", listener("127.0.0.1:1"))
    with pytest.raises(VerbError, match="nothing is being sent"):
        await verbs(engine).stop()
    assert engine.asked == []


async def test_what_is_being_sent_is_known_until_it_has_gone_and_can_be_stopped(tmp_path: Path) -> None:
    engine, told = Recorder(), list[Sent | VerbError]()
    used = verbs(engine)
    used.send(Payload(b"hello"), [1, 2], told.append, count=3, interval=10)
    used.send(Payload(b"", tmp_path / "file"), [1], told.append)
    assert engine.asked == [Send((1, 2), b"hello", "", 3, 10), SendFile((1,), str(tmp_path / "file"), 1, 0)]
    assert used.repeating
    await used.stop()
    assert set(engine.asked[2:]) == {Stop(1), Stop(2)}
    engine.answers[0].set_result(Sent(30))
    engine.answers[1].set_exception(TAKEN)
    await asyncio.sleep(0)
    assert told == [Sent(30), TAKEN]
    assert not used.repeating
