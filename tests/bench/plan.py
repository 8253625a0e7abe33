"""How much is measured, and how it is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything.

    bulk            bytes through one connection, hashed
    calls           in the capture that is opened
    sockets         in it
    few_calls       in the one beside which it is opened
    openings        of each
    pages           pairs of pages turned at each place of the large one
    keys            pressed for each latency, in a round
    connections     at once
    rounds          of servers side by side, in turn
    race            bytes through each server in a round
    round_trips     with each server in a round
    patience        seconds for each load of another server
    starts          of the program
    paints          of the byte log in a process
    heavy           rounds of what takes long
    crowd           connections that are held
    flow            bytes after which memory is looked at: few, and many
    searched        bytes of a capture in which some are looked for
    little          bytes, and round trips, of which 10 and 100 times as many are made
    """

    bulk: int = GIB
    calls: int = 10_000_000
    sockets: int = 10_000
    few_calls: int = 100_000
    openings: int = 5
    pages: int = 20
    keys: int = 150
    connections: int = 1000
    rounds: int = 5
    race: int = 256 * MIB
    round_trips: int = 20_000
    patience: float = 10.0
    starts: int = 15
    paints: int = 300
    heavy: int = 3
    crowd: int = 10_000
    flow: tuple[int, int] = (100 * MIB, 10 * GIB)
    searched: int = GIB
    little: tuple[int, int] = (64 * MIB, 10_000)


QUICK = Plan(
    bulk=64 * MIB,
    calls=300_000,
    sockets=1000,
    few_calls=10_000,
    openings=2,
    pages=4,
    keys=15,
    connections=1000,
    rounds=1,
    race=16 * MIB,
    round_trips=4_000,
    patience=5.0,
    starts=3,
    paints=60,
    heavy=1,
    crowd=1000,
    flow=(100 * MIB, 500 * MIB),
    searched=64 * MIB,
    little=(2 * MIB, 400),
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ms(seconds: float) -> str:
    """A time, with three digits that count."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def in_bytes(size: int) -> str:
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all are not above."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)
