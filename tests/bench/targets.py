"""What is asked of the figures, and whether they keep it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.bench.plan import median, table


@dataclass(frozen=True, slots=True)
class Target:
    """A bound, and what was measured: a value for every round, of which the median counts.

    values  none where it could not be measured
    most    whether the bound is the most that is allowed, and not the least
    unit    nothing for a ratio
    """

    what: str
    values: Sequence[float]
    bound: float
    most: bool = False
    unit: str = ""

    @classmethod
    def of_pairs(
        cls, what: str, ours: Iterable[float], theirs: Iterable[float], bound: float, *, most: bool = False
    ) -> Self:
        """Ratios of what was measured one after the other; a pair in which one came to no end (0) is left out."""
        return cls(what, [a / b for a, b in zip(ours, theirs, strict=False) if a and b], bound, most)

    @property
    def verdict(self) -> str:
        if not self.values:
            return "not measured"
        middle = median(self.values)
        return "yes" if (middle <= self.bound if self.most else middle >= self.bound) else "no"

    @property
    def measured(self) -> str:
        """The median, the least and the most, and of how many rounds."""
        if not self.values:
            return "–"
        least, middle, most = (_digits(value) for value in (min(self.values), median(self.values), max(self.values)))
        return f"{middle}{self.unit} ({least} to {most}, {len(self.values)})"

    def row(self) -> list[str]:
        return [
            self.what,
            self.measured,
            f"at {'most' if self.most else 'least'} {_digits(self.bound)}{self.unit}",
            self.verdict,
        ]


@dataclass(frozen=True, slots=True)
class Section:
    """What a section says, and the targets it measured."""

    text: str
    targets: Sequence[Target] = field(default=())


def targets_table(targets: Iterable[Target]) -> str:
    return table(["what", "measured", "target", "met"], [target.row() for target in targets])


def verdicts(targets: Sequence[Target]) -> str:
    """How many of each."""
    found = [target.verdict for target in targets]
    return f"Of {len(found)} targets, {found.count('yes')} are met, {found.count('no')} are not" + (
        f", and {missing} could not be measured." if (missing := found.count("not measured")) else "."
    )


def _digits(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"
