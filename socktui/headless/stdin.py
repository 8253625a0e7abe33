"""Standard input, read when it is asked for."""

import asyncio
import os
import select
import threading

from socktui.headless.stdio import STDIN

CHUNK = 65536


class Input:
    """Reads in a thread that nobody waits for: a read of a terminal cannot be taken back.

    One piece of at most `chunk` bytes is read at a time, so whoever is slow to use it slows down the one who writes.
    """

    def __init__(self, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Semaphore(0)
        self._answer: asyncio.Future[bytes] = self._loop.create_future()
        threading.Thread(target=self._run, name="socktui-stdin", daemon=True).start()

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises OSError."""
        self._answer = self._loop.create_future()
        self._wanted.release()
        return await self._answer

    def _run(self) -> None:
        while True:
            self._wanted.acquire()
            data: bytes | OSError
            try:
                data = _read(self._chunk)
            except OSError as error:
                data = error
            try:
                self._loop.call_soon_threadsafe(self._give, data)
            except RuntimeError:
                return  # the loop did not wait for us

    def _give(self, data: bytes | OSError) -> None:
        if self._answer.done():
            return
        if isinstance(data, OSError):
            self._answer.set_exception(data)
        else:
            self._answer.set_result(data)


def _read(most: int) -> bytes:
    """As read(2), also where somebody who shares the file has made it non-blocking."""
    while True:
        try:
            return os.read(STDIN, most)
        except BlockingIOError:
            select.select([STDIN], [], [])
