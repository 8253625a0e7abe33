"""The HTTP server over TCP: real curl, and requests written by hand, the wrong ones as well."""

import asyncio
import json
import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.endpoint import Endpoint
from socktui.services import http as server
from socktui.services.http import BODY_MOST, HEAD_MOST
from tests.peers.programs import path_of
from tests.services.visitor import Visitor, served
from tests.support import SECONDS, all_sockets, carried, listening, peer, read_all, until


async def curl(*words: str, feed: bytes = b"") -> tuple[str, str]:
    """What curl writes, its output and what -v tells."""
    process = await asyncio.create_subprocess_exec(
        path_of("curl"), "-sSv", "--noproxy", "*", "--max-time", "20", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(feed)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


@pytest.fixture
async def url(engine: Engine) -> str:
    return f"http://127.0.0.1:{await listening(engine, service='http')}"


# By curl


@pytest.mark.peer
async def test_curl_gets_twice_over_one_connection(engine: Engine, url: str) -> None:
    out, told = await curl(f"{url}/ip", f"{url}/get?a=1")
    assert out == '{\n  "origin": "127.0.0.1"\n}\n' + out[out.index("}") + 2 :]
    assert json.loads(out[out.index("}") + 2 :])["url"] == f"{url}/get?a=1"
    assert "Re-using existing connection" in told
    assert "< HTTP/1.1 200 OK" in told
    assert "< Content-Type: application/json" in told
    assert len(all_sockets(engine.capture)) == 2


@pytest.mark.peer
async def test_curl_as_http_1_0(url: str) -> None:
    out, told = await curl("--http1.0", f"{url}/stream/3")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [0, 1, 2]
    assert "< Connection: close" in told
    assert "chunked" not in told


@pytest.mark.peer
async def test_curl_reads_a_stream_in_chunks(url: str) -> None:
    out, told = await curl(f"{url}/stream/3", f"{url}/ip")
    assert [json.loads(line)["id"] for line in out.splitlines()[:3]] == [0, 1, 2]
    assert "< Transfer-Encoding: chunked" in told
    assert "Re-using existing connection" in told


@pytest.mark.peer
@pytest.mark.parametrize("path", ["/get", "/stream/3", "/bytes/100", "/status/404"])
async def test_curl_asks_for_heads(url: str, path: str) -> None:
    """A body after the first head would be taken for the head of the second answer."""
    out, told = await curl("-I", f"{url}{path}", f"{url}/ip")
    assert out.count("HTTP/1.1 ") == 2
    assert "Content-Length: 28" in out.split("\r\n\r\n")[1]
    assert "Re-using existing connection" in told


@pytest.mark.peer
async def test_curl_posts(url: str, tmp_path: Path) -> None:
    out, _ = await curl("-d", "a=1&b=x%20y", f"{url}/post")
    assert json.loads(out)["form"] == {"a": "1", "b": "x y"}
    file = tmp_path / "file"
    file.write_bytes(b"what is in it")
    out, _ = await curl("-F", "a=1", "-F", f"f=@{file}", f"{url}/post")
    assert (json.loads(out)["form"], json.loads(out)["files"]) == ({"a": "1"}, {"f": "what is in it"})


@pytest.mark.peer
async def test_curl_posts_in_chunks(url: str) -> None:
    body = json.dumps(list(range(20_000))).encode()
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/json", "--data-binary", "@-")
    out, told = await curl(*chunked, f"{url}/post", feed=body)
    assert json.loads(out)["json"] == list(range(20_000))
    assert "> Transfer-Encoding: chunked" in told


@pytest.mark.peer
async def test_curl_waits_for_100(url: str) -> None:
    out, told = await curl("-H", "Expect: 100-continue", "--data-binary", "@-", f"{url}/put", "-X", "PUT", feed=b"x=1")
    assert told.index("< HTTP/1.1 100 Continue") < told.index("< HTTP/1.1 200 OK")
    assert json.loads(out)["form"] == {"x": "1"}


@pytest.mark.peer
@pytest.mark.parametrize("how", ["Expect: 100-continue", "Expect:", "Transfer-Encoding: chunked"])
async def test_curl_is_told_that_a_body_is_too_large(url: str, how: str) -> None:
    """It reads the answer although it is not done sending."""
    out, told = await curl("-H", how, "--data-binary", "@-", f"{url}/post", feed=b"x" * (BODY_MOST * 3))
    assert "< HTTP/1.1 413 " in told
    assert "100 Continue" not in told or how == "Transfer-Encoding: chunked"
    assert json.loads(out)["error"] == f"a body has at most {BODY_MOST} bytes here"


@pytest.mark.peer
async def test_curl_is_told_that_a_head_is_too_large(url: str) -> None:
    _, told = await curl("-H", "X-Long: " + "x" * HEAD_MOST * 2, f"{url}/get")
    assert "< HTTP/1.1 431 " in told


@pytest.mark.peer
async def test_curl_gets_what_it_wants_late(url: str) -> None:
    out, _ = await curl("-o", "/dev/null", "-w", "%{time_total} %{http_code}", f"{url}/delay/0.3")
    seconds, code = out.split()
    assert float(seconds) >= 0.3
    assert code == "200"


@pytest.mark.peer
async def test_curl_over_ipv6_and_over_a_unix_socket(engine: Engine, tmp_path: Path) -> None:
    out, _ = await curl(f"http://[::1]:{await listening(engine, 'tcp://[::1]:0', 'http')}/ip")
    assert json.loads(out) == {"origin": "::1"}
    path = tmp_path / "s:1"
    await engine.listen(Endpoint.parse(f"unix://{path}"), "http")
    out, _ = await curl("--unix-socket", str(path), "http://localhost/get", "http://localhost/get")
    assert json.loads(out[: len(out) // 2])["origin"] == ""


# By hand


async def said(engine: Engine, data: bytes) -> bytes:
    """All that comes back for this, up to the server's FIN; ours is not sent."""
    with peer(await listening(engine, service="http")) as sock:
        sock.sendall(data)
        return read_all(sock)


async def test_the_request_of_the_lecture(engine: Engine) -> None:
    """HTTP/1.0, two bare line feeds and no header at all."""
    answer = await said(engine, b"GET /ip HTTP/1.0\n\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Type: application/json\r\n" in head
    assert body == b'{\n  "origin": "127.0.0.1"\n}\n'
    await until(lambda: all_sockets(engine.capture)[1].ended)
    assert carried(engine.capture, 2, "send") == answer


async def test_requests_may_come_all_at_once(engine: Engine) -> None:
    request = b"GET /status/%d HTTP/1.1\r\nHost: x\r\n\r\n"
    requests = b"".join(request % number for number in range(201, 204))
    answer = await said(engine, requests + b"GET /ip HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/")]
    assert [int(line.split()[1]) for line in lines] == [201, 202, 203, 200]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # a TLS client
        (b"hello\r\n\r\n", 400),
        (b"\0" * 100, 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * HEAD_MOST * 2 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000, 431),
        (b"CONNECT example.test:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    ],
)
async def test_what_is_no_request_is_told_so(engine: Engine, data: bytes, status: int) -> None:
    answer = await said(engine, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    sentence = json.loads(body)["error"]
    assert sentence
    assert "\n" not in sentence


async def test_a_request_cut_short_is_told_so(engine: Engine) -> None:
    with peer(await listening(engine, service="http")) as sock:
        sock.sendall(b"GET /ip HTTP/1.1\r\nHos")
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock).startswith(b"HTTP/1.1 400 ")


async def test_a_peer_that_asks_nothing_gets_nothing(engine: Engine) -> None:
    with peer(await listening(engine, service="http")) as sock:
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b""


async def test_byte_by_byte() -> None:
    request = b"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    whole = await served("http", request, messages=False)
    split = await served("http", *(request[i : i + 1] for i in range(len(request))), messages=False)
    assert b'"data": "hello"' in b"".join(split.sent)
    assert [len(data) for data in split.sent] == [len(data) for data in whole.sent]


async def test_pieces_of_a_stream_are_sent_one_by_one() -> None:
    connection = await served("http", b"GET /stream/3 HTTP/1.1\r\nHost: x\r\n\r\n", messages=False)
    assert len(connection.sent) == 1 + 3 + 1


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"", b""),
        (b"GET /ip HTTP/1.1\r\n", b"HTTP/1.1 408 "),
        (b"POST /post HTTP/1.0\r\nContent-Length: 5\r\n\r\nx", b"HTTP/1.1 408 "),
    ],
)
async def test_a_request_that_takes_too_long(said: bytes, answered: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head or a body that does not come is told so; a peer that says nothing is only closed."""
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr("socktui.services.lingering_close.LINGER_SECONDS", 0.05)
    connection = Visitor(*filter(None, [said]), messages=False)
    await asyncio.wait_for(server.http(connection.connection), SECONDS)
    await connection.finish()
    assert b"".join(connection.sent)[: len(answered)] == answered
    assert bool(connection.sent) == bool(answered)
