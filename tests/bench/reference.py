"""The plainest echo server of asyncio's streams, to compare with: `python reference.py PORT`."""

import asyncio
import sys


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", int(sys.argv[1]), backlog=1024)  # noqa: TID251
    await server.serve_forever()


asyncio.run(main())
