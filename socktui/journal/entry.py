"""A socket of a capture while it is written."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from socktui.core.call import Call, Function, Layer, layer_of
from socktui.core.endpoint import SCHEMES
from socktui.core.sockets import Socket
from socktui.journal import format


class Entry:
    """A socket that is being written: what its calls add up to, its slot, and its chain of earlier calls.

    socket    what its calls add up to
    marks     of the records of each function, by its number: layer and flags
    at        where its slot is
    names     its names as they were written last; their JSON is at `names_at` of the heap, `names_size` bytes
    """

    __slots__ = ("at", "marks", "names", "names_at", "names_size", "socket", "trees")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.marks = _marks(socket.scheme)
        self.at = (socket.number - 1) * format.SLOT_SIZE
        self.names: tuple[str | bool, ...] = ()
        self.names_at = self.names_size = 0
        # Skew-binary: (size, newest call) of perfect trees (Myers, "An applicative random-access stack").
        self.trees: list[int] = []

    @property
    def plain(self) -> bool:
        """Whether its bytes are a stream with nothing above the wire: then its records carry no marks."""
        return not self.marks[Function.RECV][1]

    def classify(self, call: Call) -> Call:
        """The call with the layer of its function, and the marks (under, message) that its socket's scheme gives it."""
        layer, flags = self.marks[call.name]
        return replace(call, layer=Layer(layer), under=bool(flags & format.UNDER), message=bool(flags & format.MESSAGE))

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


@lru_cache
def _marks(scheme: str) -> tuple[tuple[int, int], ...]:
    """Layer and flags of the records of each function, by its number, on sockets of a scheme."""
    flags = dict.fromkeys(Layer, 0)
    if kind := SCHEMES.get(scheme):
        stack = (Layer.WIRE, *kind.layers)
        for layer in stack[:-1]:
            flags[layer] |= format.UNDER
        flags[Layer.WIRE] |= format.MESSAGE * kind.message
        flags[Layer.WS] |= format.MESSAGE
    layers = [Layer.WIRE] * 256
    for function in Function:
        layers[function] = layer_of(function)
    return tuple((int(layer), flags[layer]) for layer in layers)
