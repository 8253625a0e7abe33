"""What the HTTP server answers, as httpbin.org does: requests in, answers out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.services.httpbin import BYTES_MOST, LINES_MOST, ROUTES, Answer, Request, answer
from socktui.services.multipart import PARTS_MOST

HOST = ("host", "example.test:5005")


def ask(method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    return answer(Request(method, target, (HOST, *headers), body, origin="127.0.0.1"))


def told(found: Answer) -> Any:
    """The JSON of an answer that went well."""
    assert (found.status, found.content_type) == (200, "application/json")
    return json.loads(b"".join(found.pieces))


def error(found: Answer) -> str:
    [piece] = found.pieces
    sentence: str = json.loads(piece)["error"]
    assert "\n" not in sentence
    return sentence


def test_the_index_names_every_path() -> None:
    found = ask("GET", "/")
    assert found.content_type.startswith("text/plain")
    lines = b"".join(found.pieces).decode().splitlines()
    assert [line.split()[0] for line in lines] == [route.written for route in ROUTES]


def test_ip_and_headers() -> None:
    assert told(ask("GET", "/ip")) == {"origin": "127.0.0.1"}
    several = (("accept", "a"), ("x-one", "1"), ("accept", "b"))
    assert told(ask("GET", "/headers", *several)) == {
        "headers": {"Host": "example.test:5005", "Accept": "a,b", "X-One": "1"}
    }


def test_get_tells_what_was_asked() -> None:
    assert told(ask("GET", "/get?a=1&b=2&a=3&c=&d=%D1%8F")) == {
        "args": {"a": ["1", "3"], "b": "2", "c": "", "d": "я"},
        "headers": {"Host": "example.test:5005"},
        "origin": "127.0.0.1",
        "url": "http://example.test:5005/get?a=1&b=2&a=3&c=&d=%D1%8F",
    }


def test_a_whole_url_may_be_asked_for() -> None:
    found = told(ask("GET", "http://elsewhere.test/get?a=1"))
    assert (found["url"], found["args"]) == ("http://elsewhere.test/get?a=1", {"a": "1"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_json_is_told_as_text_and_as_what_it_says(method: str) -> None:
    found = told(ask(method, f"/{method.lower()}", ("content-type", "application/json"), body=b'{"a": [1, null]}'))
    assert (found["data"], found["json"]) == ('{"a": [1, null]}', {"a": [1, None]})
    assert (found["form"], found["files"]) == ({}, {})


def test_much_json_is_told_too() -> None:
    body = json.dumps(["x"] * 50_000).encode()
    assert told(ask("POST", "/post", body=body))["json"] == ["x"] * 50_000


@pytest.mark.parametrize("body", [b"", b"text", b"[1,", b"NaN", b"[1e999999, Infinity]", b"1" * 5000, b"\xff"])
def test_what_is_no_json_is_null(body: bytes) -> None:
    assert told(ask("POST", "/post", body=body))["json"] is None


def test_bytes_that_are_no_text_come_back_in_base64() -> None:
    assert told(ask("POST", "/post", body=b"\xff\x00"))["data"] == "data:application/octet-stream;base64,/wA="


def test_a_form() -> None:
    form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    found = told(ask("POST", "/post", form, body=b"a=1&b=x+y%21&a=2"))
    assert (found["form"], found["data"], found["json"]) == ({"a": ["1", "2"], "b": "x y!"}, "", None)


BODY = (
    b'--sep\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
    b'--sep\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n--se\xff\r\n"
    b"--sep--\r\n"
)


def test_a_form_with_files() -> None:
    found = told(ask("POST", "/post", ("content-type", 'multipart/form-data; boundary="sep"'), body=BODY))
    assert found["form"] == {"a": "one"}
    assert found["files"] == {"f": "data:application/octet-stream;base64,DQotLXNl/w=="}


@pytest.mark.parametrize(
    ("content_type", "body", "sentence"),
    [
        ("multipart/form-data", BODY, "needs a boundary"),
        ("multipart/form-data; boundary=other", BODY, "its last boundary is missing"),
        ("multipart/form-data; boundary=sep", BODY[:-4], "its last boundary is missing"),
        ("multipart/form-data; boundary=sep", b"", "its last boundary is missing"),
        ("multipart/form-data; boundary=sep", b"--sep\r\nno head\r\n--sep--", "has no Content-Disposition"),
        ("multipart/form-data; boundary=s", b"\r\n--s" * (PARTS_MOST + 2) + b"--", f"more than {PARTS_MOST} parts"),
    ],
)
def test_a_form_that_is_none(content_type: str, body: bytes, sentence: str) -> None:
    found = ask("POST", "/post", ("content-type", content_type), body=body)
    assert found.status == 400
    assert sentence in error(found)


def test_status() -> None:
    for number in (200, 204, 404, 599):
        assert ask("GET", f"/status/{number}").status == number
    for wrong in (0, 100, 199, 600, 999999999):
        found = ask("GET", f"/status/{wrong}")
        assert found.status == 400
        assert str(wrong) in error(found)


def test_bytes_are_bounded() -> None:
    for asked, answered in ((0, 0), (10, 10), (999_999_999, BYTES_MOST)):
        found = ask("GET", f"/bytes/{asked}")
        assert (found.content_type, len(found.pieces[0])) == ("application/octet-stream", answered)


def test_a_stream_of_lines() -> None:
    found = ask("GET", "/stream/3?a=1")
    assert found.chunked
    assert [json.loads(piece)["id"] for piece in found.pieces] == [0, 1, 2]
    assert all(piece.endswith(b"\n") and json.loads(piece)["args"] == {"a": "1"} for piece in found.pieces)
    assert len(ask("GET", "/stream/999999").pieces) == LINES_MOST


def test_a_delay() -> None:
    assert [ask("GET", f"/delay/{asked}").delay for asked in ("0", "0.5", "10", "11", "999999999")] == [
        0,
        0.5,
        10,
        10,
        10,
    ]


def test_anything_tells_the_method() -> None:
    assert told(ask("DELETE", "/anything"))["method"] == "DELETE"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/ip/", 404),
        ("GET", "/status/", 404),
        ("GET", "/status/-1", 404),
        ("GET", "/bytes/1e9", 404),
        ("GET", "/bytes/1234567890", 404),
        ("GET", "/bytes/١", 404),
        ("OPTIONS", "*", 404),
        ("CONNECT", "example.test:443", 404),
        ("POST", "/get", 405),
        ("GET", "/post", 405),
        ("BREW", "/anything", 405),
        ("GET", "http://[/get", 400),
        ("GET", "/get?" + "a&" * 2000, 400),
    ],
)
def test_what_there_is_not(method: str, target: str, status: int) -> None:
    found = ask(method, target)
    assert found.status == status
    assert error(found)
    assert ("Allow" in dict(found.headers)) == (status == 405)


def test_json_that_is_nested_too_deep() -> None:
    for depth in (400, 100_000):
        found = ask("POST", "/post", body=b"[" * depth + b"]" * depth)
        assert found.status in (200, 400)
    assert error(found) == "the JSON is nested too deep"


@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "X"]),
    st.sampled_from(["/get?", "/post?", "/anything?", "http://", "//", "/status/", ""]),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)),
    st.sampled_from(
        ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "multipart/form-data"]
    ),
    st.binary(),
)
def test_no_request_is_too_much(method: str, start: str, rest: str, content_type: str, body: bytes) -> None:
    found = ask(method, start + rest, ("content-type", content_type), body=body)
    assert 200 <= found.status <= 599
