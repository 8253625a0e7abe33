"""What the options of an endpoint mean for TLS: certificates, whom to trust, and the log of keys."""

import asyncio
import os
import ssl
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Listen
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.engine.tls import contexts
from tests.engine.tls.certificates import Certificates, quoted
from tests.engine.tls.engine import HELLO, TLS, calls_of, own_ca
from tests.engine.tls.peer import echoing, tls_peer, trusting
from tests.support import all_sockets, carried, listening, running_engine, until


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


# The contexts themselves


def endpoint(**options: str) -> Endpoint:
    made = Endpoint.parse("tls://localhost:5005")
    for name, value in options.items():
        made = made.with_option(name, value)
    return made


def test_what_a_listener_shows_and_asks_for(certificates: Certificates) -> None:
    context = contexts.serving(endpoint())
    assert own_ca().exists()
    assert (context.verify_mode, context.num_tickets) == (ssl.CERT_NONE, 0)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    context = contexts.serving(endpoint(cert=str(certificates.good()), ca=str(certificates.ca)))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_whom_a_client_trusts(certificates: Certificates) -> None:
    """Its own authority, and the system's; a context is shared where no file is its own's."""
    context, name = contexts.asking(endpoint())
    assert (name, context.verify_mode, context.check_hostname) == ("localhost", ssl.CERT_REQUIRED, True)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert contexts.asking(endpoint(name="other"))[0] is context
    trusting_more, _ = contexts.asking(endpoint(ca=str(certificates.ca)))
    assert trusting_more is not context
    assert contexts.asking(endpoint(ca=str(certificates.ca)))[0] is trusting_more
    careless, _ = contexts.asking(endpoint(verify="no"))
    assert (careless.verify_mode, careless.check_hostname) == (ssl.CERT_NONE, False)
    with_certificate, _ = contexts.asking(endpoint(cert=str(certificates.good())))
    assert contexts.asking(endpoint(cert=str(certificates.good())))[0] is not with_certificate


def test_the_authority_of_the_user_is_trusted_once_there_is_one() -> None:
    before = len(contexts.asking(endpoint())[0].get_ca_certs())
    contexts.serving(endpoint())
    assert len(contexts.asking(endpoint())[0].get_ca_certs()) == before + 1


@pytest.mark.parametrize(
    ("host", "option", "asked"),
    [
        ("example.org", "", "example.org"),
        ("example.org", "other.example", "other.example"),
        ("example.org.", "", "example.org"),
        ("[fe80::1%lo]", "", "fe80::1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "bücher.example", "bücher.example"),
    ],
)
def test_which_name_a_client_asks_for(host: str, option: str, asked: str) -> None:
    """RFC 6066, section 3: no dot at the end, no scope, no port."""
    where = Endpoint.parse(f"tls://{host}:5005")
    _, name = contexts.asking(where.with_option("name", option) if option else where)
    assert name == asked


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"verify": "no"}, ErrorCode.VERIFY_ON_LISTENER),
        ({"key": "x.pem"}, ErrorCode.KEY_WITHOUT_CERTIFICATE),
        ({"cert": "/"}, ErrorCode.NOT_A_FILE),
        ({"cert": "/etc/passwd"}, ErrorCode.NO_PEM_CERTIFICATE),
        ({"ca": "/etc/passwd"}, ErrorCode.NO_PEM_CERTIFICATE),
    ],
)
def test_what_is_refused_has_a_code(options: dict[str, str], code: ErrorCode) -> None:
    with pytest.raises(SocketError) as told:
        contexts.serving(endpoint(**options))
    assert told.value.code is code
