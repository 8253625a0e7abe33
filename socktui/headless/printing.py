"""Printing calls on standard output."""

from socktui.headless.lines import Format
from socktui.headless.stdio import STDOUT, say, write
from socktui.journal.reader import Health, Reader

BATCH = 256 << 10
BATCH_CALLS = 1024


class Printer:
    """Writes the calls of a capture to standard output, in batches of bounded size; nothing where there is no form."""

    def __init__(self, reader: Reader, form: Format | None) -> None:
        self.reader = reader
        self._form = form
        self.position = 0

    def advance(self) -> bool:
        """Print a batch of the calls that there are; whether there were any. Raises OSError and NotKept."""
        if self._form is None:
            self.position = self.reader.count
            return False
        parts: list[bytes] = []
        size = 0
        stop = min(self.reader.count, self.position + BATCH_CALLS)
        begun = self.position
        try:
            while self.position < stop and size < BATCH:
                piece = self._form(self.reader, self.reader.call(self.position))
                parts.append(piece)
                size += len(piece)
                self.position += 1
        finally:
            write(STDOUT, b"".join(parts))
        return self.position > begun


def say_what_is_missing(health: Health) -> bool:
    """Say how much a capture has lost, loudly; whether it is whole."""
    if not health.whole:
        say(f"capture incomplete: {health.lost_bytes} bytes, {health.lost_calls} calls not kept", loud=True)
    return health.whole
