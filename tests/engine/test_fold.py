"""What the slots of a capture say of its sockets is what its calls add up to, for every kind of socket."""

import contextlib
import secrets
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.journal.reader import Reader
from tests.engine.datagrams import assert_calls_tell_it_all
from tests.engine.namespaces import with_engine
from tests.loops import PURE
from tests.support import ENDING, all_sockets, peer, read_all, until

ENDS = ["close", "reset", "shutdown", "listener", "engine"]
"""Who ends it, and how."""

JUNK = b"\xff" * 300


def somewhere(scheme: str, folder: Path) -> Endpoint:
    match SCHEMES[scheme].form:
        case "path":
            return Endpoint(scheme, path=str(folder / secrets.token_hex(4)))
        case "protocol":
            return Endpoint(scheme, "127.0.0.2", 253)
        case _:
            return Endpoint(scheme, "127.0.0.1")


def known(scheme: str, local: str) -> Endpoint:
    """As a client connects to it."""
    endpoint = Endpoint.at(scheme, local)
    return endpoint.with_option("verify", "no") if "verify" in endpoint.kind.options else endpoint


async def talk(engine: Engine, scheme: str, end: str, folder: Path) -> None:
    """A server and a client of ours and what they say, a peer that talks nonsense, and one who is not there."""
    number = await engine.listen(somewhere(scheme, folder))
    endpoint = known(scheme, all_sockets(engine.capture)[0].local)
    client = await engine.connect(endpoint, buffer=1000)
    for payload in (b"Hello, World!", b"", secrets.token_bytes(5000)):
        await engine.send([client], payload)
    await until(lambda: all_sockets(engine.capture)[client - 1].received >= 1000)
    if endpoint.kind.netid == "tcp":
        with peer(endpoint.port) as sock, contextlib.suppress(OSError):
            sock.sendall(JUNK)
            sock.shutdown(1)
            read_all(sock)
    with contextlib.suppress(VerbError):
        await engine.connect(known(scheme, str(folder / "nobody") if endpoint.path[1:] else "127.0.0.1:9"), seconds=1)
    if end != "engine":
        verb = "close" if end == "listener" else end
        await engine.request(ENDING[verb](number if end == "listener" else client))
    await engine.end()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("scheme", "inner_loop"),
    [("tcp", PURE), *((name, "") for name in SCHEMES if name not in ("icmp", "raw"))],
    indirect=["inner_loop"],
)
async def test_of_every_scheme(engine: Engine, scheme: str, end: str, tmp_path: Path) -> None:
    await talk(engine, scheme, end, tmp_path)
    assert_calls_tell_it_all(engine)
    assert not [socket for socket in all_sockets(engine.capture) if socket.open]


@pytest.mark.parametrize("end", ENDS)
def test_of_raw(capture: Path, end: str, tmp_path: Path) -> None:
    async def body(engine: Engine, _: Reader) -> None:
        await talk(engine, "raw", end, tmp_path)
        assert_calls_tell_it_all(engine)

    with_engine(capture, body)


@pytest.mark.parametrize("end", ["close", "shutdown", "engine"])
def test_of_icmp(capture: Path, end: str) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        number = await engine.connect(Endpoint("icmp", "127.0.0.1"))
        await engine.send([number], b"Hello, World!")
        await until(lambda: all_sockets(capture)[0].received > 100)
        if end != "engine":
            await engine.request(ENDING[end](number))
        await engine.end()
        assert_calls_tell_it_all(engine)

    with_engine(capture, body)
