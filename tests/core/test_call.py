"""The call and what is said of it."""

import pytest

from socktui.core.call import Call, Function, address_text, errno_name


def test_the_numbers_of_names_are_part_of_the_format() -> None:
    assert [(name.value, str(name)) for name in Function][:13] == [
        (1, "socket"),
        (2, "bind"),
        (3, "listen"),
        (4, "accept"),
        (5, "connect"),
        (6, "send"),
        (7, "recv"),
        (8, "shutdown"),
        (9, "close"),
        (10, "setsockopt"),
        (11, "getsockopt"),
        (12, "getsockname"),
        (13, "getpeername"),
    ]


@pytest.mark.parametrize(
    ("call", "eof"),
    [
        (Call(0, 0, 0, 1, Function.RECV, 0, size=20), True),
        (Call(0, 0, 0, 1, Function.RECV, 5, size=20, length=5), False),
        (Call(0, 0, 0, 1, Function.RECV, -1, errno=104, size=20), False),
        (Call(0, 0, 0, 1, Function.RECV, 0, size=0), False),
        (Call(0, 0, 0, 1, Function.SEND, 0, size=20), False),
    ],
)
def test_a_fin_is_a_receive_of_nothing(call: Call, eof: bool) -> None:
    assert call.eof is eof
    assert call.failed is bool(call.errno)
    assert (call.sends, call.receives) == (call.name is Function.SEND, call.name is Function.RECV)


def test_names_of_errors() -> None:
    assert errno_name(111) == "ECONNREFUSED"
    assert errno_name(9999) == "errno 9999"


@pytest.mark.parametrize(
    ("address", "text"),
    [(["127.0.0.1", 80], "127.0.0.1:80"), (["::1", 80], "[::1]:80"), ("@x", "@x"), (None, ""), ([], "[]"), (7, "7")],
)
def test_addresses(address: object, text: str) -> None:
    assert address_text(address) == text  # type: ignore[arg-type]
