"""Results of OpenSSL in words: the subject of a certificate, and why a handshake failed."""

import ssl
import time
from typing import Any

from socktui.core.errors import ErrorCode

Certificate = dict[str, Any]
"""In the form of ssl.SSLSocket.getpeercert()."""

NAMES_SHOWN = 4
TEXT_MAX = 200

_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "stateOrProvinceName": "ST",
    "localityName": "L",
    "domainComponent": "DC",
}
_RECORD_TYPES = range(20, 25)  # RFC 8446, section 5.1; 24: RFC 6520

# X509_STORE_CTX_get_error(3)
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = 18
_AUTHORITY_UNKNOWN = frozenset({2, 19, 20, 21})
_OTHER_NAME = frozenset({62, 64})


def peer_certificate(tls: ssl.SSLObject) -> Certificate:
    """Return the peer's certificate, verified or not; empty where there is none, or it cannot be decoded."""
    try:
        certificate = tls.getpeercert() if tls.version() else None
        if certificate:
            return dict(certificate)
        # An unverified one is decoded by no public function of the module ssl.
        chain = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", lambda: None)()
        return dict(chain[0].get_info()) if chain and hasattr(chain[0], "get_info") else {}
    except (ValueError, ssl.SSLError):  # a text in it is no UTF-8, or a time no time
        return {}


def subject(certificate: Certificate) -> str:
    """Return its subject, `CN=localhost, O=socktui`; the names that it is for where it has none."""
    return _name(certificate.get("subject", ())) or names(certificate)


def names(certificate: Certificate) -> str:
    """Return the host names and addresses that a certificate is for, the first NAMES_SHOWN of them."""
    found = [str(value) for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
    return (", ".join(found[:NAMES_SHOWN]) + more)[:TEXT_MAX]


def why(error: ssl.SSLError, tls: ssl.SSLObject) -> str:
    """Return in words why OpenSSL failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error, peer_certificate(tls), tls.server_hostname or "")
    reason = (error.reason or "OpenSSL gives no reason").replace("_", " ")
    _, alert, described = reason.partition(" ALERT ")
    return f"the peer refused with the alert {described.lower()!r}" if alert else f"TLS failed: {reason.lower()}"


def code(error: ssl.SSLError) -> ErrorCode:
    """Return CERTIFICATE_REFUSED where verification failed, which the user may switch off, else PROTOCOL."""
    refused = isinstance(error, ssl.SSLCertVerificationError)
    return ErrorCode.CERTIFICATE_REFUSED if refused else ErrorCode.PROTOCOL


def no_tls(heard: bytes, said: bytes) -> str:
    """Return in words what is wrong where a peer's first bytes are not those of TLS; empty where they are.

    heard  the first bytes that were received
    said   the first bytes that were sent to it
    """
    if not heard:
        return ""
    if said.startswith(heard):
        return "the peer does not speak TLS: it sends back what it is sent"
    return "" if heard[0] in _RECORD_TYPES else f"the peer does not speak TLS: it said {heard.decode('latin-1')!a}"


def _unverified(error: ssl.SSLCertVerificationError, certificate: Certificate, name: str) -> str:
    code = error.verify_code
    if code in _OTHER_NAME:
        whose = names(certificate) or subject(certificate)
        return f"the certificate is for {whose}, not for {name}" if whose else f"the certificate is not for {name}"
    if code == _EXPIRED:
        ended = certificate.get("notAfter", "")
        return f"the certificate expired on {ended}" if _over(ended) else "the certificate of an authority expired"
    if code == _NOT_YET_VALID:
        return f"the certificate is not valid before {certificate.get('notBefore', 'a later time')}"
    if code == _SELF_SIGNED:
        return _of("the certificate is self-signed, and not trusted", subject(certificate))
    if code in _AUTHORITY_UNKNOWN:
        return _of("the certificate is signed by an unknown authority", _name(certificate.get("issuer", ())))
    return f"the certificate is not trusted: {error.verify_message}"


def _of(words: str, name: str) -> str:
    return f"{words}: {name}" if name else words


def _over(when: str) -> bool:
    """Whether a certificate's time is in the past."""
    try:
        return ssl.cert_time_to_seconds(when) < time.time()
    except ValueError:
        return False


def _name(pieces: Any) -> str:
    """A distinguished name, the common name first."""
    parts = [(_SHORT.get(kind, kind), value) for piece in pieces for kind, value in piece]
    parts.sort(key=lambda part: part[0] != "CN")
    return ", ".join(f"{kind}={value}" for kind, value in parts)[:TEXT_MAX]
