"""Numbers of the capture format that have names: what is newer than this version keeps its number."""

from enum import IntEnum
from typing import Self, TypeVar

MOST = 255


class Numbered(IntEnum):
    """One byte of the capture format, by name. The numbers are part of the format: append, never renumber.

    A number that has no name in this version is a member as well, made when it is asked for: its text is `function 24`
    or `state 9`, and it is equal to no member that has a name. Raises ValueError for what is no number of one byte.

    known  whether it has a name in this version
    """

    known: bool

    def __new__(cls, value: int) -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.known = True
        return member

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= MOST:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"{cls.__name__} {value}".lower()
        member._value_ = value
        member.known = False
        return member

    def __str__(self) -> str:
        return self.name.lower()


N = TypeVar("N", bound=Numbered)


class Members(dict[int, N]):
    """The members of a kind by their numbers, each of those without a name made once, when it is first asked for."""

    def __init__(self, kind: type[N]) -> None:
        super().__init__({int(member): member for member in kind})
        self._kind = kind

    def __missing__(self, number: int) -> N:
        member = self[number] = self._kind(number)
        return member
