"""The note: what was done to a socket, or said of it, that is no call."""

from collections.abc import Mapping
from dataclasses import dataclass

Field = str | int | float | bool | None

TEXT = "text"
"""The field that says it all in words, where there is one."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was done that is no call: bytes were held or dropped, somebody made a remark.

    It has its place among the calls of a capture, and moved no bytes: those that were dropped are told by its fields.

    seq     position in the capture, from 0, where calls and notes are counted together
    time    ns on the monotonic clock
    socket  number of the socket it is about, from 1; 0 for the capture as a whole
    kind    one word for what it is, such as `hold`, `drop` or `remark`
    fields  what it tells, by name: JSON values that are neither lists nor objects. `text` says it in words
    """

    seq: int
    time: int
    socket: int
    kind: str
    fields: Mapping[str, Field]

    @property
    def text(self) -> str:
        """`held 2.1 s`, its own words; where it has none, its kind and fields: `hold seconds=2.1`."""
        said = self.fields.get(TEXT)
        if said:
            return str(said)
        return " ".join([self.kind, *(f"{name}={value}" for name, value in self.fields.items() if name != TEXT)])
