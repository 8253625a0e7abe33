"""The slow server over TCP: it receives no faster than it sends."""

import socket as sockets

from socktui.control.client import Engine
from socktui.core.call import Function
from tests.support import all_calls, listening, peer, read_all, read_exactly


async def test_slow_receives_no_more_than_it_sends(engine: Engine) -> None:
    """At 10 bytes a second one byte is asked for at a time, and what waits is in the kernel."""
    port = await listening(engine, service="slow=10")
    with peer(port) as sock:
        sock.sendall(b"abc" + b"x" * 1000)
        assert read_exactly(sock, 3) == b"abc"
        received = [call for call in all_calls(engine.capture) if call.name is Function.RECV]
        assert len(received) < 1000
        assert {call.result for call in received} == {1}


async def test_slow_sends_all_of_it_back(engine: Engine) -> None:
    port = await listening(engine, service="slow=10000000")
    data = bytes(range(256)) * 2000
    with peer(port) as sock:
        sock.sendall(data)
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == data
