"""Every scheme with every service, server and client of ours: the table in docs/sockets.md is what really happens."""

import asyncio
import os
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.journal.reader import Reader
from socktui.services import SERVICES
from tests.contracts import PROMISES, spec
from tests.engine.namespaces import with_engine
from tests.pairs import served
from tests.session import Talk, anywhere
from tests.support import running_engine, until

OWN_NETWORK = ("icmp", "raw")
"""What gets the packets of the whole machine is tried in a network of the test's own."""


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority that signs certificates belongs to the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_every_service_has_its_promise_tried() -> None:
    assert set(PROMISES) == set(SERVICES)


async def every_service(engine: Engine, scheme: str) -> None:
    with Reader(engine.capture) as reader:
        for name in SERVICES:
            if name in served(scheme):
                await keeps_its_promise(engine, reader, scheme, name)
            else:
                await is_refused(engine, scheme, name)


async def keeps_its_promise(engine: Engine, reader: Reader, scheme: str, name: str) -> None:
    folder = engine.capture.parent
    talk = Talk(engine, reader, anywhere(scheme, folder))
    await talk.listen(spec(name, folder))
    try:
        await PROMISES[name](talk)
    except AssertionError as error:
        error.add_note(f"{name} over {scheme}")
        raise
    await talk.end()


async def is_refused(engine: Engine, scheme: str, name: str) -> None:
    folder = engine.capture.parent
    with pytest.raises(VerbError) as caught:
        await engine.listen(anywhere(scheme, folder), spec(name, folder))
    assert caught.value.text
    assert "\n" not in caught.value.text


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme not in OWN_NETWORK])
async def test_ours_with_each_other(engine: Engine, scheme: str) -> None:
    await every_service(engine, scheme)


@pytest.mark.skipif(os.geteuid() != 0, reason="a network of one's own needs root")
@pytest.mark.parametrize("scheme", OWN_NETWORK)
def test_ours_with_each_other_in_a_network_of_their_own(capture: Path, scheme: str) -> None:
    async def body(engine: Engine, _: Reader) -> None:
        await every_service(engine, scheme)

    with_engine(capture, body)


def test_the_kernel_answers_a_client_of_icmp(capture: Path) -> None:
    async def body(engine: Engine, reader: Reader) -> None:
        talk = Talk(engine, reader, anywhere("icmp", capture.parent))
        number = await engine.connect(talk.endpoint)
        await talk.say(number, b"Hello")
        await until(lambda: talk.heard(number).endswith(b"Hello"))

    with_engine(capture, body)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_raw_sockets_are_not_for_everybody(capture: Path) -> None:
    async def main() -> None:
        async with running_engine(capture) as engine:
            with pytest.raises(VerbError, match=r"raw sockets need the right CAP_NET_RAW \(EPERM\)"):
                await engine.listen(Endpoint.parse("raw://127.0.0.2:253"))

    asyncio.run(main())
