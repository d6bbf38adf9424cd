"""Statistics of repeated samples: medians, spreads, shares, and ratios taken round by round."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core import figures

OURS = "Carillon"
Sample = Mapping[str, float]


@dataclass
class Row:
    """One contestant and what each round gave."""

    name: str
    samples: list[Sample] = field(default_factory=list)

    def values(self, figure: str) -> list[float]:
        """Returns this figure of each round that has it."""
        return [sample[figure] for sample in self.samples if figure in sample]

    def median(self, figure: str) -> float | None:
        """Returns the median of this figure over the rounds; None where no round has it."""
        values = self.values(figure)
        return statistics.median(values) if values else None


@dataclass(frozen=True)
class Result:
    """The result of one measurement: the first figure is compared, the others are shown beside it."""

    name: str
    title: str
    figures: tuple[str, ...]
    rows: list[Row]

    @property
    def baseline(self) -> Row:
        """The contestant that the others are compared with: the first."""
        return self.rows[0]

    def comparisons(self) -> Iterator[tuple[Row, Row, float]]:
        """Returns each row of this tree with each other row and their ratio; of an earlier commit, only its like."""
        for row in filter(_is_ours, self.rows):
            for other in self.rows:
                found = ratio(row.values(self.figures[0]), other.values(self.figures[0]))
                if found is not None and _is_comparable(row, other):
                    yield row, other, found

    def ratio(self, row: Row) -> float | None:
        """Returns the median, over the rounds, of a contestant's main figure divided by the baseline's."""
        return ratio(row.values(self.figures[0]), self.baseline.values(self.figures[0]))


def _is_ours(row: Row) -> bool:
    return row.name.startswith(f"{OURS},")


def _is_comparable(row: Row, other: Row) -> bool:
    """Whether a row is another system's, or this tree's own row at an earlier commit."""
    if not other.name.startswith(OURS):
        return True
    return not _is_ours(other) and row.name.partition(", ")[2] == other.name.partition(", ")[2]


def ratio(values: Sequence[float], baseline: Sequence[float]) -> float | None:
    """Returns the median of the ratios of each round, since only figures of one round are comparable."""
    ratios = [value / base for value, base in zip(values, baseline, strict=False) if base]
    return statistics.median(ratios) if ratios else None


def spread_percent(values: Sequence[float]) -> float | None:
    """Returns the range of the values, in percent of their median; None for fewer than two."""
    middle = statistics.median(values) if values else 0
    if len(values) < 2 or not middle:  # noqa: PLR2004  one value has no spread
        return None
    return 100 * (max(values) - min(values)) / middle


def percentile(values: Sequence[float], share: float) -> float:
    """Returns a percentile by nearest rank, as the dashboard shows it. Raises `ValueError` without values."""
    found = figures.percentile(values, share)
    if found is None:
        raise ValueError("There is no percentile of no values.")
    return found


def distribution(values: Sequence[float], prefix: str = "") -> dict[str, float]:
    """Returns the usual percentiles of the values, and the largest."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {
        **{f"{prefix}{name}": percentile(values, share) for name, share in shares.items()},
        f"{prefix}max": max(values),
    }
