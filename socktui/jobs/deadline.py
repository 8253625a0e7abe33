"""What a job awaits for so long and no longer, and what is done as far as it can be done at once."""

import asyncio
import errno as errnos
from collections.abc import Coroutine
from typing import Any, TypeVar

from socktui.jobs.job import Soon, run

T = TypeVar("T")


async def within(seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; asyncio.timeout() for jobs. Raises TimeoutError, when it has been cancelled."""
    job, result = run(coroutine)
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        job.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        return await result
    except asyncio.CancelledError:
        if expired:
            raise TimeoutError(errnos.ETIMEDOUT, f"not within {seconds:g} s") from None
        raise
    finally:
        timer.cancel()
        job.cancel()


def at_once(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine as far as it gets without waiting for anything but its turn."""
    try:
        while isinstance(coroutine.send(None), Soon):
            pass
    except StopIteration:
        pass
    finally:
        coroutine.close()
