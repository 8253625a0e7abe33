"""The page that a WebSocket listener serves to a browser: it opens the socket, types and shows."""

import base64
import functools
import hashlib
import re
from pathlib import Path

_INLINE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)


@functools.cache
def page_html() -> bytes:
    """The page in HTML, its style and script included: it loads nothing else."""
    return Path(__file__).with_name("page.html").read_bytes()


@functools.cache
def page_headers() -> tuple[tuple[str, str], ...]:
    """The header fields of the response with the page. Its policy allows only the page's own script and style."""
    allowed = {
        name.decode(): f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
        for name, text in _INLINE.findall(page_html())
    }
    policy = (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; img-src data:; "
        "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page_html()))),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    )
