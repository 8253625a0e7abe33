"""telnet:// through the engine, with plain peers: the wire and what is in it are both in the capture."""

import asyncio
import random
import socket as sockets

import pytest

from socktui.control.client import Engine
from socktui.control.verbs import Shutdown
from socktui.core.call import Function, Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End, Role
from socktui.core.telnet import (
    AYT,
    BINARY,
    DO,
    DONT,
    HERE,
    IAC,
    NAWS,
    NOP,
    SUPPRESS_GO_AHEAD,
    TERMINAL_TYPE,
    WILL,
    WONT,
)
from socktui.core.telnet import client as telnet_client
from tests.support import all_calls, all_sockets, carried, listening, peer, read_all, read_exactly, until

DM = 242
EVERY_BYTE = bytes(range(256)) + b"\r\n\r\0\r\r"


def iac(*codes: int) -> bytes:
    return bytes([IAC, *codes])


async def test_a_service_gets_data_alone(engine: Engine) -> None:
    port = await listening(engine, "telnet://127.0.0.1:0", buffer=20)
    asked = iac(DO, SUPPRESS_GO_AHEAD) + iac(WILL, NAWS) + iac(NOP)
    answered = iac(WILL, SUPPRESS_GO_AHEAD) + iac(DONT, NAWS)
    with peer(port) as sock:
        sock.sendall(asked)
        assert read_exactly(sock, len(answered)) == answered
        sock.sendall(b"a" + iac(IAC) + b"\r\0\r\n")
        assert read_exactly(sock, 7) == b"a" + iac(IAC) + b"\r\0\r\n"
        sock.sendall(iac(AYT))
        assert read_exactly(sock, len(HERE)) == HERE
        sock.shutdown(sockets.SHUT_WR)
        assert read_all(sock) == b""
    await until(lambda: not all_sockets(engine.capture)[1].open)
    assert carried(engine.capture, 2, "telnet_recv") == carried(engine.capture, 2, "telnet_send") == b"a\xff\r\r\n"
    assert carried(engine.capture, 2, "recv") == asked + b"a" + iac(IAC) + b"\r\0\r\n" + iac(AYT)
    calls = [call for call in all_calls(engine.capture) if call.socket == 2]
    assert [(call.name, call.result) for call in calls if call.sends or call.receives] == [
        (Function.RECV, 8),
        (Function.SEND, 6),
        (Function.RECV, 7),
        (Function.TELNET_RECV, 5),
        (Function.SEND, 7),
        (Function.TELNET_SEND, 5),
        (Function.RECV, 2),
        (Function.SEND, 9),
        (Function.RECV, 0),
    ]
    assert {call.layer for call in calls if call.name in (Function.TELNET_SEND, Function.TELNET_RECV)} == {Layer.TELNET}
    assert {call.size for call in calls if call.receives} == {20}
    assert all_sockets(engine.capture)[1].end is End.PEER_FIN


async def test_two_of_ours(engine: Engine) -> None:
    port = await listening(engine, "telnet://127.0.0.1:0")
    number = await engine.connect(Endpoint.parse(f"telnet://127.0.0.1:{port}"))
    await engine.send([number], EVERY_BYTE)
    await until(lambda: carried(engine.capture, number, "telnet_recv") == EVERY_BYTE)
    await engine.request(Shutdown(number))
    await until(lambda: not any(socket.open for socket in all_sockets(engine.capture)[1:]))
    ends = {socket.role: socket.number for socket in all_sockets(engine.capture)}
    client, server = ends[Role.CLIENT], ends[Role.ACCEPTED]
    assert (
        carried(engine.capture, client, "telnet_send") == carried(engine.capture, server, "telnet_recv") == EVERY_BYTE
    )
    sent = carried(engine.capture, client, "send")
    assert sent == carried(engine.capture, server, "recv")
    assert sent.startswith(iac(DO, SUPPRESS_GO_AHEAD) + iac(WILL, TERMINAL_TYPE) + iac(WILL, NAWS))
    assert sent.endswith(telnet_client().escaped(EVERY_BYTE))


async def test_what_is_sent_after_an_answer_is_written_as_the_answer_says(engine: Engine) -> None:
    port = await listening(engine, "telnet://127.0.0.1:0")
    with peer(port) as sock:
        sock.sendall(b"\r" + iac(NOP))
        assert read_exactly(sock, 2) == b"\r\0"
        sock.sendall(iac(DO, BINARY) + iac(WILL, BINARY) + b"\r\0" + iac(IAC))
        assert read_exactly(sock, 10) == iac(WILL, BINARY) + iac(DO, BINARY) + b"\r\0" + iac(IAC)
        sock.sendall(iac(DONT, BINARY) + b"\r")
        assert read_exactly(sock, 5) == iac(WONT, BINARY) + b"\r\0"


async def test_a_synch_is_urgent_data_and_stays_in_its_place(engine: Engine) -> None:
    """RFC 854: IAC DM with the DM as TCP's urgent byte, which the kernel would take out of the stream."""
    port = await listening(engine, "telnet://127.0.0.1:0")
    with peer(port) as sock:
        sock.sendall(b"before" + iac())
        sock.send(bytes([DM]), sockets.MSG_OOB)
        sock.sendall(b"after")
        assert read_exactly(sock, 11) == b"beforeafter"
    await until(lambda: not all_sockets(engine.capture)[1].open)
    assert carried(engine.capture, 2, "recv") == b"before" + iac(DM) + b"after"


async def test_a_few_mib_in_pieces(engine: Engine) -> None:
    data = random.Random(854).randbytes(3 << 20)
    port = await listening(engine, "telnet://127.0.0.1:0")
    number = await engine.connect(Endpoint.parse(f"telnet://127.0.0.1:{port}"))
    for at in range(0, len(data), 300_000):
        await engine.send([number], data[at : at + 300_000])
    await until(lambda: len(carried(engine.capture, number, "telnet_recv")) == len(data))
    assert carried(engine.capture, number, "telnet_recv") == data


async def test_a_peer_that_asks_and_never_listens_is_not_heard_for_ever(engine: Engine) -> None:
    """Answers are not heaped up: when they no longer go out, nothing more is taken in."""
    port = await listening(engine, "telnet://127.0.0.1:0")
    with peer(port, seconds=1) as sock:

        def ask() -> None:
            for _ in range(1000):
                sock.send(iac(AYT) * 32768)

        with pytest.raises(TimeoutError):
            await asyncio.to_thread(ask)
        ours = all_sockets(engine.capture)[1]
        assert ours.received
        assert ours.received // 2 * len(HERE) - ours.sent < 1 << 20
