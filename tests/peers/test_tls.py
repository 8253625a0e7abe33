"""TLS with programs that nobody here wrote: openssl, curl, ncat and socat, as clients and as servers."""

import asyncio
import contextlib
import socket as sockets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, SetBuffer, Shutdown
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from tests.engine.tls.certificates import Certificates
from tests.engine.tls.engine import TLS, calls_of, over, own_ca
from tests.peers.conftest import Run
from tests.peers.programs import Program
from tests.support import all_sockets, carried, listening, until

pytestmark = pytest.mark.peer

LINE = b"Hello, World!\n"


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of the engine belongs to the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


async def connected(engine: Engine, server: Program, options: str) -> int:
    """A connection of ours to a server on 127.0.0.1."""
    return await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{await server.port()}?{options}"))


async def exchanged(engine: Engine, number: int, server: Program) -> None:
    """A line each way."""
    await engine.send([number], LINE)
    await until(lambda: LINE in server.out)
    server.type(b"back\n")
    await until(lambda: carried(engine.capture, number, "SSL_read") == b"back\n")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_openssl_s_client(engine: Engine, run: Run, version: str) -> None:
    port = await listening(engine, TLS)
    client = run(
        *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", own_ca(), version),
        *("-verify_return_error", "-verify_hostname", "localhost", "-quiet", "-no_ign_eof"),
    )
    client.type(LINE)
    await client.writes(LINE)
    client.end_of_input()
    assert await client.status() == 0
    await over(engine, 1)
    assert calls_of(engine, 2, Function.SSL_READ)[-1].eof
    assert carried(engine.capture, 2, "SSL_read") == LINE


async def test_openssl_s_client_changes_its_keys(engine: Engine, run: Run) -> None:
    port = await listening(engine, TLS)
    client = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", own_ca())
    await until(lambda: b"Verify return code" in client.out)
    for count, command in enumerate((b"k", b"K", b"K"), 1):
        before = len(calls_of(engine, 2, Function.RECV))
        client.type(command + b"\n")  # new keys; with K, new ones from this end as well
        await until(lambda before=before: len(calls_of(engine, 2, Function.RECV)) > before)  # type: ignore[misc]
        client.type(LINE)
        await until(lambda count=count: client.out.count(LINE) == count)  # type: ignore[misc]
    assert carried(engine.capture, 2, "SSL_read") == LINE * 3
    client.type(b"Q\n")
    assert await client.status() == 0
    await over(engine, 1)


async def test_openssl_s_server(engine: Engine, run: Run, certificates: Certificates) -> None:
    good = certificates.good()
    server = run("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", good, "-quiet")
    number = await connected(engine, server, f"ca={certificates.ca}")
    await exchanged(engine, number, server)
    await engine.request(Close(number))
    await until(lambda: not all_sockets(engine.capture)[0].open)


@pytest.mark.parametrize(("version", "command", "comes"), [("-tls1_2", b"r\n", 2), ("-tls1_3", b"K\n", 1)])
async def test_openssl_s_server_wants_new_keys(
    engine: Engine, run: Run, certificates: Certificates, version: str, command: bytes, comes: int
) -> None:
    """TLS 1.2 shakes hands again, in two flights from the server; TLS 1.3 has a message for that."""
    # Without tickets: they may come after what the server is told to do.
    command_line = ("-accept", "127.0.0.1:0", "-cert", certificates.good(), "-num_tickets", "0", version)
    server = run("openssl", "s_server", *command_line)
    number = await connected(engine, server, f"ca={certificates.ca}")
    await until(lambda: b"CIPHER is" in server.out)
    before = len(calls_of(engine, number, Function.RECV))
    server.type(command)
    await until(lambda: len(calls_of(engine, number, Function.RECV)) >= before + comes)
    await exchanged(engine, number, server)


async def test_what_is_sent_waits_for_the_handshake_that_a_server_wants(
    engine: Engine, run: Run, certificates: Certificates
) -> None:
    server = run("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificates.good(), "-tls1_2")
    gate = asyncio.Event()
    gate.set()
    async with relay(await server.port(), gate) as port:
        number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?ca={certificates.ca}"))
        await until(lambda: b"CIPHER is" in server.out)
        gate.clear()  # one more message comes through: that another handshake is wanted
        before = len(calls_of(engine, number, Function.SEND))
        server.type(b"r\n")
        await until(lambda: len(calls_of(engine, number, Function.SEND)) > before)
        sending = asyncio.create_task(engine.send([number], LINE))
        await engine.request(SetBuffer(number, 65536))  # verbs begin in the order in which they are given
        assert not calls_of(engine, number, Function.SSL_WRITE)
        gate.set()
        await sending
        await exchanged(engine, number, server)
        await engine.request(Close(number))


@contextlib.asynccontextmanager
async def relay(target: int, gate: asyncio.Event) -> AsyncIterator[int]:
    """A port whose one connection goes on to the port `target`; what comes back waits for the gate each time."""
    loop = asyncio.get_running_loop()

    async def passes(source: sockets.socket, to: sockets.socket, gate: asyncio.Event | None) -> None:
        while data := await loop.sock_recv(source, 65536):
            await loop.sock_sendall(to, data)
            if gate:
                await gate.wait()
        to.shutdown(sockets.SHUT_WR)

    async def serve() -> None:
        near, _ = await loop.sock_accept(listener)
        with near, sockets.create_connection(("127.0.0.1", target)) as far:
            near.setblocking(False)
            far.setblocking(False)
            await asyncio.gather(passes(near, far, None), passes(far, near, gate), return_exceptions=True)

    with sockets.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        serving = asyncio.create_task(serve())
        yield listener.getsockname()[1]
        await serving


async def test_curl_gets_an_answer(engine: Engine, run: Run) -> None:
    port = await listening(engine, TLS, "http")
    curl = run("curl", "-sS", "--cacert", own_ca(), f"https://localhost:{port}/ip")
    assert await curl.status() == 0, curl.err
    assert b"127.0.0.1" in curl.out
    assert carried(engine.capture, 2, "SSL_read").startswith(b"GET /ip HTTP/1.1\r\n")
    assert carried(engine.capture, 2, "SSL_write").endswith(curl.out)


async def test_curl_trusts_our_authority_only_when_it_is_told_to(engine: Engine, run: Run) -> None:
    port = await listening(engine, TLS, "http")
    curl = run("curl", "-sS", f"https://localhost:{port}/ip")
    assert await curl.status() == 60
    await over(engine, 1)
    assert all_sockets(engine.capture)[1].why == "the peer refused with the alert 'unknown ca'"
    curl = run("curl", "-sS", f"http://localhost:{port}/ip")
    assert await curl.status() != 0
    await over(engine, 2)
    assert all_sockets(engine.capture)[2].why.startswith("the peer does not speak TLS: it said 'GET /ip HTTP/1.1")


async def test_ncat_as_a_client(engine: Engine, run: Run) -> None:
    port = await listening(engine, TLS)
    ncat = run("ncat", "--ssl-verify", "--ssl-trustfile", own_ca(), "localhost", port)
    ncat.type(LINE)
    await ncat.writes(LINE)
    ncat.kill()
    await over(engine, 1)
    assert carried(engine.capture, 2, "SSL_read") == LINE


async def test_ncat_as_a_server_has_a_certificate_that_nobody_signed(engine: Engine, run: Run) -> None:
    ncat = run("ncat", "-l", "-k", "--ssl", "127.0.0.1", "0")
    with pytest.raises(VerbError, match=r"the certificate is self-signed, and not trusted: CN=127\.0\.0\.1"):
        await connected(engine, ncat, "verify=yes")
    number = await connected(engine, ncat, "verify=no")
    await exchanged(engine, number, ncat)
    assert [socket.insecure for socket in all_sockets(engine.capture)] == [False, True]


async def test_socat_as_a_client(engine: Engine, run: Run) -> None:
    """It says close_notify at the end of its input, and still gets the whole answer."""
    port = await listening(engine, TLS)
    data = bytes(range(256)) * 4096
    socat = run("socat", "-t", "30", "-", f"OPENSSL:localhost:{port},cafile={own_ca()},pf=ip4", feed=data)
    await socat.writes(data)
    assert await socat.status() == 0, socat.err
    await over(engine, 1)
    assert carried(engine.capture, 2, "SSL_read") == carried(engine.capture, 2, "SSL_write") == data


async def test_socat_as_a_server(engine: Engine, run: Run, certificates: Certificates) -> None:
    server = run("socat", f"OPENSSL-LISTEN:0,bind=127.0.0.1,cert={certificates.good()},verify=0", "-")
    number = await connected(engine, server, f"ca={certificates.ca}")
    await exchanged(engine, number, server)
    await engine.request(Shutdown(number))
    await until(lambda: not all_sockets(engine.capture)[0].open or server.out == LINE)
