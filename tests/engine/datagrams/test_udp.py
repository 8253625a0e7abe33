"""UDP: how its sockets are set up, over IPv4 and IPv6, to one peer, to everybody and to groups."""

import errno as errnos
import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.call import Argument, Function
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import Role, State
from socktui.engine.context import EngineContext
from socktui.engine.datagrams import udp
from socktui.engine.datagrams.bound import Connected, Peer
from tests.engine.datagrams import KINDS
from tests.engine.in_process import with_context
from tests.support import all_calls, all_sockets

UDP, _, _ = KINDS
GROUP = "udp://239.255.50.9:9?interface=lo"


def options(capture: Path) -> list[tuple[Argument, ...]]:
    """What was set on the sockets of a capture, in order."""
    return [call.args for call in all_calls(capture) if call.name is Function.SETSOCKOPT]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_of_one_family_and_its_client(capture: Path, host: str) -> None:
    async def main(context: EngineContext) -> None:
        bound = await udp.listen(context, Endpoint("udp", host), "echo", 5, lambda _: None)
        assert (bound.socket.role, bound.socket.state, bound.socket.service) == (Role.LISTENER, State.UNCONN, "echo")
        client = await udp.connect(context, Endpoint.at("udp", bound.socket.local), 10)
        assert isinstance(client, Connected)
        assert (client.socket.state, client.socket.peer) == (State.ESTAB, bound.socket.local)
        client.close()
        bound.close()

    with_context(capture, main)
    assert options(capture) == ([("IPPROTO_IPV6", "IPV6_V6ONLY", 1)] if host == "::1" else [])


@pytest.mark.parametrize(
    ("endpoint", "set_"),
    [
        ("udp://127.255.255.255:9?broadcast=yes", ("SOL_SOCKET", "SO_BROADCAST", 1)),
        (GROUP, ("IPPROTO_IP", "IP_MULTICAST_IF", "lo")),
    ],
)
def test_who_asks_many_has_a_bound_socket(capture: Path, endpoint: str, set_: tuple[Argument, ...]) -> None:
    """A connected one would receive from the group's own address alone."""

    async def main(context: EngineContext) -> None:
        peer = await udp.connect(context, Endpoint.parse(endpoint), 10)
        assert isinstance(peer, Peer)
        assert (peer.socket.role, peer.socket.parent) == (Role.CLIENT, 1)
        peer.close()

    with_context(capture, main)
    names = [call.name for call in all_calls(capture)]
    assert Function.BIND in names
    assert Function.CONNECT not in names
    assert options(capture) == [set_]
    assert not any(socket.open for socket in all_sockets(capture))


def test_members_of_a_group_share_its_port(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        one = await udp.listen(context, Endpoint.parse("udp://239.255.50.9:0?interface=lo"), "echo", 5, lambda _: None)
        port = Endpoint.at("udp", one.socket.local).port
        again = Endpoint.parse(f"udp://239.255.50.9:{port}?interface=lo")
        other = await udp.listen(context, again, "echo", 5, lambda _: None)
        for each in (one, other):
            each.close()

    with_context(capture, main)
    assert options(capture)[0] == ("SOL_SOCKET", "SO_REUSEADDR", 1)


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("udp://127.255.255.255:9", ErrorCode.BROADCAST_NOT_ASKED),
        ("udp://127.0.0.1:9?group=239.1.1.1", ErrorCode.CLIENT_WITH_GROUP),
        ("udp://127.0.0.1:9?interface=none0", ErrorCode.NO_SUCH_INTERFACE),
    ],
)
def test_what_a_client_cannot_be(capture: Path, endpoint: str, code: ErrorCode) -> None:
    async def main(context: EngineContext) -> None:
        with pytest.raises(SocketError) as told:
            await udp.connect(context, Endpoint.parse(endpoint), 10)
        assert told.value.code is code

    with_context(capture, main)
    assert not any(socket.open for socket in all_sockets(capture))


def test_a_port_that_is_taken_leaves_nothing_open(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with UDP.socket() as sock:
            where = Endpoint("udp", *sock.getsockname())
            with pytest.raises(OSError, match="Address already in use"):
                await udp.listen(context, where, "echo", 5, lambda _: None)

    with_context(capture, main)
    [socket] = all_sockets(capture)
    assert (socket.open, socket.errno) == (False, errnos.EADDRINUSE)


async def test_many_peers_are_kept_apart(engine: Engine) -> None:
    kind = UDP
    where = await kind.listen(engine)
    socks = [sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) for _ in range(100)]
    try:
        for number, sock in enumerate(socks):
            sock.settimeout(20)
            sock.connect(kind.address(where))
            sock.send(b"%d" % number)
        assert [sock.recv(100) for sock in socks] == [b"%d" % number for number in range(100)]
    finally:
        for sock in socks:
            sock.close()
    assert len({socket.peer for socket in all_sockets(engine.capture)[1:]}) == 100


async def test_names_are_resolved_and_a_taken_port_is_told(engine: Engine) -> None:
    with UDP.socket() as sock:
        port = sock.getsockname()[1]
        number = await engine.connect(Endpoint("udp", "localhost", port))
        await engine.send([number], b"by name")
        with pytest.raises(VerbError, match=rf"udp://127.0.0.1:{port}.*EADDRINUSE"):
            await engine.listen(Endpoint("udp", "127.0.0.1", port))
    with pytest.raises(VerbError, match="the name is not known"):
        await engine.connect(Endpoint("udp", "no-such-name.invalid", 5005))
