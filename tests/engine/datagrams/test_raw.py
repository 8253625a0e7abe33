"""Raw sockets: packets of a protocol of our own, as they come and as they go."""

import socket as sockets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Listen
from socktui.core.call import Function
from socktui.core.endpoint import Endpoint
from socktui.core.icmp import Header, describe
from socktui.core.sockets import Role
from socktui.journal.reader import Reader
from tests.engine.datagrams import assert_calls_tell_it_all, calls_of
from tests.engine.namespaces import with_engine
from tests.support import MAKING, SECONDS, all_sockets, fresh, until

PROTOCOL = 253  # RFC 3692: for experiments


def test_a_server_and_a_client(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        number = await engine.listen(Endpoint("raw", "127.0.0.2", PROTOCOL))
        client = await engine.connect(Endpoint("raw", "127.0.0.2", PROTOCOL))
        for sent, payload in enumerate((b"Hello, World!", b"", b"x" * 65_515), 1):
            await engine.send([client], payload)
            await until(lambda sent=sent: len(calls_of(reader, 3)) == 2 * sent)  # type: ignore[misc]
        came, went = calls_of(reader, 3)[:2]
        packet = reader.data(came) or b""
        header = Header.of(packet)
        assert header
        assert (header.protocol, packet[header.length :]) == (PROTOCOL, b"Hello, World!")
        assert describe(packet) == "IPv4 ttl 64 · protocol 253 · 13 bytes"
        assert (came.name, came.answer, came.via) == (Function.RECVFROM, ["127.0.0.1"], number)
        assert (went.name, went.args, reader.data(went)) == (Function.SENDTO, (["127.0.0.1"],), b"Hello, World!")
        await until(lambda: fresh(reader).socket(client).received == 65_528 + 3 * 20)
        with pytest.raises(VerbError, match="EMSGSIZE"):
            await engine.send([client], bytes(65_516))
        await engine.request(Close(client))
        await engine.request(Close(number))
        await engine.end()
        bound, asked, peer = all_sockets(capture)
        assert (bound.netid, bound.role, bound.local) == ("raw", Role.LISTENER, f"127.0.0.2:{PROTOCOL}")
        assert (asked.netid, asked.role, asked.peer) == ("raw", Role.CLIENT, "127.0.0.2")
        assert (peer.role, peer.peer, peer.parent) == (Role.ACCEPTED, "127.0.0.1", number)
        assert_calls_tell_it_all(engine)

    with_engine(capture, body)


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", sockets.AF_INET), ("::1", sockets.AF_INET6)], ids=["raw4", "raw6"]
)
def test_what_it_sends_itself_is_recorded_and_not_answered(capture: Path, host: str, family: int) -> None:
    """Else an echo server would answer its own answers for ever."""

    async def body(engine: Engine, reader: Reader) -> None:
        _, answer = engine.begin(Listen(Endpoint("raw", host, PROTOCOL)))
        assert "recorded and not answered" in (await answer).note
        with sockets.socket(family, sockets.SOCK_RAW, PROTOCOL) as sock:
            sock.bind((host, 0))
            for count in (1, 2):
                sock.sendto(b"to myself", (host, 0))
                await until(lambda count=count: len(calls_of(reader, 2)) == count)  # type: ignore[misc]
        assert {call.name for call in calls_of(reader, 2)} == {Function.RECVFROM}

    with_engine(capture, body)


def test_who_spoke_to_itself_first_is_answered_afterwards(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        await engine.listen(Endpoint("raw", "0.0.0.0", PROTOCOL))
        with sockets.socket(sockets.AF_INET, sockets.SOCK_RAW, PROTOCOL) as sock:
            sock.sendto(b"to myself", ("127.0.0.1", 0))
            sock.sendto(b"to another", ("127.0.0.2", 0))
            # The answer goes from an address to itself, and comes back once.
            await until(lambda: len(calls_of(reader, 2)) == 4)
        names = [call.name for call in calls_of(reader, 2)]
        assert names == [Function.RECVFROM, Function.RECVFROM, Function.SENDTO, Function.RECVFROM]
        assert len(all_sockets(capture)) == 2

    with_engine(capture, body)


def test_a_server_over_ipv6_answers_others(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        await engine.listen(Endpoint("raw", "::1", PROTOCOL))
        with sockets.socket(sockets.AF_INET6, sockets.SOCK_RAW, PROTOCOL) as sock:
            sock.settimeout(SECONDS)
            sock.bind(("fd00::5", 0))
            sock.sendto(b"six", ("::1", 0))
            assert sock.recv(100) == b"six"
        await until(lambda: [reader.data(call) for call in calls_of(reader, 2)] == [b"six", b"six"])

    with_engine(capture, body, setup=("-6 address add fd00::5/64 dev lo nodad",))


def test_our_client_and_a_plain_socket(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        with sockets.socket(sockets.AF_INET, sockets.SOCK_RAW, PROTOCOL) as sock:
            sock.settimeout(SECONDS)
            sock.bind(("127.0.0.2", 0))
            number = await engine.connect(Endpoint("raw", "127.0.0.2", PROTOCOL))
            await engine.send([number], b"payload")
            packet, address = sock.recvfrom(100)
            assert packet[20:] == b"payload"
            sock.sendto(b"answer", address)
            await until(lambda: fresh(reader).socket(number).received == 26)

    with_engine(capture, body)


def test_what_cannot_be(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        with pytest.raises(VerbError, match=r"a raw socket of IPv6 needs an address"):
            await engine.listen(Endpoint.parse(f"raw://[::]:{PROTOCOL}"))
        with pytest.raises(VerbError, match="EPROTONOSUPPORT"):
            await engine.listen(Endpoint.parse("raw://127.0.0.1:0"))
        assert all(socket.ended for socket in all_sockets(capture))

    with_engine(capture, body)


def test_without_the_right_to_it(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        for verb in ("listen", "connect"):
            with pytest.raises(VerbError, match=r"raw sockets need the right CAP_NET_RAW \(EPERM\)") as caught:
                await engine.request(MAKING[verb](Endpoint("raw", "127.0.0.1", PROTOCOL)))
            assert caught.value.errno == "EPERM"
        assert {(socket.why, socket.open) for socket in all_sockets(capture)} == {("EPERM", False)}

    with_engine(capture, body, raw=False)
