"""What each service promises, tried between a server and a client of ours."""

import re
import socket as sockets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from socktui.core.endpoint import SCHEMES
from socktui.core.sockets import End
from socktui.services.quotations import QUOTATIONS
from tests.session import Talk
from tests.support import until

RULES = """
[[rule]]
text = "PING"
answer = "PONG"
"""
PRINTABLE = bytes(range(0x20, 0x7F))


async def echo(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"Hello")
    await talk.hears(number, b"Hello")


async def discard(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"Hello")
    await until(lambda: [talk.heard(server) for server in talk.accepted()] == [b"Hello"])
    await typed(talk, number)
    assert talk.heard(number) == b"typed"


async def typed(talk: Talk, number: int) -> None:
    """Send by hand what the client hears after whatever was sent before."""
    [server] = talk.accepted()
    await talk.say(server, b"typed")
    await until(lambda: talk.heard(number).endswith(b"typed"))


async def chargen(talk: Talk) -> None:
    lines = b"".join((PRINTABLE * 2)[first : first + 72] + b"\r\n" for first in range(10))
    number = await talk.client()
    if talk.messages:
        await talk.say(number, b"?")
        await until(lambda: talk.received(number))
        [message] = talk.received(number)
        assert lines.startswith(message)
    else:
        await until(lambda: len(talk.heard(number)) >= len(lines))
        assert talk.heard(number).startswith(lines)


async def random(talk: Talk) -> None:
    number = await talk.client()
    if talk.messages:
        for count in (1, 2):
            await talk.say(number, b"?")
            await until(lambda count=count: len(talk.received(number)) == count)  # type: ignore[misc]
        assert [len(message) for message in talk.received(number)] == [512, 512]
    await until(lambda: len(talk.heard(number)) >= 1024)
    heard = talk.heard(number)
    assert heard[:512] != heard[512:1024]


async def qotd(talk: Talk) -> None:
    heard = await said_and_over(talk)
    assert heard.removesuffix(b"\r\n").decode() in QUOTATIONS
    assert len(heard) < 512


async def daytime(talk: Talk) -> None:
    heard = await said_and_over(talk)
    assert re.fullmatch(rb"\w+, \w+ \d\d, 20\d\d \d\d:\d\d:\d\d-\S+\r\n", heard)


async def seconds(talk: Talk) -> None:
    heard = await said_and_over(talk)
    assert len(heard) == 4
    assert abs(int.from_bytes(heard, "big") - time.time() - 25567 * 86400) < 600  # days from 1900 to 1970


async def said_and_over(talk: Talk) -> bytes:
    """What the service says of itself; then it closes, or says it to each datagram."""
    number = await talk.served()
    await until(lambda: talk.heard(number))
    heard = talk.heard(number)
    if talk.connected:
        await until(lambda: talk.socket(number).end is End.PEER_FIN)
        assert talk.heard(number) == heard
    else:
        await talk.ask_again(number)
        await until(lambda: len(talk.received(number)) == 2)
        assert talk.socket(number).open
    return heard


async def manual(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"Hello")
    await until(lambda: [talk.heard(server) for server in talk.accepted()] == [b"Hello"])
    assert talk.heard(number) == b""
    await typed(talk, number)


async def http(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"GET /ip HTTP/1.1\r\nHost: here\r\n\r\n")
    await until(lambda: b'"origin": ' in talk.heard(number))
    assert talk.heard(number).startswith(b"HTTP/1.1 200 OK\r\n")


async def broadcast(talk: Talk) -> None:
    one = await talk.client()
    await talk.say(one, b"I am one")
    await until(lambda: [talk.heard(server) for server in talk.accepted()] == [b"I am one"])
    if talk.endpoint.scheme == "raw":
        # Two clients of ours would have one address, and be one peer.
        with sockets.socket(sockets.AF_INET, sockets.SOCK_RAW, talk.endpoint.port) as other:
            other.bind(("127.0.0.3", 0))
            other.sendto(b"I am two", (talk.endpoint.host, 0))
            await talk.hears(one, b"I am two")
        return
    two = await talk.client()
    await talk.say(two, b"I am two")
    await talk.hears(one, b"I am two")
    await talk.say(one, b"Hello, two")
    await talk.hears(two, b"Hello, two")
    assert talk.heard(one) == b"I am two"


async def literal(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"Hello")
    await talk.hears(number, b"\x00World\r\n")


async def script(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"PING")
    await talk.hears(number, b"PONG")


async def clogged(talk: Talk) -> None:
    """What a bound datagram socket receives is not given to the service, which cannot be seen."""
    number = await talk.client()
    await talk.say(number, b"Hello")
    await until(lambda: len(talk.accepted()) == 1)
    await typed(talk, number)
    assert talk.heard(number) == b"typed"
    if talk.connected:
        assert talk.received(talk.accepted()[0]) == []


async def slow(talk: Talk) -> None:
    number = await talk.client()
    for _ in range(3):
        await talk.say(number, b"ten bytes.")
    await talk.hears(number, b"ten bytes." * 3)
    times = [call.time for call in talk.moving(talk.accepted()[0]) if call.sends]
    assert times[-1] - times[0] >= 0.19e9  # ns for twenty bytes


async def close_after(talk: Talk) -> None:
    number = await talk.client()
    await talk.say(number, b"Hello, World!")
    await talk.hears(number, b"Hello")
    if talk.connected:
        await until(lambda: talk.socket(number).end is End.PEER_FIN)
    else:
        await talk.say(number, b"World")
        await talk.hears(number, b"HelloWorld")


async def reset_after(talk: Talk) -> None:
    """A UNIX socket has no RST (unix(7)): its peer sees an end. Over TCP, one may overtake what was said."""
    number = await talk.client()
    await talk.say(number, b"Hello, World!")
    await until(lambda: not talk.socket(number).open)
    [server] = talk.accepted()
    assert talk.sent(server) == [b"Hello"]
    assert b"Hello".startswith(talk.heard(number))
    unix = SCHEMES[talk.endpoint.scheme].form == "path"
    assert talk.socket(number).end is (End.PEER_FIN if unix else End.PEER_RESET)
    assert talk.socket(server).end is (End.CLOSED if unix else End.RESET)


PROMISES: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "echo": echo,
    "discard": discard,
    "chargen": chargen,
    "qotd": qotd,
    "daytime": daytime,
    "time": seconds,
    "manual": manual,
    "http": http,
    "broadcast": broadcast,
    "literal": literal,
    "script": script,
    "random": random,
    "clogged": clogged,
    "slow": slow,
    "close-after": close_after,
    "reset-after": reset_after,
}
ARGUMENTS = {"literal": r"\0World\r\n", "slow": "100", "close-after": "5", "reset-after": "5"}


def spec(name: str, folder: Path) -> str:
    """A service as a listener is asked for it, with an argument where it takes one."""
    if name == "script":
        (folder / "rules.toml").write_text(RULES)
        return f"script={folder / 'rules.toml'}"
    return f"{name}={ARGUMENTS[name]}" if name in ARGUMENTS else name
