"""Whom TLS trusts, what it says where it does not, and the files that the options name."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Listen
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from tests.engine.tls.certificates import Certificates
from tests.engine.tls.engine import HELLO, TLS, calls_of, own_ca
from tests.engine.tls.peer import TlsPeer, plain_server, tls_peer, trusting
from tests.support import all_sockets, carried, listening, running_engine, until


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of the engine belongs to the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@contextlib.asynccontextmanager
async def echoing(context: ssl.SSLContext) -> AsyncIterator[int]:
    """The port of a server that sends the first message back, or is refused by its client."""
    with plain_server() as (accept, port):

        def talk() -> None:
            with accept() as sock, contextlib.suppress(ssl.SSLError, ConnectionError, EOFError):
                end = TlsPeer(sock, context)
                end.shake_hands()
                end.send(end.recv())
                end.recv()

        talking = asyncio.create_task(asyncio.to_thread(talk))
        yield port
        await talking


def quoted(path: Path) -> str:
    return str(path).replace("[", "%5B")


BAD: list[tuple[Callable[[Certificates], Path], str]] = [
    (Certificates.self_signed, "the certificate is self-signed, and not trusted: CN=nobody's"),
    (Certificates.expired, "the certificate expired on "),
    (Certificates.not_yet_valid, "the certificate is not valid before "),
    (
        lambda made: made.good("example.test", "192.0.2.1", "c.test", "d.test", "e.test"),
        "the certificate is for example.test, 192.0.2.1, c.test, d.test and 1 more, not for 127.0.0.1",
    ),
]


@pytest.mark.parametrize(("make", "words"), BAD, ids=["self-signed", "expired", "too early", "another host"])
async def test_a_bad_certificate_is_refused_in_words(
    engine: Engine, certificates: Certificates, make: Callable[[Certificates], Path], words: str
) -> None:
    async with echoing(certificates.server(make(certificates))) as port:
        endpoint = f"tls://127.0.0.1:{port}?ca={quoted(certificates.ca)}"
        with pytest.raises(VerbError) as refused:
            await engine.connect(Endpoint.parse(endpoint))
    assert refused.value.text.startswith(f"{endpoint}: {words}")
    assert refused.value.errno == "EPROTO"
    [socket] = all_sockets(engine.capture)
    assert socket.end is End.FAILED
    assert socket.why.startswith(words)
    [shaken] = calls_of(engine, 1, Function.SSL_DO_HANDSHAKE)
    assert (shaken.result, shaken.answer) == (-1, socket.why)


async def test_an_unknown_authority_is_refused(engine: Engine, certificates: Certificates) -> None:
    async with echoing(certificates.server(certificates.good())) as port:
        with pytest.raises(VerbError, match="signed by an unknown authority: O=trustme"):
            await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}"))


async def test_a_certificate_is_looked_at_unless_somebody_says_no(engine: Engine, certificates: Certificates) -> None:
    async with echoing(certificates.server(certificates.self_signed())) as port:
        number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?verify=no"))
        await engine.send([number], HELLO)
        await until(lambda: carried(engine.capture, number, "SSL_read") == HELLO)
        await engine.request(Close(number))
    [socket] = all_sockets(engine.capture)
    assert socket.insecure
    [shaken] = calls_of(engine, number, Function.SSL_DO_HANDSHAKE)
    assert isinstance(shaken.answer, list)
    assert shaken.answer[2] == "CN=nobody's"


async def test_a_certificate_that_cannot_be_read_does_no_harm(engine: Engine, certificates: Certificates) -> None:
    async with echoing(certificates.server(certificates.undecodable())) as port:
        with pytest.raises(VerbError, match="the certificate is self-signed, and not trusted"):
            await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}"))
    async with echoing(certificates.server(certificates.undecodable())) as port:
        number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?verify=no"))
        await engine.request(Close(number))
    [shaken] = calls_of(engine, number, Function.SSL_DO_HANDSHAKE)
    assert isinstance(shaken.answer, list)
    assert shaken.answer[2] == ""


async def test_another_name_is_asked_for_and_checked(engine: Engine, certificates: Certificates) -> None:
    asked: list[str | None] = []
    context = certificates.server(certificates.good("example.test"))
    context.sni_callback = lambda _tls, name, _context: asked.append(name)
    async with echoing(context) as port:
        endpoint = f"tls://127.0.0.1:{port}?ca={quoted(certificates.ca)}"
        number = await engine.connect(Endpoint.parse(f"{endpoint}&name=example.test"))
        await engine.request(Close(number))
    assert asked == ["example.test"]
    assert not all_sockets(engine.capture)[0].insecure
    for name in ("-x", ".x", "a b", "x" * 300):
        with pytest.raises(VerbError, match=r"the option name is wrong: .* is neither a host name nor an address"):
            await engine.connect(Endpoint.parse(endpoint).with_option("name", name))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"220 hello\r\n", r"the peer does not speak TLS: it said '220 hello\r\n'"),
        (b"", "the peer does not speak TLS: it sends back what it is sent"),
        (None, "the peer closed within the TLS handshake"),
    ],
)
async def test_a_server_without_tls_is_told_in_words(engine: Engine, said: bytes | None, words: str) -> None:
    with plain_server() as (accept, port):

        def talk() -> None:
            with accept() as sock:
                heard = sock.recv(65536)
                if said is not None:
                    sock.sendall(said or heard)

        talking = asyncio.create_task(asyncio.to_thread(talk))
        with pytest.raises(VerbError) as refused:
            await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}"))
        await talking
    assert refused.value.text == f"tls://127.0.0.1:{port}: {words}"


async def test_a_certificate_of_ones_own(engine: Engine, certificates: Certificates) -> None:
    port = await listening(engine, f"{TLS}?cert={quoted(certificates.good('localhost'))}")

    def talk() -> None:
        with tls_peer(port, certificates.ca) as end:
            end.send(HELLO)
            assert end.read_exactly(len(HELLO)) == HELLO

    await asyncio.to_thread(talk)
    assert not own_ca().exists()


async def test_clients_show_certificates_where_they_are_asked_to(engine: Engine, certificates: Certificates) -> None:
    port = await listening(engine, f"{TLS}?ca={quoted(certificates.ca)}")
    own = quoted(certificates.good("me"))
    number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?cert={own}"))
    await engine.send([number], HELLO)
    await until(lambda: carried(engine.capture, number, "SSL_read") == HELLO)
    server = 5 - number  # the two connections are 2 and 3
    [shaken] = calls_of(engine, server, Function.SSL_DO_HANDSHAKE)
    assert isinstance(shaken.answer, list)
    assert "CN=a good one" in str(shaken.answer[2])
    number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}"))  # TLS 1.3: it is told only afterwards
    await until(lambda: not all_sockets(engine.capture)[number - 1].open)
    assert all_sockets(engine.capture)[number - 1].why == (
        "the peer refused with the alert 'certificate required'"
    )  # fmt: skip


def wrong_files(made: Certificates, folder: Path) -> list[tuple[str, str]]:
    """Options of a listener, and what is said of them."""
    good, other = made.good(), made.self_signed()
    rubbish = folder / "rubbish.pem"
    rubbish.write_bytes(b"\xff\0-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nPRIVATE KEY-----")
    os.mkfifo(folder / "pipe")
    with (folder / "huge").open("wb") as huge:
        huge.truncate(1 << 30)
    return [
        ("cert=/nowhere/x.pem", "/nowhere/x.pem: No such file or directory (ENOENT): there is no such file"),
        (f"cert={folder}", f"{folder} is no file"),
        (f"cert={folder}/pipe", f"{folder}/pipe is no file"),
        (f"cert={folder}/huge", f"{folder}/huge is too big for certificates: 1073741824 bytes"),
        (f"cert={made.ca}", f"{made.ca} holds no private key in PEM"),
        ("cert=/etc/hostname", "/etc/hostname holds no certificate in PEM"),
        (f"cert={good}&key={other}", f"the key in {other} is not that of the certificate in {good}"),
        (f"cert={made.encrypted()}", "is encrypted: give one that is not"),
        (f"cert={rubbish}", f"OpenSSL cannot use the certificate in {rubbish} with the key in {rubbish}: "),
        (f"key={good}", "the option key needs the option cert: the key's certificate"),
        ("ca=/etc/hostname", "/etc/hostname holds no certificate in PEM"),
        ("verify=no", "the option verify is for clients"),
        (f"keylog={folder}", f"{folder}: Is a directory (EISDIR): that is a folder: name a file"),
    ]


async def test_wrong_files_are_told_in_one_sentence(engine: Engine, certificates: Certificates, tmp_path: Path) -> None:
    for options, words in wrong_files(certificates, tmp_path):
        with pytest.raises(VerbError) as refused:
            await engine.request(Listen(Endpoint.parse(f"{TLS}?{options}"), service="echo"))
        assert words in refused.value.text
        assert "\n" not in refused.value.text
    assert all_sockets(engine.capture) == []
    await listening(engine, TLS)


async def test_keys_are_logged_on_request_alone(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSLKEYLOGFILE: lines of a label, the client's random and a secret."""
    environment, asked = tmp_path / "environment.log", tmp_path / "asked.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(environment))
    async with running_engine(capture) as engine:
        port = await listening(engine, TLS)
        await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}"))
        assert not environment.exists()
        assert not asked.exists()
        for _ in range(2):
            await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?keylog={asked}"))
    assert not environment.exists()
    assert asked.stat().st_mode & 0o777 == 0o600
    lines = [line.split() for line in asked.read_text().splitlines() if not line.startswith("#")]
    assert {len(line) for line in lines} == {3}
    assert {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"} <= {line[0] for line in lines}
    randoms = {line[1] for line in lines}
    assert len(randoms) == 2
    assert all(len(bytes.fromhex(random)) == 32 for random in randoms)


async def test_keys_are_written_to_no_file_of_others(engine: Engine, tmp_path: Path) -> None:
    target, link, opened = tmp_path / "target", tmp_path / "link", tmp_path / "opened"
    link.symlink_to(target)
    opened.touch()
    opened.chmod(0o644)
    for path, words in ((link, "ELOOP"), (opened, "it has to be a file of yours that nobody else can read")):
        with pytest.raises(VerbError, match=words):
            await engine.request(Listen(Endpoint.parse(f"{TLS}?keylog={path}"), service="echo"))
    assert not target.exists()
    assert opened.read_bytes() == b""


async def test_no_older_tls_than_1_2(engine: Engine, certificates: Certificates) -> None:
    port = await listening(engine, f"{TLS}?cert={quoted(certificates.good())}")
    context = trusting(certificates.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    writer.write(HELLO)
    assert await reader.readexactly(len(HELLO)) == HELLO
    writer.close()
    await writer.wait_closed()
    assert calls_of(engine, 2, Function.SSL_DO_HANDSHAKE)[0].answer == ["TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", ""]
