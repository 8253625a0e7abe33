"""Echo requests over real sockets: to the kernel, which answers, and to where nobody does."""

import errno
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close
from socktui.core.call import Call, Function
from socktui.core.connection import Connection
from socktui.core.endpoint import Endpoint
from socktui.core.icmp import Header, describe, message
from socktui.core.sockets import Role, State
from socktui.engine.datagrams.icmp import FIRST_PAYLOAD
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from socktui.services.manual import client
from tests.engine.datagrams import assert_calls_tell_it_all, calls_of
from tests.engine.in_process import with_table
from tests.engine.namespaces import in_namespace, with_engine
from tests.support import all_sockets, fresh, until

GROUPS = "net.ipv4.ping_group_range"
every_host = pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])


def received(reader: Reader, number: int) -> list[Call]:
    return [call for call in calls_of(reader, number) if call.receives and not call.failed]


async def ping(engine: Engine, host: str, reader: Reader) -> int:
    """Connect and send two more echo requests; the number, once all are answered."""
    number = await engine.connect(Endpoint.parse(f"icmp://{host}"))
    await until(lambda: len(received(reader, number)) == 1)
    for count, payload in enumerate((b"Hello, World!", b""), 2):
        await engine.send([number], payload)
        await until(lambda count=count: len(received(reader, number)) == count)  # type: ignore[misc]
    return number


def assert_echoed(reader: Reader, number: int) -> None:
    """Three requests, counted, and their replies, with the payloads that were sent."""
    calls = [call for call in calls_of(reader, number) if call.length]
    packets = [message(reader.data(call) or b"") for call in calls]
    assert [packet and (packet.type, packet.sequence, packet.payload) for packet in packets] == [
        (kind, sequence, payload)
        for sequence, payload in enumerate((FIRST_PAYLOAD, b"Hello, World!", b""), 1)
        for kind in ((8, 0) if packets[0] and packets[0].type == 8 else (128, 129))
    ]
    assert len({packet.identifier for packet in packets if packet}) == 1


@every_host
def test_what_is_typed_comes_back(capture: Path, host: str) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        number = await ping(engine, host, reader)
        assert_echoed(reader, number)
        socket = reader.socket(number)
        assert (socket.netid, socket.role, socket.state, socket.why) == ("icmp", Role.CLIENT, State.ESTAB, "")
        assert socket.peer == host.strip("[]")
        if host == "127.0.0.1":
            reply = reader.data(received(reader, number)[0]) or b""
            assert describe(reply).startswith("IPv4 ttl 64 · ICMP echo reply id 0x")
            assert describe(reply).endswith(" seq 1 · 56 bytes · checksum ok")
            header = Header.of(reply)
            assert header
            assert (header.source, header.destination) == (b"\x7f\0\0\1", b"\x7f\0\0\1")
        with pytest.raises(VerbError, match="EMSGSIZE"):
            await engine.send([number], bytes(66_000))
        await engine.request(Close(number))
        assert reader.socket(number).ended
        await engine.end()
        assert_calls_tell_it_all(engine)

    with_engine(capture, body)


def test_other_programs_packets_are_recorded_and_not_taken_for_answers(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        one = await ping(engine, "127.0.0.1", reader)
        other = await ping(engine, "127.0.0.1", reader)
        await until(lambda: len(received(reader, one)) == 6)
        replies = [message(reader.data(call) or b"") for call in received(reader, one)]
        assert {reply.type for reply in replies if reply} == {0}
        assert len({reply.identifier for reply in replies if reply}) == 2
        assert len(received(reader, other)) == 3

    with_engine(capture, body)


@pytest.mark.parametrize("raw", [True, False])
def test_services_get_the_payloads_of_their_own_replies(capture: Path, raw: bool) -> None:
    taken: list[bytes | None] = []

    async def take(connection: Connection) -> None:
        while True:
            taken.append(await connection.recv())

    async def main(table: SocketTable) -> None:
        one = await table.connect(Endpoint.parse("icmp://127.0.0.1"), take)
        other = await table.connect(Endpoint.parse("icmp://127.0.0.1"), client)
        await table.send(other, b"another's")
        await table.send(one, b"mine")
        await until(lambda: len(taken) == 2)

    in_namespace(lambda: with_table(capture, main), sysctls={GROUPS: "0 100"}, raw=raw)
    assert taken == [FIRST_PAYLOAD, b"mine"]


@every_host
def test_without_the_right_to_raw_sockets(capture: Path, host: str) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        number = await ping(engine, host, reader)
        assert_echoed(reader, number)
        refused, used = all_sockets(capture)
        assert (refused.why, refused.open, refused.netid) == ("EPERM", False, "icmp")
        assert (used.netid, used.state, used.peer) == ("icmp", State.ESTAB, host.strip("[]"))
        sent = message(reader.data(next(call for call in calls_of(reader, number) if call.sends)) or b"")
        assert sent
        assert used.local.endswith(f":{sent.identifier}")  # the kernel's, which ss(8) shows as a port
        made = [call for call in map(reader.call, range(reader.count)) if call.name is Function.SOCKET]
        assert [(call.args[1], call.errno) for call in made] == [
            ("SOCK_RAW|SOCK_NONBLOCK|SOCK_CLOEXEC", errno.EPERM),
            ("SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC", 0),
        ]
        await engine.end()
        assert_calls_tell_it_all(engine)

    with_engine(capture, body, sysctls={GROUPS: "0 100"}, raw=False)


@every_host
def test_without_any_right(capture: Path, host: str) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        with pytest.raises(
            VerbError, match=r"CAP_NET_RAW \(EPERM\).*net.ipv4.ping_group_range \(EACCES\).* 1 to 0"
        ) as no:
            await engine.connect(Endpoint.parse(f"icmp://{host}"))
        assert no.value.errno == "EACCES"
        assert [(socket.why, socket.open) for socket in all_sockets(capture)] == [("EPERM", False), ("EACCES", False)]

    with_engine(capture, body, sysctls={GROUPS: "1 0"}, raw=False)


@pytest.mark.parametrize("raw", [True, False])
def test_no_answer_is_no_error_and_the_row_says_so(capture: Path, raw: bool) -> None:
    quiet = "net.ipv4.icmp_echo_ignore_all"

    async def body(engine: Engine, reader: Reader) -> None:
        number = await engine.connect(Endpoint.parse("icmp://127.0.0.1"))
        await until(lambda: fresh(reader).socket(number).why)
        assert reader.socket(number).why == "no answer to echo request 1 within 2 s"
        assert reader.socket(number).open
        Path("/proc/sys", quiet.replace(".", "/")).write_text("0")
        await engine.send([number], b"and now?")
        await until(lambda: fresh(reader).socket(number).received)
        await until(lambda: reader.socket(number).why == "")

    with_engine(capture, body, sysctls={GROUPS: "0 100", quiet: "1"}, raw=raw)


def test_what_cannot_be(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        for endpoint, text in [
            ("icmp://192.0.2.9", "ENETUNREACH"),
            ("icmp://[fe80::1]", "EINVAL.*needs its %interface"),
            ("icmp://no-such-host.invalid", "the name is not known"),
        ]:
            with pytest.raises(VerbError, match=text):
                await engine.connect(Endpoint.parse(endpoint))
        with pytest.raises(VerbError, match=r"the kernel answers echo requests itself: listen on raw://127.0.0.1:1"):
            await engine.listen(Endpoint.parse("icmp://127.0.0.1"))
        assert all(socket.ended for socket in all_sockets(capture))

    with_engine(capture, body)
