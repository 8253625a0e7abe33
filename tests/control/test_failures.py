"""From an exception of the engine's to a code, an errno and fields."""

import errno
import os
import socket as sockets
import ssl

import pytest

from socktui.control.failures import failure_of
from socktui.control.messages import Failure
from socktui.core.errors import ErrorCode, SocketError


def test_what_the_engine_refuses_keeps_its_code_and_fields() -> None:
    error = SocketError(ErrorCode.RAW_NOT_ALLOWED, errno.EPERM)
    assert failure_of(error) == Failure(ErrorCode.RAW_NOT_ALLOWED, "EPERM")
    error = SocketError(ErrorCode.NO_OPEN_CONNECTION, socket=3)
    assert failure_of(error) == Failure(ErrorCode.NO_OPEN_CONNECTION, "", {"socket": 3})


def test_what_the_kernel_answers_is_its_errno() -> None:
    error = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    assert failure_of(error) == Failure(ErrorCode.KERNEL, "ECONNREFUSED")
    with pytest.raises(OSError, match="no/such") as caught:
        os.stat("/no/such")
    assert failure_of(caught.value) == Failure(ErrorCode.KERNEL, "ENOENT", {"path": "/no/such"})
    assert failure_of(OSError(9999, "")) == Failure(ErrorCode.KERNEL, "errno 9999")


def test_names() -> None:
    error = sockets.gaierror(sockets.EAI_AGAIN, "try again")
    assert failure_of(error) == Failure(ErrorCode.NAME_UNKNOWN, "EAI_AGAIN")
    assert failure_of(sockets.gaierror(-999, "")) == Failure(ErrorCode.NAME_UNKNOWN, "EAI -999")
    with pytest.raises(UnicodeError) as caught:
        "a..b".encode("idna")
    assert failure_of(caught.value) == Failure(ErrorCode.NAME_NOT_A_HOST, "EAI_NONAME")


@pytest.mark.parametrize("error", [KeyError(1), OSError("a sentence"), RuntimeError(), TimeoutError()])
def test_a_fault_is_none(error: Exception) -> None:
    assert failure_of(error) is None


def test_an_error_of_the_library_ssl_is_a_fault() -> None:
    """The engine tells them in its own codes: one that comes through is forgotten somewhere."""
    assert failure_of(ssl.SSLError(1, "what")) is None
