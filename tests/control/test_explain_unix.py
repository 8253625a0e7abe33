"""What went wrong with a UNIX socket, told by what stands at its path."""

import errno
import os
import socket as sockets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from socktui.control.explain_unix import by_whom, unix_advice
from socktui.core.endpoint import Endpoint


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Path]:
    """The path of a datagram socket of this process."""
    with closing(sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM)) as sock:
        sock.bind(str(tmp_path / "s"))
        yield tmp_path / "s"


def advice(number: int, path: object, scheme: str = "unix", engine: int = 0) -> str:
    return unix_advice(number, Endpoint(scheme, path=str(path)), engine)


def test_a_path_that_is_taken(bound: Path) -> None:
    own = advice(errno.EADDRINUSE, bound, "unix-dgram", os.getpid())
    assert own == " by this workbench: a program has it open: take another name"
    assert f"(pid {os.getpid()}): a program has it open" in advice(errno.EADDRINUSE, bound, "unix-dgram")


def test_a_connection_that_is_refused(tmp_path: Path, bound: Path) -> None:
    (tmp_path / "file").write_text("")
    assert advice(errno.ECONNREFUSED, "@gone") == (
        ": no socket that accepts has that name: check it, or start a server first"
    )
    assert advice(errno.ECONNREFUSED, tmp_path / "none") == ": nothing accepts there"
    assert advice(errno.ECONNREFUSED, bound) == (
        ": a socket's file is left there, and nothing accepts: start its server again"
    )
    assert advice(errno.ECONNREFUSED, tmp_path) == ": that is a folder and no socket"
    assert advice(errno.ECONNREFUSED, tmp_path / "file") == ": that is a file and no socket"


def test_a_socket_of_another_kind(tmp_path: Path, bound: Path) -> None:
    assert advice(errno.EPROTOTYPE, bound) == f": the socket there is of another kind: write unix-dgram://{bound}"
    assert advice(errno.EPROTOTYPE, tmp_path / "none") == ": the socket there is of another kind"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert advice(errno.ENOENT, tmp_path / "none") == (
        ": there is no such file: check the path, or start a server first"
    )
    for number in (errno.ENOENT, errno.ENOTDIR):
        assert advice(number, tmp_path / "no" / "s") == f": there is no folder {tmp_path / 'no'}"


def test_rights(tmp_path: Path, bound: Path) -> None:
    assert advice(errno.EPERM, bound, "unix-dgram") == (
        ": the socket there is connected, and takes datagrams from its peer only"
    )
    assert advice(errno.EACCES, bound) == ": its file does not let you write to it: ask its owner"
    assert advice(errno.EACCES, tmp_path / "none") == f": the folder {tmp_path} is not yours to use"


def test_nothing_is_added_where_nothing_is_known(bound: Path) -> None:
    assert advice(errno.EPIPE, bound) == ""


def test_by_whom() -> None:
    assert by_whom([], 7) == ""
    assert by_whom([(7, "python3"), (8, "ncat")], 7) == " by this workbench, ncat (pid 8)"
    assert by_whom([(7, "python3")], 0) == " by python3 (pid 7)"
