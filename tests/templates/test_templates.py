"""Templates: the bytes that those which come along stand for, and what a user's own file may do."""

import base64
import hashlib
import http.server
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.endpoint import Endpoint
from socktui.core.payload import ENDINGS, from_escapes
from socktui.templates import SHIPPED, SIZE_MAX, Mode, Template, TemplateError, find, own_folder, read, templates
from tests.support import peer, read_all

QUESTION = b"\x07example\x03com\x00" + struct.pack(">HH", 1, 1)  # RFC 1035, section 4.1.2: type A, class IN
DNS = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0) + QUESTION
MQTT = struct.pack(">H4sBBHH7s", 4, b"MQTT", 4, 0x02, 60, 7, b"socktui")  # MQTT 3.1.1, section 3.1
EVERY = {
    "dns-tcp": struct.pack(">H", len(DNS)) + DNS,
    "dns-udp": DNS,
    "http-get": b"GET /ip HTTP/1.0\n\n",
    "http-post": b"POST /post HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 22\r\nConnection: close\r\n\r\nhello=world&lecture=12",
    "memcached-version": b"version\r\n",
    "mqtt-connect": bytes([0x10, len(MQTT)]) + MQTT,
    "ntp-query": bytes([0 << 6 | 4 << 3 | 3]) + bytes(47),  # RFC 5905: no warning, version 4, a client
    "redis-ping": b"*1\r\n$4\r\nPING\r\n",
    "smtp-ehlo": b"EHLO localhost\r\n",
    "websocket-upgrade": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
}


@pytest.fixture
def shipped(tmp_path: Path) -> dict[str, Template]:
    found, wrong = templates(tmp_path)
    assert not wrong
    return {template.path.stem: template for template in found}


# Those that come along


def test_every_template_and_its_bytes(shipped: dict[str, Template]) -> None:
    assert {name: template.payload() for name, template in shipped.items()} == EVERY


def test_every_template_says_what_it_is_and_where_it_goes(shipped: dict[str, Template]) -> None:
    for template in shipped.values():
        assert template.about
        endpoint = Endpoint.parse(template.endpoint)
        assert endpoint.loopback
        assert endpoint.port
        assert template.path.parent == SHIPPED
    assert len({template.name for template in shipped.values()}) == len(shipped)


def test_the_answer_that_a_template_foretells(shipped: dict[str, Template]) -> None:
    """RFC 6455, section 4.2.2."""
    accept = hashlib.sha1(b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert base64.b64encode(accept).decode() in shipped["websocket-upgrade"].about


class Said(http.server.BaseHTTPRequestHandler):
    """Answers with what it understood."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.request_version} {self.command} {self.path} ".encode())
        self.wfile.write(self.rfile.read(int(self.headers["Content-Length"] or 0)))

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[int]:
    """The port of a server that nobody here wrote: http.server of Python's library."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Said) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize(
    ("name", "understood"),
    [("http-get", b"HTTP/1.0 GET /ip "), ("http-post", b"HTTP/1.1 POST /post hello=world&lecture=12")],
)
def test_a_web_server_understands(web_server: int, shipped: dict[str, Template], name: str, understood: bytes) -> None:
    with peer(web_server) as sock:
        sock.sendall(shipped[name].payload())
        assert read_all(sock).endswith(b"\r\n\r\n" + understood)


# A user's own


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_a_users_own(tmp_path: Path) -> None:
    path = write(tmp_path, "mine", 'name = "Mine"\ntext = "hello, мир"')
    assert read(path) == Template("Mine", "", "", "text", "none", "hello, мир", path)
    found, wrong = templates(tmp_path)
    assert len(found) == len(EVERY) + 1
    assert not wrong
    assert find("MINE", found).payload() == "hello, мир".encode()
    assert [template.name for template in found] == sorted((template.name for template in found), key=str.casefold)


def test_a_users_own_in_place_of_one_that_came_along(tmp_path: Path) -> None:
    write(tmp_path, "redis-ping", 'name = "Another PING"\ntext = "PING"\nending = "CRLF"')
    found, _ = templates(tmp_path)
    assert len(found) == len(EVERY)
    assert find("redis-ping", found) is find("another ping", found)
    assert find("redis-ping", found).payload() == b"PING\r\n"


def test_no_folder_is_needed(tmp_path: Path) -> None:
    found, wrong = templates(tmp_path / "none")
    assert (len(found), wrong) == (len(EVERY), [])


def test_where_a_users_own_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert own_folder() == tmp_path / "socktui" / "templates"
    own_folder().mkdir(parents=True)
    write(own_folder(), "mine", 'name = "Mine"\ntext = "x"')
    assert find("mine", templates()[0]).text == "x"


def test_a_name_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"no template '␛\[31m': one of dns-tcp, dns-udp, http-get, "):
        find("\x1b[31m", templates(tmp_path)[0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('text = "x"', "name is missing"),
        ('name = "x"', "text is missing"),
        ('name = ""\ntext = "x"', "name is missing"),
        ('name = "x"\ntext = ""', "text is missing"),
        ('name = 1\ntext = "x"', "name must be a text in quotation marks"),
        ('name = "x"\ntext = ["x"]', "text must be a text in quotation marks"),
        (
            'name = "x"\ntext = "x"\nendign = "LF"',
            "endign is none of the keys name, about, endpoint, mode, ending, text",
        ),
        ('name = "x"\ntext = "x"\n"\\u001b" = "LF"', "␛ is none of the keys name, about, endpoint, mode, ending, text"),
        ('name = "x"\nabout = "a\\nb"\ntext = "x"', "about must be a single line"),
        ('name = "x"\ntext = "x"\nmode = "file"', "mode is none of text, escapes, hex"),
        ('name = "x"\ntext = "x"\nending = "crlf"', "ending is none of none, LF, CRLF, CR, NUL"),
        ('name = "x"\ntext = "00"\nmode = "hex"\nending = "LF"', "ending must be none in mode hex"),
        ('name = "x"\ntext = "0g"\nmode = "hex"', "text: Half a byte: an odd number of hex digits"),
        ("name = 'x'\ntext = 'a\\q'\nmode = 'escapes'", "text: \\q is no escape that is known here"),
        (
            'name = "x"\ntext = "x"\nendpoint = "tcp://127.0.0.1:99999"',
            "endpoint: the port is wrong: '99999' is no number from 0 to 65535",
        ),
        ("name = ", "Invalid value (at end of document)"),
        ("a = " + "[" * 5000, ""),
        ("x" * (SIZE_MAX + 1), f"it is longer than {SIZE_MAX} bytes"),
    ],
)
def test_a_file_that_is_wrong_says_why_and_hides_no_other(tmp_path: Path, text: str, sentence: str) -> None:
    write(tmp_path, "bad", text)
    write(tmp_path, "good", 'name = "Good"\ntext = "x"')
    found, wrong = templates(tmp_path)
    assert len(found) == len(EVERY) + 1
    assert len(wrong) == 1
    assert wrong[0].startswith(f"the template bad.toml is wrong: {sentence}")
    assert "\n" not in wrong[0]


def test_what_is_no_readable_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.toml")
    (tmp_path / "b.toml").mkdir()
    (tmp_path / "c.toml").symlink_to("nowhere")
    (tmp_path / "d.toml").write_bytes(b'name = "\xff"')
    (tmp_path / "e\x1b.toml").write_bytes(b"")
    _, wrong = templates(tmp_path)
    assert wrong == [
        "the template a.toml is wrong: it is no file",
        "the template b.toml is wrong: it is no file",
        "the template c.toml is wrong: it is no file",
        "the template d.toml is wrong: 'utf-8' codec can't decode byte 0xff in position 8: invalid start byte",
        "the template e␛.toml is wrong: name is missing",
    ]


# What a text stands for


@pytest.mark.parametrize(
    ("mode", "ending", "text", "payload"),
    [
        ("text", "none", "a", b"a"),
        ("text", "CRLF", "a", b"a\r\n"),
        ("text", "CRLF", "a\n\nb", b"a\r\n\r\nb\r\n"),
        ("text", "LF", "a\n", b"a\n\n"),
        ("text", "none", "a\nb", b"ab"),
        ("text", "NUL", r"\x00", b"\\x00\0"),
        ("escapes", "CR", "\\x00\n\\u0416", b"\0\r\xd0\x96\r"),
        ("escapes", "none", "a\\r\\n\nb", b"a\r\nb"),
        ("hex", "none", "00 ff\n0x10, 7f", b"\x00\xff\x10\x7f"),
    ],
)
def test_each_line_is_followed_by_the_ending(mode: Mode, ending: str, text: str, payload: bytes) -> None:
    template = Template("x", "", "", mode, ending, text, Path("x.toml"))
    assert template.payload() == payload
    line = template.one_line()
    assert "\n" not in line.text
    assert line.payload() == payload


@given(st.text(), st.sampled_from(tuple(ENDINGS)))
def test_any_text_as_one_line(text: str, ending: str) -> None:
    template = Template("x", "", "", "text", ending, text, Path("x.toml"))
    line = template.one_line()
    assert "\n" not in line.text
    assert line.payload() == template.payload()
    if line is not template:
        assert from_escapes(line.text, "utf-8") == template.payload()
