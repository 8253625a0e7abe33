"""Messages, and peers of one descriptor: what is recorded of them, and what calls alone tell."""

import os
from pathlib import Path
from typing import Any

from socktui.core.call import Call, Function
from socktui.core.sockets import End, Role, State
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal.writing import RING

FROM = ["127.0.0.1", 4000]


def carried(journal: Journal, entry: Entry, name: Function, data: bytes, **details: Any) -> None:
    """A call of a datagram socket, or of a layer above the wire, that moved a message."""
    result = details.pop("result", len(data))
    call = Call(0, journal.count + 1, 1, 0, name, result, size=65536, **details)
    journal.append(entry, entry.classify(call), data)


def udp_server(journal: Journal) -> None:
    """A bound socket, two peers that speak and one that is spoken to, and the end."""
    bound = journal.entry(service="echo", scheme="udp")
    journal.append_call(bound, Function.SOCKET, 1, 2, 5, args=("AF_INET", "SOCK_DGRAM", 0))
    journal.append_call(bound, Function.BIND, 2, 3, 0, args=(["127.0.0.1", 5005],))
    first = journal.peer(bound, "127.0.0.1:4000", journal.count + 1, asked=False)
    carried(journal, first, Function.RECVFROM, b"Hello", answer=FROM, via=1)
    carried(journal, first, Function.RECVFROM, b"", answer=FROM, via=1)
    carried(journal, first, Function.RECVFROM, b"too l", answer=FROM, via=1, result=8)
    carried(journal, first, Function.SENDTO, b"Hello", args=(FROM,), via=1)
    second = journal.peer(bound, "127.0.0.1:4001", journal.count + 1, asked=True)
    carried(journal, second, Function.SENDTO, b"Hi", args=(["127.0.0.1", 4001],), via=1)
    journal.append_call(second, Function.SENDTO, 9, 10, -1, 90, size=70000, args=(["127.0.0.1", 4001],), via=1)
    journal.append_call(bound, Function.CLOSE, 20, 21, 0)
    for peer in (first, second):
        journal.over(peer, 20)


def test_peers_of_one_descriptor_are_told_apart(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    udp_server(journal)
    journal.close()
    with Reader(capture) as reader:
        bound, first, second = (reader.socket(number) for number in (1, 2, 3))
        assert (bound.role, bound.netid, bound.state, bound.scheme) == (Role.LISTENER, "udp", State.CLOSED, "udp")
        assert (first.role, first.parent, first.peer, first.fd) == (Role.ACCEPTED, 1, "127.0.0.1:4000", 5)
        assert (first.received, first.sent, first.calls) == (10, 5, 4)
        assert (second.role, second.peer, second.sent) == (Role.CLIENT, "127.0.0.1:4001", 2)
        assert second.why == "closed here"  # a datagram that was too long ends nothing
        calls = [reader.call(seq) for seq in range(reader.count) if reader.call(seq).socket == 2]
        assert [reader.data(call) for call in calls] == [b"Hello", b"", b"too l", b"Hello"]
        assert [(call.result, call.offset, call.answer) for call in calls[:3]] == [
            (5, 0, FROM),
            (0, 5, FROM),
            (8, 5, FROM),
        ]
        assert [call.empty for call in calls] == [False, True, False, False]
        assert all(call.message and call.via == 1 and not call.eof for call in calls)


def test_calls_alone_tell_of_peers(capture: Path) -> None:
    """The slots are gone: what is no call is forgotten, and nothing else."""
    journal = Journal(capture, ring_size=RING, floor=0)
    udp_server(journal)
    journal.close()
    with Reader(capture) as reader:
        told = [reader.socket(number) for number in (1, 2, 3)]
    size = (capture / "sockets").stat().st_size
    (capture / "sockets").write_bytes(bytes(size))
    with Reader(capture) as reader:
        found = [reader.socket(number) for number in (1, 2, 3)]
    for socket in told:
        assert (socket.service, socket.scheme, socket.pid) == ("echo", "udp", os.getpid())
        socket.service, socket.scheme, socket.pid = "", "", 0
    assert found == told


def test_what_fails_above_the_wire_is_told_in_words(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry(scheme="tls")
    journal.append_call(entry, Function.SSL_DO_HANDSHAKE, 1, 2, -1, answer="the certificate has expired")
    journal.describe(entry, who="somebody", insecure=True)
    journal.close()
    with Reader(capture) as reader:
        socket = reader.socket(1)
        assert reader.call(0).failed
        assert (socket.end, socket.why) == (End.FAILED, "the certificate has expired")
        assert (socket.who, socket.insecure) == ("somebody", True)
