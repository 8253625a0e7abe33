"""WebSocket with the ws package of npm, both ways, and curl with the page."""

import json
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close, Send
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from socktui.journal.reader import Reader
from tests.peers.conftest import Run
from tests.peers.npm_peers import cache_folder, installed
from tests.peers.programs import Program
from tests.support import all_sockets, listening, until

ANY = "ws://127.0.0.1:0"

pytestmark = pytest.mark.peer


@pytest.fixture(scope="session")
def npm() -> Path:
    return installed(cache_folder())


def lines(program: Program) -> list[dict[str, Any]]:
    """What it has written so far."""
    return [json.loads(line) for line in program.out.decode().splitlines(keepends=True) if line.endswith("\n")]


def moved(engine: Engine, number: int) -> list[tuple[str, Any, int]]:
    """The messages of a socket: send or recv, the kind, the size; of a close the code."""
    found = []
    with Reader(engine.capture) as reader:
        for call in map(reader.call, range(reader.count)):
            if call.socket == number and call.name in (Function.WS_SEND, Function.WS_RECV) and not call.failed:
                kind, *more = call.args
                found.append((str(call.name)[3:], more[0] if more else kind, call.length))
    return found


async def send(engine: Engine, number: int, data: bytes, kind: str = "") -> None:
    await engine.request(Send((number,), data, kind=kind))


@pytest.mark.parametrize("deflate", [True, False])
async def test_their_client(engine: Engine, run: Run, npm: Path, deflate: bool) -> None:
    port = await listening(engine, f"{ANY}/?subprotocol=chat")
    steps = [
        {"text": "Привет"},
        {"text": ""},
        {"hex": "00ff80"},
        {"ping": "are you there"},
        {"fragments": ["in ", "three ", "parts"]},
        {"text": "Hello, World! ", "times": 100_000},
        {"text": "again"},
    ]
    address = f"ws://127.0.0.1:{port}/any/path"
    client = run("node", npm / "client.mjs", address, json.dumps(steps), "chat", *(["deflate"] if deflate else []))
    assert await client.status() == 0, client.err
    first, *rest = lines(client)
    assert first["protocol"] == "chat"
    assert ("permessage-deflate" in first["extensions"]) == deflate
    assert rest == [
        {"text": "Привет"},
        {"text": ""},
        {"binary": "00ff80"},
        {"pong": "are you there"},
        {"text": "in three parts"},
        {"text": "1400000 bytes"},
        {"text": "again"},
        {"code": 1000, "reason": "that was all"},
    ]
    await until(lambda: not all_sockets(engine.capture)[1].open)
    assert all_sockets(engine.capture)[1].end is End.PEER_FIN
    assert moved(engine, 2)[-2:] == [("recv", 1000, 14), ("send", 1000, 14)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [("8180000000", 1006), ("c18100000000ff", 1002), ("818100000000ff", 1007), ("82ff400000000000000000000000", 1009)],
)
async def test_their_client_is_told_what_it_did_wrong(engine: Engine, run: Run, npm: Path, raw: str, code: int) -> None:
    port = await listening(engine, ANY)
    client = run("node", npm / "client.mjs", f"ws://127.0.0.1:{port}", json.dumps([{"raw": raw}]))
    if code == 1006:  # cut off in the middle: it waits for more, until the engine goes
        await until(lambda: lines(client))
        await engine.end()
        code = 1001
    assert await client.status() == 0, client.err
    assert lines(client)[-1]["code"] == code


@pytest.mark.parametrize("deflate", [True, False])
async def test_their_server(engine: Engine, run: Run, npm: Path, deflate: bool) -> None:
    server = run("node", npm / "server.mjs", *(["deflate"] if deflate else []))
    port = (await until(lambda: lines(server)))[0]["port"]
    options = "subprotocol=soup,chat&origin=http://here.example"
    number = await engine.connect(Endpoint.parse(f"ws://127.0.0.1:{port}/room?x=1&{options}"))
    big = b"Hello, World! " * 100_000
    for data, kind in ((b"text", ""), (b"\xff\x00", ""), (b"", ""), (b"now", "ping"), (big, ""), (b"ping me", "")):
        before = len(moved(engine, number))
        await send(engine, number, data, kind)
        wanted = before + (3 if data == b"ping me" else 2)
        await until(lambda wanted=wanted: len(moved(engine, number)) >= wanted)  # type: ignore[misc]
    await send(engine, number, b"close yourself")
    await until(lambda: not all_sockets(engine.capture)[number - 1].open)
    assert moved(engine, number) == [
        ("send", "text", 4),
        ("recv", "text", 4),
        ("send", "binary", 2),
        ("recv", "binary", 2),
        ("send", "text", 0),
        ("recv", "text", 0),
        ("send", "ping", 3),
        ("recv", "pong", 3),
        ("send", "text", len(big)),
        ("recv", "text", len(big)),
        ("send", "text", 7),
        ("recv", "ping", 13),
        ("send", "pong", 13),
        ("send", "text", 14),
        ("recv", 4001, 13),
        ("send", 4001, 13),
    ]
    assert all_sockets(engine.capture)[number - 1].end is End.PEER_FIN
    said = await until(lambda: lines(server) if "code" in lines(server)[-1] else None)
    assert said is not None
    assert (said[1]["path"], said[1]["protocol"], said[1]["origin"]) == ("/room?x=1", "chat", "http://here.example")
    assert ("permessage-deflate" in said[1]["extensions"]) == deflate
    assert said[-1] == {"code": 4001, "reason": "as you wish"}
    server.kill()


async def test_their_server_drops_us(engine: Engine, run: Run, npm: Path) -> None:
    server = run("node", npm / "server.mjs")
    port = (await until(lambda: lines(server)))[0]["port"]
    number = await engine.connect(Endpoint.parse(f"ws://127.0.0.1:{port}"))
    await send(engine, number, b"drop")
    await until(lambda: not all_sockets(engine.capture)[number - 1].open)
    socket = all_sockets(engine.capture)[number - 1]
    assert socket.reason == "the connection ended without a close (1006)" or socket.end is End.PEER_RESET
    server.kill()


async def test_we_close_their_server(engine: Engine, run: Run, npm: Path) -> None:
    server = run("node", npm / "server.mjs")
    port = (await until(lambda: lines(server)))[0]["port"]
    number = await engine.connect(Endpoint.parse(f"ws://127.0.0.1:{port}"))
    await engine.request(Close(number))
    await until(lambda: lines(server)[-1] == {"code": 1000, "reason": ""})
    await until(lambda: not all_sockets(engine.capture)[number - 1].open)
    assert moved(engine, number) == [("send", 1000, 2), ("recv", 1000, 2)]
    server.kill()


async def test_curl_gets_the_page(engine: Engine, run: Run) -> None:
    port = await listening(engine, ANY)
    curl = run("curl", "-sSv", f"http://127.0.0.1:{port}/any")
    assert await curl.status() == 0, curl.err
    assert "< HTTP/1.1 200 OK" in curl.err
    assert curl.out.startswith(b"<!doctype html>")
    curl = run("curl", "-sSI", f"http://127.0.0.1:{port}/")
    assert await curl.status() == 0, curl.err
    assert curl.out.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/html")


async def test_curl_posts_and_is_told_what_there_is(engine: Engine, run: Run) -> None:
    port = await listening(engine, ANY)
    curl = run("curl", "-sSf", "--data", "x" * 100_000, f"http://127.0.0.1:{port}/")
    assert await curl.status() == 22, curl.err
    assert "405" in curl.err


async def test_curl_opens_a_websocket_by_hand(engine: Engine, run: Run) -> None:
    """curl speaks no WebSocket before 7.86, and not everywhere since: it asks for the upgrade, and shows the frames."""
    port = await listening(engine, ANY, "daytime")
    headers = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    curl = run("curl", "-siN", "--http1.1", *(part for line in headers for part in ("-H", line)), f"127.0.0.1:{port}")
    await curl.status()
    assert b"HTTP/1.1 101 Switching Protocols\r\n" in curl.out
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in curl.out
