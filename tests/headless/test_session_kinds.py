"""Every kind of socket without a screen: what is announced, what goes through, and how it ends."""

import os
import re
import socket as sockets
from pathlib import Path

import pytest

from socktui.core.endpoint import Endpoint
from tests.running import Run, ran
from tests.support import SECONDS, wait_until

HELLO = b"Hello, World!"
ENDPOINTS = (
    "udp://127.0.0.1:0", "udp://[::1]:0", "unix://{}/s", "unix://@{}", "unix-dgram://{}/s", "unix-seqpacket://{}/s",
    "tls://127.0.0.1:0", "ws://127.0.0.1:0/chat", "wss://127.0.0.1:0", "telnet://127.0.0.1:0",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def where(run: Run) -> str:
    """The endpoint that it says it listens on."""
    found = re.fullmatch(r"listening on (\S+) \(.*\)", run.first())
    assert found, run.err
    return found[1]


@pytest.mark.parametrize("text", ENDPOINTS)
def test_a_client_hears_the_echo_and_ends(text: str, tmp_path: Path) -> None:
    with Run(tmp_path, "echo", text.format(tmp_path), "--json") as server:
        endpoint = where(server)
        assert Endpoint.parse(endpoint).scheme == text.partition(":")[0]
        client = ran(tmp_path, "connect", endpoint, "--pipe", stdin=HELLO)
        assert (client.status(), client.out) == (0, HELLO)
        assert client.err[0] == f"connected to {endpoint}"
        server.end()
    assert Endpoint.parse(endpoint).path == Endpoint.parse(text.format(tmp_path)).path


def test_a_peer_of_a_server_of_datagrams_tells_through_which_socket(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", "udp://127.0.0.1:0", "--json") as server:
        port = Endpoint.parse(where(server)).port
        with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as peer:
            peer.settimeout(SECONDS)
            peer.connect(("127.0.0.1", port))
            for data in (HELLO, b""):
                peer.send(data)
                assert peer.recv(100) == data
        server.until_printed('"result":0,"errno":null,"layer":"wire","data":null,"answer":null,"made":null,"via":1')
        server.end()
    received = next(call for call in server.calls if call["call"] == "recvfrom")
    assert (received["socket"], received["via"], received["result"]) == (2, 1, 13)
    assert received["answer"][0] == "127.0.0.1"
    assert next(call for call in server.calls if call["call"] == "bind")["via"] is None


def test_each_read_of_standard_input_is_a_datagram(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(SECONDS)
        with Run(tmp_path, "connect", f"udp://127.0.0.1:{peer.getsockname()[1]}", "--pipe", stdin=None) as client:
            client.first()
            for data in (b"one\n", b"two\n"):
                client.type(data)
                assert peer.recvfrom(100)[0] == data
            client.end_of_input()
            assert client.status() == 0


def test_a_long_input_is_cut_into_datagrams(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as peer:
        peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1 << 20)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(SECONDS)
        data = os.urandom(100_000)
        client = ran(tmp_path, "connect", f"udp://127.0.0.1:{peer.getsockname()[1]}", "--quiet", stdin=data)
        assert client.status() == 0
        assert [peer.recv(70_000), peer.recv(70_000)] == [data[:65507], data[65507:]]


def test_a_datagram_that_nobody_takes_is_a_failure(tmp_path: Path) -> None:
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = ran(tmp_path, "connect", f"udp://127.0.0.1:{port}", "--quiet", stdin=HELLO)
    assert client.status() == 1
    assert any("ECONNREFUSED" in line for line in client.err)


@pytest.mark.parametrize("text", ["udp://0.0.0.0:0", "ws://0.0.0.0:0", "udp://127.0.0.1:0?group=239.1.2.3"])
def test_what_others_can_reach_is_pointed_out(text: str, tmp_path: Path) -> None:
    with Run(tmp_path, "echo", text, "--quiet") as server:
        server.first()
        told = "every machine that can reach this one can connect"
        wait_until(lambda: any(told in line for line in server.err) or server.process.poll() is not None)
        assert any(told in line for line in server.err), server.err
        server.end()


def test_the_authority_of_a_certificate_is_told(tmp_path: Path) -> None:
    with Run(tmp_path, "echo", "tls://127.0.0.1:0", "--quiet") as server:
        server.first()
        wait_until(lambda: any("--cacert" in line for line in server.err))
        refused = ran(
            tmp_path, "connect", where(server), "--pipe", env={"XDG_DATA_HOME": str(tmp_path / "other")}
        )  # fmt: skip
        assert refused.status() == 1
        assert "certificate" in refused.err[-1]
        trusted = ran(tmp_path, "connect", f"{where(server)}?verify=no", "--pipe", stdin=HELLO)
        assert (trusted.status(), trusted.out) == (0, HELLO)
        assert any("was not verified" in line for line in trusted.err)
        server.end()


def test_a_template_is_sent_first(tmp_path: Path) -> None:
    with Run(tmp_path, "listen", ":0", "--service", "http", "--quiet") as server:
        client = ran(tmp_path, "connect", where(server), "--pipe", "--template", "http-get")
        assert client.status() == 0
        assert b'"origin": "127.0.0.1"' in client.out
        server.end()


def test_a_service_with_its_argument(tmp_path: Path) -> None:
    with Run(tmp_path, "listen", ":0", "--service", r"literal=Hi\x21", "--quiet") as server:
        assert server.first().endswith(r" (literal=Hi\x21)")
        assert ran(tmp_path, "connect", where(server), "--pipe", stdin=b"?").out == b"Hi!"
        server.end()


def test_names_of_unix_sockets_never_reach_the_terminal(tmp_path: Path) -> None:
    place = tmp_path / "\x1b]0;x\x07\u202e.sock"
    with Run(tmp_path, "echo", f"unix://{place}", "--headless") as server:
        assert "\x1b" not in server.first()
        with sockets.socket(sockets.AF_UNIX) as peer:
            peer.bind("\0\x1b[2J" + str(os.getpid()))
            peer.connect(str(place))
            server.until_printed("accept(")
        server.until_printed("#2 close(")
        server.end()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", server.out.decode() + "\n".join(server.err))
