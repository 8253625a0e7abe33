"""Sockets in words and figures that there is room for."""

from __future__ import annotations

import errno as errnos

import pytest

from socktui.core.sockets import End, Role, Socket
from socktui.tui.format import age, amount, ended, endpoint_of, label, netid, queued, why


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"), (9999, "9999"), (10_000, "9.8K"), (1_000_000, "977K"), (1 << 20, "1.0M"), (999 << 20, "999M"),
        (1 << 30, "1.0G"), (1 << 40, "1.0T"), (1 << 50, "1.0P"), (1 << 60, "1024P"),
    ],
)  # fmt: skip
def test_amounts(count: int, shown: str) -> None:
    assert amount(count) == shown


@pytest.mark.parametrize("exponent", range(59))
def test_an_amount_has_four_cells_at_most(exponent: int) -> None:
    assert all(len(amount((1 << exponent) + by)) <= 4 for by in (-1, 0, 1))


def test_a_queue_is_exact_as_long_as_it_fits() -> None:
    assert (queued(0), queued(999_999), queued(1_000_000)) == ("0", "999999", "977K")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (0.9, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86400, "1d"), (1e9, "99d")],
)
def test_ages(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


def test_what_ended_it_is_one_word() -> None:
    said = {
        End.PEER_FIN: "peer FIN",
        End.PEER_RESET: "peer RST",
        End.RESET: "RST sent",
        End.FAILED: "ECONNREFUSED",
    }
    for end, word in said.items():
        assert ended(Socket(1, end=end, errno=errnos.ECONNREFUSED)) == word
    assert ended(Socket(1)) == "closed"


def test_who_was_not_verified_is_said_first() -> None:
    assert why(Socket(1)) == ""
    assert why(Socket(1, insecure=True)).startswith("not verified")


def test_a_label_says_what_it_is_and_whose() -> None:
    tcp = Socket(3, netid="tcp", scheme="tcp", role=Role.CLIENT, peer="127.0.0.1:80")
    assert label(tcp) == "#3 client 127.0.0.1:80"
    udp = Socket(4, netid="udp", scheme="udp", role=Role.LISTENER, service="echo", local="127.0.0.1:7")
    assert label(udp) == "#4 udp echo 127.0.0.1:7"


def test_the_netid_is_the_scheme_where_that_says_more() -> None:
    assert netid(Socket(1, netid="tcp", scheme="wss")) == "wss"
    assert netid(Socket(1, netid="tcp", scheme="tls", insecure=True)) == "tls!"
    assert netid(Socket(1, netid="u_seq", scheme="unix-seqpacket")) == "u_seq"


def test_the_endpoint_where_a_socket_is_bound() -> None:
    assert str(endpoint_of(Socket(1, scheme="tcp", local="[::1]:80"))) == "tcp://[::1]:80"
    assert str(endpoint_of(Socket(1, scheme="unix", local="/run/x"))) == "unix:///run/x"
    assert endpoint_of(Socket(1, scheme="tcp", local="")) is None
