"""Plain echo servers in Python, to compare with: `python reference.py streams|threads|uvloop PORT`."""

import asyncio
import socket
import sys
import threading
from typing import cast

HOST = "127.0.0.1"
BACKLOG = 1024


class Echo(asyncio.Protocol):
    """As in uvloop's own examples."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own has another base

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def uvloop_protocol(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Echo, HOST, port, backlog=BACKLOG)
    await server.serve_forever()


async def streams(port: int) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, HOST, port, backlog=BACKLOG)  # noqa: TID251
    await server.serve_forever()


def threads(port: int) -> None:
    def echo(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer:
            while data := peer.recv(65536):
                peer.sendall(data)

    listener = socket.create_server((HOST, port), backlog=BACKLOG)
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=echo, args=(peer,), daemon=True).start()


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "threads":
        threads(port)
    elif kind == "streams":
        asyncio.run(streams(port))
    else:
        import uvloop

        uvloop.run(uvloop_protocol(port))


main()
