"""A socket of a capture while it is written."""

from collections.abc import Callable

from socktui.core.call import Function, Layer
from socktui.core.endpoint import SCHEMES
from socktui.core.sockets import Socket
from socktui.journal import format


class Entry:
    """A socket that is being written: what its calls add up to, its slot, and its chain of earlier calls.

    flags  of the records of each layer
    above  bytes that each function above the wire has moved
    """

    __slots__ = ("above", "at", "flags", "names", "names_at", "socket", "trees")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.flags = _flags(socket.scheme)
        self.above: dict[Function, int] = {}
        self.at = (socket.number - 1) * format.SLOT_SIZE
        self.names = b""
        self.names_at = 0
        # Skew-binary: (size, newest call) of perfect trees (Myers, "An applicative random-access stack").
        self.trees: list[int] = []

    def link(self, seq: int) -> int:
        """Add a call to the chain; the earlier call that it points at so that a search can jump."""
        trees = self.trees
        if len(trees) >= 4 and trees[-2] == trees[-4]:
            size = 2 * trees[-2] + 1
            del trees[-2:]
            trees[-2:] = (size, seq)
        else:
            trees += (1, seq)
        if len(trees) > 2:
            return trees[-3]
        return self.socket.last if self.socket.calls else seq

    def take_up(self, jump: Callable[[int], int]) -> None:
        """Take up the chain where somebody else has added to it; `jump(seq)` is the call that a call points at.

        The sizes of the trees are the digits of the number of calls, as a skew-binary number.
        """
        self.trees = []
        left, sizes, seq = self.socket.calls, [], self.socket.last
        while left:
            sizes.append((1 << ((left + 1).bit_length() - 1)) - 1)
            left -= sizes[-1]
        for size in reversed(sizes):
            self.trees[:0] = (size, seq)
            seq = jump(seq)


def _flags(scheme: str) -> list[int]:
    """The flags of the records of each layer."""
    flags = [0] * len(Layer)
    if kind := SCHEMES.get(scheme):
        stack = (Layer.WIRE, *kind.layers)
        for layer in stack[:-1]:
            flags[layer] |= format.UNDER
        flags[Layer.WIRE] |= format.MESSAGE * kind.message
        flags[Layer.WS] |= format.MESSAGE
    return flags
