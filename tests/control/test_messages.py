"""What crosses the control socket, as lines."""

import pytest

from socktui.control.messages import Failure, VerbError, pack, unpack
from socktui.core.errors import ErrorCode


def test_a_message_is_a_line() -> None:
    message = {"id": 1, "verb": "send", "args": {"data": "x\ny"}}
    assert pack(message).count(b"\n") == 1
    assert unpack(pack(message)) == message


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_message(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpack(line)


def test_a_failure_comes_out_as_it_went_in() -> None:
    failure = Failure(ErrorCode.NO_SUCH_INTERFACE, "ENODEV", {"interface": "x", "names": "lo"})
    assert Failure.unpack(unpack(pack(failure.pack()))) == failure
    failure = Failure(ErrorCode.STILL_CONNECTING, "", {"socket": 3})
    assert Failure.unpack(failure.pack()) == failure


@pytest.mark.parametrize("error", [{}, [], None, "no", {"code": "nonsense", "errno": "", "fields": {}}])
def test_what_is_no_failure(error: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Failure.unpack(error)


def test_an_error_is_for_people_and_for_programs() -> None:
    error = VerbError("socket 3 is no open connection", Failure(ErrorCode.NO_OPEN_CONNECTION, "", {"socket": 3}))
    assert str(error) == error.text == "socket 3 is no open connection"
    assert (error.code, error.errno, error.fields) == (ErrorCode.NO_OPEN_CONNECTION, "", {"socket": 3})
