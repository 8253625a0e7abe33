"""ping(8) of iputils as a witness: its packets and ours look alike."""

import re
import subprocess
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.core.endpoint import Endpoint
from socktui.core.icmp import Message, describe, message
from socktui.journal.reader import Reader
from tests.engine.datagrams import calls_of
from tests.engine.namespaces import with_engine
from tests.peers.programs import path_of
from tests.support import fresh, until

pytestmark = pytest.mark.peer


def ping(*args: object) -> str:
    """What a ping of one packet prints."""
    return subprocess.run(
        [path_of("ping"), "-c", "1", "-W", "10", *map(str, args)], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(("host", "protocol"), [("127.0.0.1", 1), ("::1", 58)], ids=["ICMP", "ICMPv6"])
def test_the_packets_of_ping_and_ours_look_alike(capture: Path, host: str, protocol: int) -> None:
    """A raw server of ours hears both."""

    async def body(engine: Engine, reader: Reader) -> None:
        await engine.listen(Endpoint("raw", host, protocol), "discard")

        def heard() -> list[Message]:
            packets = [message(reader.data(call) or b"") for call in calls_of(reader, 2)]
            return [packet for packet in packets if packet and packet.type in (8, 128)]

        assert "1 received" in ping("-s", 56, host)
        await until(lambda: fresh(reader).sockets == 2 and len(heard()) == 1)
        number = await engine.connect(Endpoint("icmp", host))
        await until(lambda: fresh(reader).socket(number).received and len(heard()) == 2)
        theirs, ours = heard()
        assert (theirs.type, theirs.code, theirs.sequence) == (ours.type, ours.code, ours.sequence)
        assert theirs.payload[16:] == ours.payload[16:]  # the time, as ping has it, stands before
        assert len(theirs.payload) == len(ours.payload) == 56
        told = [
            re.sub(r"0x[0-9a-f]{4}", "0x…", describe(reader.data(call) or b""))
            for call in calls_of(reader, 2)
            if (found := message(reader.data(call) or b"")) and found.type in (8, 128)
        ]
        assert len(set(told)) == 1
        if protocol == 1:
            assert told[0] == "IPv4 ttl 64 · ICMP echo request id 0x… seq 1 · 56 bytes · checksum ok"

    with_engine(capture, body)


def test_ping_and_we_disturb_each_other_in_nothing(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        number = await engine.connect(Endpoint("icmp", "127.0.0.1"))
        assert "1 received" in ping("127.0.0.1")
        await engine.send([number], b"ours")
        await until(lambda: fresh(reader).socket(number).received == (20 + 8 + 56) * 2 + 20 + 8 + 4)
        assert reader.socket(number).why == ""
        assert "1 received" in ping("127.0.0.1")

    with_engine(capture, body)
