"""Certificates of every kind, good and bad, made for a test."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


class Certificates:
    """An authority that nobody knows, and what it signs, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = self._file("test-ca.pem", self.authority.cert_pem.bytes())

    def good(self, *names: str) -> Path:
        """A certificate with its key, for localhost and 127.0.0.1 where no names are given."""
        return self._leaf("good", *(names or ("localhost", "127.0.0.1")))

    def expired(self) -> Path:
        return self._leaf("expired", "127.0.0.1", not_before=NOW - 2 * YEAR, not_after=NOW - YEAR)

    def not_yet_valid(self) -> Path:
        return self._leaf("early", "127.0.0.1", not_before=NOW + YEAR, not_after=NOW + 2 * YEAR)

    def self_signed(self) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody's")])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW - YEAR, NOW + YEAR)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._file("self-signed.pem", private + certificate.public_bytes(Encoding.PEM))

    def undecodable(self) -> Path:
        """As self_signed(), and for a name that is no UTF-8; the signature is wrong, too, which nobody looks at."""
        pem = self.self_signed().read_text()
        private, begin, rest = pem.partition("-----BEGIN CERTIFICATE-----")
        der = ssl.PEM_cert_to_DER_cert(begin + rest).replace(b"localhost", b"\xff" * 9)
        return self._file("undecodable.pem", (private + ssl.DER_cert_to_PEM_cert(der)).encode())

    def encrypted(self) -> Path:
        """As good(), and its key takes a password."""
        leaf = self.authority.issue_cert("localhost")
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        return self._file("encrypted.pem", private + leaf.cert_chain_pems[0].bytes())

    def server(self, path: Path) -> ssl.SSLContext:
        """What a server of Python's shows a certificate with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _leaf(
        self, kind: str, *names: str, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> Path:
        leaf = self.authority.issue_cert(
            *names, common_name=f"a {kind} one", not_before=not_before, not_after=not_after
        )  # fmt: skip
        return self._file(f"{kind}.pem", leaf.private_key_and_cert_chain_pem.bytes())

    def _file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path


def quoted(path: Path) -> str:
    """A path as an option of an endpoint has it."""
    return str(path).replace("[", "%5B")
