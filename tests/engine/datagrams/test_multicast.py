"""UDP to many: broadcast, groups, and the options that say how. All of it on the loopback interface."""

import socket as sockets
import struct
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close
from socktui.core.call import Argument, Function
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Role
from socktui.engine.datagrams.multicast import Casting, is_group
from socktui.journal.reader import Reader
from tests.engine.datagrams import calls_of
from tests.engine.namespaces import with_engine
from tests.support import MAKING, all_sockets, fresh, listening, until

FOUR, SIX = sockets.AF_INET, sockets.AF_INET6
IP_RECVTTL = 12  # linux/in.h


def options_of(reader: Reader, number: int) -> list[tuple[Argument, ...]]:
    return [call.args for call in calls_of(reader, number) if call.name is Function.SETSOCKOPT]


async def test_two_members_of_a_group_answer_one_question(engine: Engine) -> None:
    port = await listening(engine, "udp://0.0.0.0:0?group=239.255.50.5&interface=127.0.0.1")
    await engine.listen(Endpoint.parse(f"udp://239.255.50.5:{port}?interface=127.0.0.1"))
    number = await engine.connect(
        Endpoint.parse(f"udp://239.255.50.5:{port}?interface=127.0.0.1&ttl=0&loop=yes")
    )  # fmt: skip
    await engine.send([number], b"who is there?")
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == 7 and sum(reader.socket(n).received for n in (5, 6, 7)) == 4 * 13)
        asked = reader.socket(4)
        assert (asked.number, asked.role, asked.parent, asked.sent) == (number, Role.CLIENT, 3, 13)
        await until(lambda: sum(fresh(reader).socket(n).sent for n in (5, 6, 7)) == 26)
        others = [reader.socket(n) for n in (5, 6, 7)]
        assert sorted((socket.parent, socket.role, socket.received, socket.sent) for socket in others) == [
            (1, Role.ACCEPTED, 13, 13),
            (2, Role.ACCEPTED, 13, 13),
            (3, Role.ACCEPTED, 26, 0),  # both members answer from the same address and port
        ]
        assert options_of(reader, 1) == [
            ("SOL_SOCKET", "SO_REUSEADDR", 1),
            ("IPPROTO_IP", "IP_MULTICAST_IF", "127.0.0.1"),
            ("IPPROTO_IP", "IP_ADD_MEMBERSHIP", ["239.255.50.5", "127.0.0.1"]),
        ]
        assert options_of(reader, 3) == [
            ("IPPROTO_IP", "IP_MULTICAST_IF", "127.0.0.1"),
            ("IPPROTO_IP", "IP_MULTICAST_TTL", 0),
            ("IPPROTO_IP", "IP_MULTICAST_LOOP", 1),
        ]
        await engine.request(Close(number))
        fresh(reader)
        assert [n for n in range(1, 8) if not reader.socket(n).ended] == [
            1, 2, *(socket.number for socket in others if socket.parent != 3)
        ]  # fmt: skip


async def test_a_group_hears_a_plain_sender_and_not_others_that_it_did_not_join(engine: Engine) -> None:
    port = await listening(engine, "udp://239.255.50.6:0?interface=lo", "discard")
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as sock, Reader(engine.capture) as reader:
        sock.setsockopt(sockets.IPPROTO_IP, sockets.IP_MULTICAST_IF, sockets.inet_aton("127.0.0.1"))
        sock.sendto(b"to others", ("239.255.50.7", port))
        sock.sendto(b"to us", ("239.255.50.6", port))
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).received)
        assert [reader.data(call) for call in calls_of(reader, 2)] == [b"to us"]


async def test_broadcast(engine: Engine) -> None:
    port = await listening(engine, "udp://0.0.0.0:0")
    with pytest.raises(VerbError, match=r"that is a broadcast address \(EACCES\): add \?broadcast=yes"):
        await engine.connect(Endpoint.parse(f"udp://127.255.255.255:{port}"))
    number = await engine.connect(Endpoint.parse(f"udp://127.255.255.255:{port}?broadcast=yes&interface=lo"))
    await engine.send([number], b"to everybody")
    with Reader(engine.capture) as reader:
        await until(lambda: fresh(reader).sockets == number + 2 and reader.socket(number + 2).received)
        assert {reader.socket(n).parent for n in (number + 1, number + 2)} == {1, number - 1}
        assert options_of(reader, number - 1) == [
            ("SOL_SOCKET", "SO_BROADCAST", 1),
            ("SOL_SOCKET", "SO_BINDTODEVICE", "lo"),
        ]


async def test_time_to_live(engine: Engine) -> None:
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        sock.setsockopt(sockets.IPPROTO_IP, IP_RECVTTL, 1)
        sock.bind(("127.0.0.1", 0))
        number = await engine.connect(Endpoint.parse(f"udp://127.0.0.1:{sock.getsockname()[1]}?ttl=7"))
        await engine.send([number], b"seven hops")
        _, ((_, _, ttl),), _, _ = sock.recvmsg(100, 100)
        assert struct.unpack("i", ttl) == (7,)


@pytest.mark.parametrize(
    ("verb", "endpoint", "text"),
    [
        ("listen", "udp://127.0.0.1:0?group=10.0.0.1", "the group 10.0.0.1 is no multicast address"),
        ("listen", "udp://127.0.0.1:0?group=what", "the group what is no multicast address"),
        ("listen", "udp://127.0.0.1:0?group=ff02::1", "the group ff02::1 and the address 127.0.0.1 are"),
        ("listen", "udp://239.1.1.1:0?interface=none0", "there is no interface 'none0': one of "),
        ("listen", "udp://239.1.1.1:0?interface=192.0.2.99", "ENODEV|EADDRNOTAVAIL"),
        ("connect", "udp://127.0.0.1:9?interface=127.0.0.1", "the interface 127.0.0.1 is an address, which only"),
        ("connect", "udp://[::1]:9?interface=127.0.0.1", "the interface 127.0.0.1 is an address, which only"),
        ("connect", "udp://127.0.0.1:9?ttl=0", "EINVAL"),
        ("connect", "udp://127.0.0.1:9?group=239.1.1.1", "a client joins no group: connect to the group's own address"),
    ],
)  # fmt: skip
async def test_what_cannot_be(engine: Engine, verb: str, endpoint: str, text: str) -> None:
    with pytest.raises(VerbError, match=text) as caught:
        await engine.request(MAKING[verb](Endpoint.parse(endpoint)))
    assert "\n" not in caught.value.text
    assert all(socket.ended for socket in all_sockets(engine.capture))


def test_groups_and_link_local_addresses_of_ipv6(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        port = await listening(engine, "udp://[ff02::50:5%d0]:0")
        number = await engine.connect(Endpoint.parse(f"udp://[ff02::50:5%d0]:{port}?ttl=3&loop=yes"))
        await engine.send([number], b"six")
        await until(lambda: fresh(reader).sockets == 5 and reader.socket(5).received)
        assert reader.socket(1).local == reader.socket(number).peer == f"[ff02::50:5%d0]:{port}"
        assert ("IPPROTO_IPV6", "IPV6_JOIN_GROUP", ["ff02::50:5", "d0"]) in options_of(reader, 1)
        assert options_of(reader, 2)[-2:] == [
            ("IPPROTO_IPV6", "IPV6_MULTICAST_HOPS", 3),
            ("IPPROTO_IPV6", "IPV6_MULTICAST_LOOP", 1),
        ]
        port = await listening(engine, "udp://[fe80::5%d0]:0")
        number = await engine.connect(Endpoint.parse(f"udp://[fe80::5%d0]:{port}"))
        await engine.send([number], b"link")
        await until(lambda: fresh(reader).socket(number).received == 4)
        assert reader.socket(number).peer == f"[fe80::5%d0]:{port}"
        assert reader.socket(number + 1).peer == reader.socket(number).local
        assert options_of(reader, number) == []
        with pytest.raises(VerbError, match=r"EINVAL.*a link-local one needs its %interface"):
            await engine.connect(Endpoint.parse(f"udp://[fe80::5]:{port}"))

    with_engine(
        capture,
        body,
        setup=(
            "link add d0 type veth peer name d1",  # the loopback interface carries no groups of IPv6
            "-6 address add fe80::5/64 dev d0 nodad",
            "link set d0 up",
            "link set d1 up",
        ),
    )


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("224.0.0.1", True),
        ("239.255.255.255", True),
        ("240.0.0.1", False),
        ("127.0.0.1", False),
        ("ff02::1", True),
        ("fe80::1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_which_addresses_are_groups(host: str, group: bool) -> None:
    assert is_group(host) == group


def test_what_the_options_ask_of_a_socket() -> None:
    lo = sockets.if_nametoindex("lo")
    for endpoint, address, wanted in [
        ("udp://127.0.0.1:9", "127.0.0.1", Casting(FOUR)),
        ("udp://127.0.0.1:9?ttl=7&broadcast=yes", "127.0.0.1", Casting(FOUR, broadcast=True, ttl=7)),
        ("udp://127.0.0.1:9?interface=lo", "127.0.0.1", Casting(FOUR, "", "lo", lo)),
        ("udp://239.1.1.1:9?loop=no", "239.1.1.1", Casting(FOUR, "239.1.1.1", loop=False)),
        ("udp://239.1.1.1:9?interface=127.0.0.1", "239.1.1.1", Casting(FOUR, "239.1.1.1", "127.0.0.1")),
        ("udp://0.0.0.0:9?group=239.1.1.1", "239.1.1.1", Casting(FOUR, "239.1.1.1")),
        ("udp://[ff02::1%lo]:9?loop=yes", "ff02::1%lo", Casting(SIX, "ff02::1", "lo", lo, loop=True)),
        ("udp://[fe80::1%lo]:9", "fe80::1%lo", Casting(SIX)),
    ]:
        family = SIX if "[" in endpoint else FOUR
        assert Casting.of(Endpoint.parse(endpoint), family, address) == wanted, endpoint
