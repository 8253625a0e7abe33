"""The verbs and their answers, and how they are written as JSON."""

import json
from dataclasses import fields
from typing import Any, assert_type, get_args

import pytest

from socktui.control import verbs
from socktui.control.client import Engine
from socktui.control.verbs import (
    Answer,
    BadMessage,
    Close,
    Connect,
    Connected,
    Done,
    Listen,
    Listening,
    Reset,
    Send,
    SendFile,
    Sent,
    SetBuffer,
    Shutdown,
    Stop,
    Verb,
)
from socktui.core.endpoint import Endpoint
from socktui.core.limits import BACKLOG, BACKLOG_MAX, BUFFER_MAX, BUFFER_SIZE, CONNECT_SECONDS

AT = Endpoint.parse("wss://user.example:443/chat?verify=no")

EVERY: list[tuple[Verb[Answer], dict[str, Any]]] = [
    (
        Listen(AT, "slow=20", 7, 5),
        {"endpoint": str(AT), "service": "slow=20", "buffer": 7, "backlog": 5},
    ),
    (Connect(AT, 2.5, 7), {"endpoint": str(AT), "seconds": 2.5, "buffer": 7}),
    (
        Send((2, 3), b"\x00\xff", "text", 5, 20),
        {"sockets": [2, 3], "data": "AP8=", "kind": "text", "count": 5, "interval": 20},
    ),
    (SendFile((2,), "/x\udcff", 5, 20), {"sockets": [2], "path": "/x\udcff", "count": 5, "interval": 20}),
    (Shutdown(2), {"socket": 2}),
    (Close(2), {"socket": 2}),
    (Reset(2), {"socket": 2}),
    (SetBuffer(2, 20), {"socket": 2, "size": 20}),
    (Stop(9), {"request": 9}),
]

ANSWERS: list[tuple[Verb[Answer], Answer, dict[str, Any]]] = [
    (Listen(AT), Listening(1, "a note"), {"socket": 1, "note": "a note"}),
    (Connect(AT), Connected(2), {"socket": 2}),
    (Send((2,), b"x"), Sent(1 << 40), {"size": 1 << 40}),
    (SendFile((2,), "/x"), Sent(0), {"size": 0}),
    (Close(2), Done(), {}),
]


def test_every_verb_is_here() -> None:
    assert {type(verb) for verb, _ in EVERY} == set(verbs.VERBS.values())


@pytest.mark.parametrize(("verb", "args"), EVERY)
def test_a_verb_is_written_and_read(verb: Verb[Answer], args: dict[str, Any]) -> None:
    assert verbs.to_json(verb) == args
    again = json.loads(json.dumps(args))
    assert verbs.verb_from_json(verbs.name_of(verb), again) == verb


@pytest.mark.parametrize(("verb", "answer", "result"), ANSWERS)
def test_an_answer_is_written_and_read(verb: Verb[Answer], answer: Answer, result: dict[str, Any]) -> None:
    assert verbs.to_json(answer) == result
    assert verbs.answer_from_json(verb, json.loads(json.dumps(result))) == answer


def test_what_is_not_said_is_the_default() -> None:
    assert verbs.verb_from_json("listen", {"endpoint": ":5005"}) == Listen(
        Endpoint.parse(":5005"), "echo", BUFFER_SIZE, BACKLOG
    )
    assert verbs.verb_from_json("connect", {"endpoint": ":5005"}) == Connect(
        Endpoint.parse(":5005"), CONNECT_SECONDS, BUFFER_SIZE
    )
    assert verbs.verb_from_json("send", {"sockets": [1]}) == Send((1,))


WRONG: list[tuple[Any, Any, str]] = [
    ("gopher", {}, "there is no such verb: one of listen, connect, send, send_file"),
    (None, {}, "there is no such verb"),
    (["close"], {}, "there is no such verb"),
    ("close", None, "its arguments have to be an object, not None"),
    ("close", [], "its arguments have to be an object"),
    ("close", {}, "its socket is missing"),
    ("close", {"socket": 1, "reason": "x"}, "it has no 'reason': its arguments are socket"),
    ("close", {"socket": "1"}, "its socket has to be a whole number from 1 to 4294967295, not '1'"),
    ("close", {"socket": True}, "its socket has to be a whole number"),
    ("close", {"socket": 1.0}, "its socket has to be a whole number"),
    ("close", {"socket": 0}, "its socket has to be a whole number"),
    ("close", {"socket": 1 << 32}, "its socket has to be a whole number"),
    ("set_buffer", {"socket": 1, "size": 0}, "its size has to be a whole number from 1 to 1048576, not 0"),
    ("set_buffer", {"socket": 1, "size": BUFFER_MAX + 1}, "its size has to be a whole number"),
    ("listen", {"endpoint": "nonsense"}, "its endpoint is none: the port is missing: write 'nonsense':port"),
    ("listen", {"endpoint": ["x"]}, "its endpoint has to be a text"),
    ("listen", {"endpoint": ":0", "backlog": BACKLOG_MAX + 1}, "its backlog has to be a whole number from 1 to 65535"),
    ("listen", {"endpoint": ":0", "service": "x" * 70_000}, "its service has to be a text of at most 65536 characters"),
    ("connect", {"endpoint": ":1", "seconds": 0}, "its seconds has to be a number of seconds above 0"),
    ("connect", {"endpoint": ":1", "seconds": float("nan")}, "its seconds has to be a number of seconds above 0"),
    ("connect", {"endpoint": ":1", "seconds": float("inf")}, "its seconds has to be a number of seconds above 0"),
    ("connect", {"endpoint": ":1", "seconds": "5"}, "its seconds has to be a number of seconds above 0"),
    ("send", {"data": "AA=="}, "its sockets is missing"),
    ("send", {"sockets": []}, "its sockets has to be a list of sockets"),
    ("send", {"sockets": 2}, "its sockets has to be a list of sockets"),
    ("send", {"sockets": ["2"]}, "its sockets has to be a whole number"),
    ("send", {"sockets": [2], "data": "!"}, "its data has to be bytes in base64"),
    ("send", {"sockets": [2], "data": 5}, "its data has to be bytes in base64"),
    ("send", {"sockets": [2], "data": "ы"}, "its data has to be bytes in base64"),
    ("send", {"sockets": [2], "count": 0}, "its count has to be a whole number from 1 to"),
    ("send", {"sockets": [2], "interval": -1}, "its interval has to be a whole number from 0 to"),
    ("send_file", {"sockets": [2]}, "its path is missing"),
]


@pytest.mark.parametrize(("name", "args", "why"), WRONG)
def test_what_makes_no_sense_is_one_sentence(name: Any, args: Any, why: str) -> None:
    with pytest.raises(BadMessage) as caught:
        verbs.verb_from_json(name, args)
    assert why in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_an_answer_that_makes_no_sense() -> None:
    with pytest.raises(BadMessage, match="its socket is missing"):
        verbs.answer_from_json(Connect(AT), {})


def test_verbs_are_values() -> None:
    assert Close(2) == Close(2) != Close(3)
    assert len({Close(2), Close(2), Reset(2)}) == 2
    with pytest.raises(AttributeError):
        Close(2).socket = 3  # type: ignore[misc]


def test_every_field_says_how_it_is_written() -> None:
    for kind in (*verbs.VERBS.values(), *get_args(Answer)):
        for each in fields(kind):
            assert isinstance(verbs._form(each), verbs._Form)


async def test_the_type_checker_knows_the_answer(engine: Engine) -> None:
    assert_type(await engine.request(Listen(Endpoint.parse(":0"))), Listening)
    assert_type(await engine.request(Close(1)), Done)
    _, answer = engine.begin(SendFile((1,), "/x"))
    if answer.done():
        assert_type(answer.result(), Sent)
