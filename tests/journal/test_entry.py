"""A socket while it is written: the marks of its records, and the chain of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.call import Call, Function, Layer
from socktui.core.sockets import Socket
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from tests.journal.test_layers import carried
from tests.journal.writing import RING


@pytest.mark.parametrize(
    ("scheme", "name", "layer", "under", "message"),
    [
        ("tcp", Function.RECV, Layer.WIRE, False, False),
        ("udp", Function.RECVFROM, Layer.WIRE, False, True),
        ("unix-seqpacket", Function.RECV, Layer.WIRE, False, True),
        ("tls", Function.RECV, Layer.WIRE, True, False),
        ("tls", Function.SSL_READ, Layer.TLS, False, False),
        ("wss", Function.SSL_READ, Layer.TLS, True, False),
        ("wss", Function.WS_SEND, Layer.WS, False, True),
        ("telnet", Function.RECV, Layer.WIRE, True, False),
        ("telnet", Function.TELNET_RECV, Layer.TELNET, False, False),
        ("none", Function.RECV, Layer.WIRE, False, False),
        ("tcp", Function(24), Layer.WIRE, False, False),
    ],
)
def test_a_call_is_marked_by_its_function_and_scheme(
    scheme: str, name: Function, layer: Layer, under: bool, message: bool
) -> None:
    entry = Entry(Socket(1, scheme=scheme))
    call = entry.classify(Call(0, 1, 2, 1, name, 3, size=4))
    assert entry.plain is (scheme in ("tcp", "none"))
    assert (call.layer, call.under, call.message) == (layer, under, message)
    assert (call.name, call.result, call.size) == (name, 3, 4)


def test_layers_are_counted_each_for_itself(capture: Path) -> None:
    journal = Journal(capture, ring_size=RING, floor=0)
    entry = journal.entry(scheme="wss")
    for name, data, details in (
        (Function.SEND, b"0123456789", {}),
        (Function.SSL_WRITE, b"abcdef", {}),
        (Function.SEND, b"0123456789", {}),
        (Function.SSL_WRITE, b"ghi", {}),
        (Function.WS_SEND, b"xyz", {"args": ("text",)}),
        (Function.WS_SEND, b"", {"args": ("ping",)}),
    ):
        carried(journal, entry, name, data, **details)
    journal.close()
    with Reader(capture) as reader:
        calls = [reader.call(seq) for seq in range(reader.count)]
        assert [(call.layer, call.offset, call.under, call.message) for call in calls] == [
            (Layer.WIRE, 0, True, False),
            (Layer.TLS, 0, True, False),
            (Layer.WIRE, 10, True, False),
            (Layer.TLS, 6, True, False),
            (Layer.WS, 0, False, True),
            (Layer.WS, 3, False, True),
        ]
        assert calls[4].args == ("text",)
        assert calls[5].empty
        assert (reader.socket(1).sent, reader.socket(1).scheme) == (20, "wss")


@given(calls=st.integers(0, 700), last=st.integers(0, 1000))
def test_the_chain_jumps_back_and_can_be_taken_up_anywhere(calls: int, last: int) -> None:
    """Of which call a call points at, the chain is made again: it is nowhere else."""
    socket = Socket(1)
    entry = Entry(socket)
    jumps: dict[int, int] = {}
    for nth in range(calls):
        seq = last + 3 * nth
        jumps[seq] = entry.link(seq)
        assert jumps[seq] < seq or (jumps[seq] == seq) == (nth == 0)
        socket.calls, socket.last = nth + 1, seq
    again = Entry(socket)
    again.take_up(lambda seq: jumps[seq])
    assert again.trees == entry.trees
