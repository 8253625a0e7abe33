"""What a connection held is free again when it is over: not when Python next looks for cycles, which may be late."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.protocol import Protocol

from socktui.core.connection import Connection
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.core.service import RelayTo
from socktui.engine.poller import Poller
from socktui.engine.socket_table import SocketTable
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services.manual import client
from socktui.services.small import echo
from tests.loops import PURE
from tests.support import until

KINDS = [name for name, kind in SCHEMES.items() if kind.form in ("port", "path")]


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def held() -> list[str]:
    """The connections that there are in memory, and what the library has of each."""
    return [type(found).__name__ for found in gc.get_objects() if isinstance(found, Connection | Protocol)]


@pytest.mark.parametrize(
    ("scheme", "inner_loop"), [("tcp", PURE), *((kind, "") for kind in KINDS)], indirect=["inner_loop"]
)
@pytest.mark.parametrize("verb", ["close", "reset", "shutdown"])
def test_nothing_is_left_of_a_connection_that_is_over(capture: Path, tmp_path: Path, scheme: str, verb: str) -> None:
    poller = Poller()
    journal = Journal(capture, floor=0)
    path = str(tmp_path / "s") if SCHEMES[scheme].form == "path" else ""

    async def talk(workbench: SocketTable, endpoint: Endpoint, reader: Reader) -> None:
        number = await workbench.connect(endpoint, client)
        reader.refresh()
        before = reader.socket(number).received
        await workbench.send(number, b"Hello, World!")
        await until(lambda: reader.socket(number).received > before)
        await getattr(workbench, verb)(number)
        if SCHEMES[scheme].netid in ("udp", "u_dgr") and verb == "shutdown":
            await workbench.close(number)  # there is no peer whose end would answer ours

    async def main() -> None:
        workbench = SocketTable(poller, journal)
        with Reader(capture) as reader, no_collector():
            number, _ = await workbench.listen(
                Endpoint(scheme, "" if path else "127.0.0.1", path=path), echo, "echo", relay=RelayTo.ITSELF
            )
            reader.refresh()
            endpoint = Endpoint.at(scheme, reader.socket(number).local)
            if "verify" in endpoint.kind.options:
                endpoint = endpoint.with_option("verify", "no")
            for _ in range(3):
                await talk(workbench, endpoint, reader)
            if SCHEMES[scheme].netid in ("udp", "u_dgr"):
                await workbench.close(number)
            await until(lambda: not held())
        await workbench.end()

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(poller)) as runner:
        runner.run(main())
    journal.close()
