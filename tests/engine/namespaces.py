"""Network namespaces of a test's own (network_namespaces(7)), where sysctls can be set and rights be dropped."""

import asyncio
import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from socktui.control.client import Engine
from socktui.journal.reader import Reader
from tests.support import running_engine

CLONE_NEWNET = 0x40000000
PR_CAPBSET_DROP = 24
CAP_NET_RAW = 13

_LIBC = ctypes.CDLL(None, use_errno=True)


def _called(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def in_namespace(
    main: Callable[[], None],
    *,
    setup: tuple[str, ...] = (),
    sysctls: dict[str, str] | None = None,
    raw: bool = True,
) -> None:
    """Run `main` where there is a loopback interface and nothing else.

    A thread can be in a namespace, and its children are: engines that it starts, too.

    setup  further commands of ip(8)
    raw    whether programs that are started have the right CAP_NET_RAW
    """
    failure: BaseException | None = None

    def run() -> None:
        nonlocal failure
        try:
            _called(_LIBC.unshare(CLONE_NEWNET))
            for name, value in (sysctls or {}).items():
                Path("/proc/sys", name.replace(".", "/")).write_text(value)
            for command in ("link set lo up", *setup):
                subprocess.run(["ip", *command.split()], check=True)
            if not raw:
                _called(_LIBC.prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0))
            main()
        except BaseException as error:
            failure = error

    if os.geteuid():
        pytest.skip("a network namespace of one's own needs root")
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure is not None:
        raise failure


def with_engine(capture: Path, body: Callable[[Engine, Reader], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run `body` with an engine in a namespace (in_namespace), where no other test's packets come."""

    async def main() -> None:
        async with running_engine(capture) as engine:
            with Reader(capture) as reader:
                await body(engine, reader)

    in_namespace(lambda: asyncio.run(main()), **options)
