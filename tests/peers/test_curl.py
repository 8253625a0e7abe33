"""curl, and a browser's request: HTTP clients that get their own request back."""

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Close
from socktui.core.sockets import End, State
from tests.peers.conftest import Run
from tests.peers.programs import all_over, seen
from tests.support import listening, peer, read_all, read_exactly, until

pytestmark = pytest.mark.peer

# As a browser writes it. Servers that show it must keep its order, its capitals and its CR LFs.
BROWSER = (
    b"GET /lecture?q=%D1%81%D0%BE%D0%BA%D0%B5%D1%82%D1%8B HTTP/1.1\r\n"
    b"Host: 127.0.0.1:5005\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: ru,en-US;q=0.7,en;q=0.3\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Connection: keep-alive\r\n"
    b"Upgrade-Insecure-Requests: 1\r\n"
    b"Sec-Fetch-Dest: document\r\n"
    b"Sec-Fetch-Mode: navigate\r\n"
    b"Sec-Fetch-Site: none\r\n"
    b"Sec-Fetch-User: ?1\r\n"
    b"\r\n"
)


async def test_curl_as_a_telnet(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    curl = run("curl", "-sN", f"telnet://127.0.0.1:{port}")
    curl.type(b"Hello, World!\n")
    await curl.writes(b"Hello, World!\n")
    curl.type(b"\xff.")  # a byte that telnet has to write twice (RFC 854), since alone it is a command
    await curl.writes(b"Hello, World!\n\xff.")
    [ours] = seen(engine.capture)
    await engine.request(Close(ours.socket.number))
    curl.end_of_input()  # it looks at the connection only between two lines of input
    assert await curl.status() == 0
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == b"Hello, World!\n\xff\xff."
    assert (ours.socket.state, ours.socket.end) == (State.CLOSED, End.CLOSED)


async def test_curl_gets_its_own_request_back(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    # What comes back is no answer of HTTP/1: curl takes it for one of HTTP/0.9, which is nothing but a body.
    curl = run("curl", "-sN", "--http0.9", f"http://127.0.0.1:{port}/ip?a=1")
    [ours] = await until(lambda: [ours for ours in seen(engine.capture) if ours.sent.endswith(b"\r\n\r\n")])
    await curl.writes(ours.sent)
    curl.kill()
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == curl.out
    assert ours.received.startswith(f"GET /ip?a=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())
    assert b"\r\nUser-Agent: curl/" in ours.received
    assert (ours.fin_received, ours.socket.state) == (True, State.CLOSED)


async def test_curl_posts_and_gets_both_head_and_body_back(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    body = bytes(range(256)) * 512  # more than one recv() brings
    curl = run("curl", "-sN", "--http0.9", "--data-binary", "@-", "-H", "Expect:", f"127.0.0.1:{port}", feed=body)
    [ours] = await until(lambda: [ours for ours in seen(engine.capture) if ours.sent.endswith(body)])
    await curl.writes(ours.sent)
    curl.kill()
    [ours] = await all_over(engine.capture)
    head, _, rest = ours.received.partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert rest == body
    assert ours.sent == ours.received


async def test_plain_curl_says_that_this_is_no_http(engine: Engine, run: Run) -> None:
    port = await listening(engine)
    curl = run("curl", "-sS", f"http://127.0.0.1:{port}/")
    assert await curl.status() == 1
    assert "HTTP/0.9" in curl.err
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent
    assert ours.received.startswith(b"GET / HTTP/1.1\r\n")


async def test_a_browser_keeps_its_connection(engine: Engine) -> None:
    port = await listening(engine)
    with peer(port) as browser:
        for _ in range(2):
            browser.sendall(BROWSER)
            assert read_exactly(browser, len(BROWSER)) == BROWSER
        assert [ours.socket.state for ours in seen(engine.capture)] == [State.ESTAB]
        browser.shutdown(1)
        assert read_all(browser) == b""
    [ours] = await all_over(engine.capture)
    assert ours.received == ours.sent == BROWSER * 2
    assert ours.lengths == (len(BROWSER), len(BROWSER), 0)
