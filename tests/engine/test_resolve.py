"""Names to addresses: in which order, how long it may take, and what is said where there are none."""

import asyncio
import errno as errnos
import socket as sockets
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.resolve import Resolved, first_of, resolve

FOUR, SIX = sockets.AF_INET, sockets.AF_INET6
NAMED = Endpoint.parse("tcp://some.example:80")


def answering(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> list[dict[str, Any]]:
    """Have every name resolve to these hosts; what getaddrinfo(3) is asked is added to the list."""
    asked: list[dict[str, Any]] = []

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        asked.append({"host": host, "port": port, **options})
        return [
            (SIX, 1, 6, "", (each, port, 0, 0)) if ":" in each else (FOUR, 1, 6, "", (each, port)) for each in hosts
        ]

    monkeypatch.setattr(sockets, "getaddrinfo", getaddrinfo)
    return asked


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that does not answer until the event, which the end of the test sets."""
    released = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        released.wait(30)
        return []

    monkeypatch.setattr(sockets, "getaddrinfo", getaddrinfo)
    yield released
    released.set()
    for thread in resolvers():
        thread.join()


def resolvers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "socktui-resolver"]


async def test_addresses_need_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread for an address"))
    assert await resolve(Endpoint.parse("tcp://127.0.0.1:5005")) == [(FOUR, ("127.0.0.1", 5005))]
    assert await resolve(Endpoint.parse("tcp://[::1]:5005")) == [(SIX, ("::1", 5005, 0, 0))]
    assert await resolve(Endpoint.parse("tcp://[fe80::1%lo]:5005")) == [
        (SIX, ("fe80::1", 5005, 0, sockets.if_nametoindex("lo")))
    ]


async def test_the_families_take_turns_and_no_address_comes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8305, section 4: the first family that the resolver names is the first here."""
    answering(monkeypatch, "::1", "::2", "::3", "::1", "192.0.2.1", "192.0.2.1", "192.0.2.2")
    found = [address[0] for _, address in await resolve(NAMED)]
    assert found == ["::1", "192.0.2.1", "::2", "192.0.2.2", "::3"]
    answering(monkeypatch, "192.0.2.1", "::1")
    assert [family for family, _ in await resolve(NAMED)] == [FOUR, SIX]


@pytest.mark.parametrize("passive", [True, False])
async def test_who_binds_asks_for_addresses_to_bind(monkeypatch: pytest.MonkeyPatch, passive: bool) -> None:
    asked = answering(monkeypatch, "192.0.2.1")
    await resolve(NAMED, passive=passive)
    flags = sockets.AI_PASSIVE if passive else 0
    assert asked == [{"host": "some.example", "port": 80, "type": sockets.SOCK_STREAM, "flags": flags}]


@pytest.mark.parametrize("error", [sockets.gaierror(sockets.EAI_NONAME, "unknown"), UnicodeError("label too long")])
async def test_what_the_resolver_says_is_raised(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise error

    monkeypatch.setattr(sockets, "getaddrinfo", getaddrinfo)
    with pytest.raises(type(error)) as told:
        await resolve(NAMED)
    assert told.value is error


async def test_one_that_was_given_up_may_answer_late(stuck: threading.Event) -> None:
    """Nobody waits for its thread, which is a daemon, and what it says then disturbs nobody."""
    asking = asyncio.create_task(resolve(NAMED))
    await asyncio.sleep(0)
    [thread] = resolvers()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert thread.daemon
    assert thread.is_alive()
    stuck.set()
    await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)


def test_the_end_of_the_loop_does_not_wait_for_it(stuck: threading.Event) -> None:
    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolve(NAMED), 0.01)

    asyncio.run(give_up())
    [thread] = resolvers()
    assert thread.is_alive()
    stuck.set()
    thread.join()


# The first that will do


def failing(*hosts: str) -> tuple[list[str], Any]:
    """What makes an address of any but these hosts, and a list of those it was asked for."""
    tried: list[str] = []

    def make(found: Resolved) -> str:
        host: str = found[1][0]
        tried.append(host)
        if host in hosts:
            raise OSError(errnos.ENETUNREACH, f"no way to {host}")
        return host

    return tried, make


async def test_the_first_address_that_will_do_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "::1", "::2", "192.0.2.1")
    tried, make = failing("::1", "192.0.2.1")
    assert await first_of(NAMED, 10, make) == "::2"
    assert tried == ["::1", "192.0.2.1", "::2"]


async def test_where_none_will_do_the_first_one_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "::1", "192.0.2.1")
    _, make = failing("::1", "192.0.2.1")
    with pytest.raises(OSError, match="no way to ::1"):
        await first_of(NAMED, 10, make)


async def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch)
    with pytest.raises(SocketError) as told:
        await first_of(NAMED, 10, lambda found: found)
    assert (told.value.code, told.value.errno) == (ErrorCode.NAME_WITHOUT_ADDRESS, errnos.EADDRNOTAVAIL)


async def test_a_resolver_that_takes_too_long(stuck: threading.Event) -> None:
    with pytest.raises(SocketError) as told:
        await first_of(NAMED, 0.01, lambda found: found)
    assert (told.value.code, told.value.errno) == (ErrorCode.LOOKUP_TIMEOUT, errnos.ETIMEDOUT)
    assert told.value.fields == {"seconds": "0.01"}


@pytest.mark.parametrize(
    ("endpoint", "answer"),
    [("no-such-host.invalid:80", "EAI_"), ("[fe80::1]:80", "EINVAL"), ("[fe80::1%nowhere]:80", "EAI_")],
)
async def test_names_that_lead_nowhere(engine: Engine, endpoint: str, answer: str) -> None:
    with pytest.raises(VerbError) as caught:
        await engine.connect(Endpoint.parse(endpoint), seconds=5)
    assert caught.value.errno.startswith((answer, "ETIMEDOUT"))
    assert "\n" not in caught.value.text
