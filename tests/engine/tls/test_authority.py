"""The user's own authority: made once, whole, by whoever is first; trusted only while nobody else could change it."""

import asyncio
import errno
import os
import ssl
import sys
from pathlib import Path

import pytest

from socktui.core.errors import SocketError
from socktui.engine.tls import authority

ISSUE = """
import sys, trustme
from socktui.engine.tls import authority
print("ready", flush=True)
sys.stdin.readline()
leaf = authority.issue(["localhost"])
sys.stdout.buffer.write(authority.certificate() + b"and its leaf\\n" + leaf)
"""


def test_it_is_made_once_and_belongs_to_its_user_alone() -> None:
    assert authority.certificate() == b""
    pem = authority.issue(["localhost", "127.0.0.1"])
    folder = authority.folder()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(kept) == {"ca.pem", "ca-key.pem"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}
    assert authority.certificate() == kept["ca.pem"]
    assert b"PRIVATE KEY" in pem
    assert kept["ca-key.pem"] not in pem
    assert authority.issue(["localhost"]) != pem
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept
    assert [path.name for path in folder.parent.iterdir()] == ["ca"]


async def test_processes_that_race_for_it_agree() -> None:
    """All wait at the same line, with everything imported, and are let go at once."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ISSUE), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    authorities, leaves = set(), set()
    for out, _ in await asyncio.gather(*(process.communicate(b"go\n") for process in processes)):
        certificate, leaf = out.split(b"and its leaf\n")
        authorities.add(certificate)
        leaves.add(leaf)
    assert authorities == {authority.certificate()}
    assert len(leaves) == 4
    for leaf in leaves:
        _handshake(leaf)
    assert [path.name for path in authority.folder().parent.iterdir()] == ["ca"]


def _handshake(pem: bytes) -> None:
    """A client that trusts the authority takes the certificate for localhost."""
    path = authority.folder() / "leaf.pem"
    path.write_bytes(pem)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(path)
    path.unlink()
    client.load_verify_locations(authority.folder() / authority.CERTIFICATE)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname="localhost"),
        server.wrap_bio(there, back, server_side=True),
    ]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    assert ends[0].getpeercert()


def test_a_key_that_others_can_read_is_not_used() -> None:
    authority.issue(["localhost"])
    (authority.folder() / authority.KEY).chmod(0o640)
    with pytest.raises(SocketError, match=r"authority-exposed path='.*ca-key.pem'"):
        authority.issue(["localhost"])
    assert authority.certificate()


def test_a_folder_that_others_can_write_to_is_not_trusted() -> None:
    authority.issue(["localhost"])
    authority.folder().chmod(0o770)
    for use in (authority.certificate, lambda: authority.issue(["localhost"])):
        with pytest.raises(SocketError, match=r"authority-exposed path='.*/ca'"):
            use()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_authority_is_not_trusted() -> None:
    authority.issue(["localhost"])
    os.chown(authority.folder() / authority.CERTIFICATE, 65534, 65534)
    with pytest.raises(SocketError, match=r"authority-of-another path='.*ca.pem'"):
        authority.certificate()


@pytest.mark.parametrize("kind", ["a link", "a link to nothing", "a file"])
def test_what_stands_in_its_place_is_left_alone(data_home: Path, tmp_path: Path, kind: str) -> None:
    place = authority.folder()
    place.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    if kind == "a link":
        victim.mkdir()
    if kind == "a file":
        place.touch()
    else:
        place.symlink_to(victim)
    for use in (authority.certificate, lambda: authority.issue(["localhost"])):
        with pytest.raises(SocketError, match=r"authority-unreadable path='.*/ca'"):
            use()
    assert not victim.exists() or list(victim.iterdir()) == []


def test_a_damaged_one_is_told_in_one_sentence() -> None:
    authority.issue(["localhost"])
    key = authority.folder() / authority.KEY
    key.write_bytes(b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
    with pytest.raises(SocketError, match=r"authority-damaged folder='.*/ca'"):
        authority.issue(["localhost"])
    key.unlink()
    with pytest.raises(SocketError, match=r"authority-unreadable path='.*ca-key.pem'") as told:
        authority.issue(["localhost"])
    assert told.value.errno == errno.ENOENT


def test_a_name_that_no_certificate_can_have() -> None:
    with pytest.raises(SocketError, match=r"no-certificate-for names='localhost, my_host'"):
        authority.issue(["localhost", "my_host"])
