"""The service of a person, over TCP."""

import socket as sockets

from socktui.control.client import Engine
from socktui.control.verbs import Shutdown
from socktui.journal.reader import Reader
from tests.support import fresh, listening, peer, read_all, until


async def test_manual_leaves_it_to_the_user(engine: Engine) -> None:
    port = await listening(engine, service="manual")
    with peer(port) as sock, Reader(engine.capture) as reader:
        sock.sendall(b"question")
        sock.shutdown(sockets.SHUT_WR)
        await until(lambda: fresh(reader).sockets == 2 and reader.socket(2).why == "peer FIN")
        assert reader.socket(2).open
        assert await engine.send([2], b"answer") == 6
        await engine.request(Shutdown(2))
        assert read_all(sock) == b"answer"
        await until(lambda: reader.socket(2).ended)
