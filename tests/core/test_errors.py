"""Codes with fields, raised as an OSError."""

import errno

import pytest

from socktui.core.errors import ErrorCode, SocketError


def test_it_is_an_oserror_with_a_code_and_fields() -> None:
    error = SocketError(ErrorCode.MESSAGE_TOO_LONG, errno.EMSGSIZE, size=9, most=8)
    assert isinstance(error, OSError)
    assert (error.code, error.errno, error.fields) == (
        ErrorCode.MESSAGE_TOO_LONG,
        errno.EMSGSIZE,
        {"size": 9, "most": 8},
    )
    assert str(error) == "message-too-long size=9 most=8"


@pytest.mark.parametrize("number", [0, None])
def test_there_may_be_no_errno(number: int | None) -> None:
    assert not SocketError(ErrorCode.NO_HALF_CLOSE, number).errno


def test_codes_are_told_apart_by_their_texts() -> None:
    assert len({str(code) for code in ErrorCode}) == len(ErrorCode)
    assert ErrorCode("kernel") is ErrorCode.KERNEL
