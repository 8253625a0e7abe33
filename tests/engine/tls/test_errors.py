"""What OpenSSL found, in words: who a certificate is of, and why a handshake failed."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode
from socktui.core.sockets import End
from socktui.engine.tls import errors
from tests.engine.tls.certificates import Certificates, quoted
from tests.engine.tls.engine import calls_of
from tests.engine.tls.peer import echoing, plain_server
from tests.support import all_sockets

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


# The words themselves


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str = "localhost") -> tuple[ssl.SSLObject, object]:
    """A handshake in memory: the client's end, and the error at which it failed, if any."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname=name),
        server.wrap_bio(there, back, server_side=True),
    ]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return ends[0], error
    return ends[0], None


def trusting(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificates.ca)
    return context


def test_a_certificate_that_was_verified_is_known_by_its_subject(certificates: Certificates) -> None:
    tls, error = handshake(trusting(certificates), certificates.server(certificates.good()))
    assert error is None
    certificate = errors.peer_certificate(tls)
    assert errors.subject(certificate).startswith("CN=a good one, ")
    assert errors.names(certificate) == "localhost, 127.0.0.1"


def test_so_is_one_that_was_not(certificates: Certificates) -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    tls, _ = handshake(careless, certificates.server(certificates.self_signed()))
    assert errors.subject(errors.peer_certificate(tls)) == "CN=nobody's"
    tls, _ = handshake(careless, certificates.server(certificates.undecodable()))
    assert errors.peer_certificate(tls) == {}


def test_before_the_handshake_there_is_none() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    assert errors.peer_certificate(tls) == {}
    assert errors.subject({}) == errors.names({}) == ""


def test_a_certificate_without_a_subject_goes_by_its_names() -> None:
    few = {"subjectAltName": (("DNS", "a.test"), ("email", "b@b.test"), ("IP Address", "192.0.2.1"))}
    assert errors.subject(few) == errors.names(few) == "a.test, 192.0.2.1"
    many = {"subjectAltName": tuple(("DNS", f"{number}.test") for number in range(10))}
    assert errors.names(many) == "0.test, 1.test, 2.test, 3.test and 6 more"
    long = {"subjectAltName": (("DNS", "x" * 500),), "subject": ((("commonName", "y" * 500),),)}
    assert (len(errors.names(long)), len(errors.subject(long))) == (errors.TEXT_MAX, errors.TEXT_MAX)


def test_a_subject_begins_with_the_common_name() -> None:
    subject = ((("countryName", "XY"),), (("organizationName", "o"), ("title", "t")), (("commonName", "c"),))
    assert errors.subject({"subject": subject}) == "CN=c, C=XY, O=o, title=t"


def test_a_refused_certificate_is_told_apart_from_a_failure(certificates: Certificates) -> None:
    tls, refused = handshake(trusting(certificates), certificates.server(certificates.self_signed()))
    assert isinstance(refused, ssl.SSLCertVerificationError)
    assert errors.code(refused) is ErrorCode.CERTIFICATE_REFUSED
    assert errors.why(refused, tls) == "the certificate is self-signed, and not trusted: CN=nobody's"
    old, new = trusting(certificates), certificates.server(certificates.good())
    old.maximum_version, new.minimum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    tls, failed = handshake(old, new)
    assert isinstance(failed, ssl.SSLError)
    assert errors.code(failed) is ErrorCode.PROTOCOL
    assert errors.why(failed, tls) == "TLS failed: unsupported protocol"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", "the peer refused with the alert 'unknown ca'"),
        ("WRONG_VERSION_NUMBER", "TLS failed: wrong version number"),
        (None, "TLS failed: openssl gives no reason"),
    ],
)
def test_the_reason_of_openssl_in_words(reason: str | None, words: str) -> None:
    error = ssl.SSLError(1, "as Python has it")
    error.reason = reason  # type: ignore[assignment]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")
    assert errors.why(error, tls) == words


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (b"", ""),
        (b"\x16\x03\x03", ""),
        (b"\x15\x03\x03", ""),
        (b"SSH-2.0-x\r\n", "the peer does not speak TLS: it said 'SSH-2.0-x\\r\\n'"),
        (b"\xff\x00", "the peer does not speak TLS: it said '\\xff\\x00'"),
        (b"hello", "the peer does not speak TLS: it sends back what it is sent"),
    ],
)
def test_first_bytes_that_are_not_of_tls(heard: bytes, words: str) -> None:
    assert errors.no_tls(heard, b"hello, and more") == words
