"""Setting up connections: the addresses of a name are tried in the manner of happy eyeballs (RFC 8305)."""

import asyncio
import errno as errnos
import socket as sockets
from collections.abc import Coroutine
from typing import Any, TypeVar

from socktui.core.endpoint import Endpoint
from socktui.engine.jobs import Job
from socktui.engine.resolve import Resolved, resolve
from socktui.engine.stream import Bench, Connection
from socktui.engine.traced import TracedSocket

T = TypeVar("T")

CONNECT_SECONDS = 10.0
ATTEMPT_DELAY = 0.25  # RFC 8305, section 5

Attempts = dict[int, tuple[Connection, Job]]
"""The attempts in progress, by the number of the socket, and the jobs that wait for the kernel's answers.

Cancelling one of these gives up the others as well.
"""


def run(coroutine: Coroutine[Any, Any, T]) -> tuple[Job, "asyncio.Future[T]"]:
    """A job, and a future of what its coroutine returns: the way from asyncio's tasks to jobs."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def tell() -> None:
        result = await coroutine
        if not future.done():
            future.set_result(result)

    def ended(error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.cancel()
        else:
            future.set_exception(error)

    job = Job(tell(), ended)
    job.step()
    return job, future


async def connect(bench: Bench, endpoint: Endpoint, attempts: Attempts, seconds: float = CONNECT_SECONDS) -> Connection:
    """A connection to an endpoint, the time for its name's resolution included in `seconds`.

    Raises OSError: as the last attempt was answered, ETIMEDOUT, or socket.gaierror for an unknown name.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _race(bench, await resolve(endpoint), attempts)
    except TimeoutError as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise OSError(errnos.ETIMEDOUT, f"no answer within {seconds:g} s") from None


async def _race(bench: Bench, addresses: list[Resolved], attempts: Attempts) -> Connection:
    """Start an attempt when the one before has failed or taken too long; the first to succeed wins."""
    tasks: list[asyncio.Task[Connection]] = []
    running: set[asyncio.Task[Connection]] = set()
    failure: BaseException = OSError(errnos.EADDRNOTAVAIL, "the name has no address")
    waiting = list(addresses)
    try:
        while waiting or running:
            if waiting:
                tasks.append(asyncio.ensure_future(_attempt(bench, waiting.pop(0), attempts)))
                running.add(tasks[-1])
            delay = ATTEMPT_DELAY if waiting else None
            done, running = await asyncio.wait(running, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.cancelled():
                    raise OSError(errnos.ECANCELED, "closed while connecting")
                if (error := task.exception()) is None:
                    tasks.remove(task)
                    return task.result()
                failure = error
        raise failure
    finally:
        for task in tasks:
            task.cancel()
        for lost in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(lost, Connection):
                lost.close()


async def _attempt(bench: Bench, address: Resolved, attempts: Attempts) -> Connection:
    family, where = address
    traced = TracedSocket.open(bench.journal, family, sockets.SOCK_STREAM)
    connection = Connection(bench, traced)
    try:
        traced.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        try:
            traced.connect(where)
        except BlockingIOError:
            job, settled = run(connection.settled())
            attempts[traced.number] = connection, job
            try:
                error = await settled
            finally:
                del attempts[traced.number]
                job.cancel()
            if traced.fd < 0:
                raise asyncio.CancelledError from None  # closed before it could be told
            if error:
                raise OSError(error, "") from None
        traced.getsockname()
    except BaseException:
        connection.close()
        raise
    return connection
