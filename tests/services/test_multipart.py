"""The parts of a form that was posted."""

import pytest

from socktui.services.multipart import PARTS_MOST, Part, parts

BODY = (
    b'--sep\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
    b'--sep\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\r\n--se\xff\r\n"
    b"--sep--\r\n"
)


def test_the_parts_of_a_form() -> None:
    assert parts("multipart/form-data; boundary=sep", BODY) == [
        Part("a", None, b"one"),
        Part("f", "x.bin", b"\r\n--se\xff"),
    ]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=b", b"b"),
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b"', b"a b"),
        ("multipart/form-data; boundary=" + "x" * 70, b"x" * 70),
    ],
)
def test_boundaries_are_written_in_several_ways(content_type: str, boundary: bytes) -> None:
    head = b'CONTENT-DISPOSITION: form-data; name="\xd0\xb6"'
    body = b"--%b\r\nX-Other: 1\r\n%b\r\n\r\nvalue\r\n--%b--\r\n" % (boundary, head, boundary)
    assert parts(content_type, body) == [Part("ж", None, b"value")]


def test_a_form_may_have_no_part() -> None:
    assert parts("multipart/form-data; boundary=b", b"--b--") == []


def test_so_many_parts_and_no_more() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n'
    assert len(parts("multipart/form-data; boundary=b", part * PARTS_MOST + b"--b--")) == PARTS_MOST
    with pytest.raises(ValueError, match=f"more than {PARTS_MOST} parts"):
        parts("multipart/form-data; boundary=b", part * (PARTS_MOST + 2) + b"--b--")
