"""The page that a WebSocket listener serves to a browser: it is whole, and nothing but its own script may run in it."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from socktui.engine.websocket.page import page_headers, page_html
from tests.engine.websocket.ends import answer_of


@pytest.mark.parametrize(
    "extra", [b"", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n", b"Accept: text/html\r\n"]
)
def test_a_browser_gets_the_page(extra: bytes) -> None:
    status, head, body = answer_of(b"GET /any?x=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n" + extra + b"\r\n")
    assert status == 200
    assert b"\r\nContent-Type: text/html; charset=utf-8\r\n" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert b"http://" not in body
    assert b"https://" not in body
    policy = re.search(rb"Content-Security-Policy: (.*)\r\n", head)
    assert policy is not None
    assert b"default-src 'none'" in policy[1]
    assert b"unsafe" not in policy[1]
    for name in (b"script", b"style"):
        inline = re.search(rb"<%b>(.*?)</%b>" % (name, name), body, re.DOTALL)
        assert inline is not None
        assert b"%b-src 'sha256-%b'" % (name, base64.b64encode(hashlib.sha256(inline[1]).digest())) in policy[1]
    assert not re.search(rb"\son\w+=|style=|innerHTML|javascript:", body)


def test_head_gets_the_head_alone() -> None:
    status, head, body = answer_of(b"HEAD / HTTP/1.0\r\n\r\n")
    _, _, page = answer_of(b"GET / HTTP/1.0\r\n\r\n")
    assert (status, body) == (200, b"")
    assert f"\r\nContent-Length: {len(page)}\r\n".encode() in head


def test_its_header_is_that_of_a_page_that_is_read_once() -> None:
    headers = dict(page_headers())
    assert len(headers) == len(page_headers())
    assert headers["Content-Length"] == str(len(page_html()))
    assert (headers["Connection"], headers["Cache-Control"]) == ("close", "no-store")
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self' ws: wss:"
    assert page_html() is page_html()


class Elements(HTMLParser):
    """Which elements there are, and which of them were not ended."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag not in ("meta", "link", "input", "br", "hr", "img"):
            self.opened.append(tag)
        assert "src" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def test_it_is_one_script_and_one_style_in_html_that_is_whole() -> None:
    elements = Elements()
    elements.feed(page_html().decode())
    elements.close()
    assert elements.opened == []
    assert (elements.names.count("script"), elements.names.count("style")) == (1, 1)
