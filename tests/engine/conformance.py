"""Two connected ends of every kind of connection, in one process; test_conformance.py runs over all of them."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from socktui.core.connection import Connection
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.engine.context import EngineContext
from socktui.engine.memory import memory_pair
from socktui.engine.transports import TRANSPORTS

Pair = tuple[Connection, Connection]


@dataclass(frozen=True)
class Kind:
    """A kind of connection.

    make        two ends that are connected, ready for the first byte; what is to be closed goes on the stack
    messages    the borders of what is sent are kept
    fragmented  a message may be sent in several pieces
    half_close  a FIN leaves the other direction open
    fin         the peer is told of a close
    reset       there is a RST
    """

    name: str
    make: Callable[[EngineContext, Path, ExitStack], Awaitable[Pair]]
    messages: bool = False
    fragmented: bool = False
    half_close: bool = True
    fin: bool = True
    reset: bool = False


def _in_memory(messages: bool) -> Callable[[EngineContext, Path, ExitStack], Awaitable[Pair]]:
    async def make(context: EngineContext, folder: Path, stack: ExitStack) -> Pair:
        return memory_pair(messages=messages)

    return make


def _over(scheme: str) -> Callable[[EngineContext, Path, ExitStack], Awaitable[Pair]]:
    async def make(context: EngineContext, folder: Path, stack: ExitStack) -> Pair:
        transport = TRANSPORTS[scheme]()
        arrived: asyncio.Queue[Connection] = asyncio.Queue()
        path = str(folder / secrets.token_hex(4)) if SCHEMES[scheme].form == "path" else ""
        where = Endpoint(scheme, path=path) if path else Endpoint(scheme, "127.0.0.1")
        listener = await transport.listen(context, where, "test", 16, arrived.put_nowait)
        stack.callback(listener.close)
        local = Endpoint.at(scheme, listener.socket.local)
        client = await transport.connect(
            context, local.with_option("verify", "no") if "verify" in local.kind.options else local, 10
        )
        stack.callback(client.close)
        if client.socket.datagrams:
            await client.send(b"hello")  # a peer is one that has spoken
            server = await arrived.get()
            assert await server.recv() == b"hello"
        else:
            server = await arrived.get()
            await asyncio.gather(client.handshake(), server.handshake())
        stack.callback(server.close)
        return client, server

    return make


KINDS = [
    Kind("memory", _in_memory(messages=False), reset=True),
    Kind("memory, messages", _in_memory(messages=True), messages=True, reset=True),
    Kind("tcp", _over("tcp"), reset=True),
    Kind("unix", _over("unix")),
    Kind("unix-seqpacket", _over("unix-seqpacket"), messages=True),
    Kind("udp", _over("udp"), messages=True, half_close=False, fin=False),
    Kind("unix-dgram", _over("unix-dgram"), messages=True, half_close=False, fin=False),
    Kind("tls", _over("tls"), reset=True),
    Kind("telnet", _over("telnet"), reset=True),
    Kind("ws", _over("ws"), messages=True, fragmented=True, half_close=False, reset=True),
    Kind("wss", _over("wss"), messages=True, fragmented=True, half_close=False, reset=True),
]
