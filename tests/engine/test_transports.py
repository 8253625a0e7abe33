"""The table of the kinds of socket: one for each scheme, loaded when it is asked for."""

import inspect
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import Role
from socktui.engine.context import EngineContext
from socktui.engine.transports import TRANSPORTS
from tests.engine.in_process import with_context

PRIVILEGED = {"raw"}


def test_each_scheme_has_one() -> None:
    assert list(TRANSPORTS) == list(SCHEMES)
    for make in TRANSPORTS.values():
        transport = make()
        assert inspect.iscoroutinefunction(transport.listen)
        assert inspect.iscoroutinefunction(transport.connect)
        assert list(inspect.signature(transport.listen).parameters) == [
            "context", "endpoint", "service", "backlog", "accepted"
        ]  # fmt: skip
        assert len(inspect.signature(transport.connect).parameters) == 3


@pytest.mark.parametrize("scheme", [name for name, kind in SCHEMES.items() if kind.serves and name not in PRIVILEGED])
def test_a_listener_of_each_scheme(capture: Path, tmp_path: Path, scheme: str) -> None:
    path = str(tmp_path / secrets.token_hex(4)) if SCHEMES[scheme].form == "path" else ""

    async def main(context: EngineContext) -> None:
        where = Endpoint(scheme, path=path) if path else Endpoint(scheme, "127.0.0.1")
        listener = await TRANSPORTS[scheme]().listen(context, where, "test", 5, lambda _: None)
        socket = listener.socket
        assert (socket.role, socket.scheme, socket.netid) == (Role.LISTENER, scheme, SCHEMES[scheme].netid)
        assert Endpoint.at(scheme, socket.local).port or path == socket.local
        listener.close()
        listener.close()
        assert listener.traced.fd < 0

    with_context(capture, main)


def test_what_has_no_servers_says_so(capture: Path) -> None:
    async def main(context: EngineContext) -> None:
        with pytest.raises(SocketError) as told:
            await TRANSPORTS["icmp"]().listen(context, Endpoint("icmp", "127.0.0.1"), "test", 5, lambda _: None)
        assert told.value.code is ErrorCode.KERNEL_ANSWERS_ECHO

    with_context(capture, main)
    assert [name for name, kind in SCHEMES.items() if not kind.serves] == ["icmp"]


def loaded(program: str) -> set[str]:
    """The modules of a new Python process after `program`."""
    code = f"{program}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_what_a_kind_needs_is_loaded_for_nobody_else() -> None:
    table = "from socktui.engine.transports import TRANSPORTS"
    none = loaded(table)
    assert "socktui.engine.tcp" not in none
    tcp = loaded(f"{table}; TRANSPORTS['tcp']()")
    assert "socktui.engine.tcp" in tcp
    for heavy in ("websockets", "trustme", "socktui.engine.tls.connection", "socktui.engine.datagrams.bound"):
        assert heavy not in tcp
    assert {"websockets", "socktui.engine.tls.connection"} <= loaded(f"{table}; TRANSPORTS['wss']()")
    assert "socktui.engine.tls.connection" not in loaded(f"{table}; TRANSPORTS['ws']()")
